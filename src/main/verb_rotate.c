/* SPDX-License-Identifier: ISC */
/*
 * verb_rotate: `postern dkim list` and `postern dkim rotate DOMAIN`: the keys of our domains and
 * their stages.
 *
 * 1. rotate makes the next keys (RSA-2048 and Ed25519) and prints their records; said again, it
 *    makes them the active ones, but only when DNS shows all of them, and retires those before.
 * 2. The configuration is changed line by line as the administrator wrote it, parsed, and replaced
 *    as a whole; what cannot be done so is left alone and said.  No key file is ever removed.
 */
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "conf/config.h"
#include "main/init_keys.h"
#include "main/replace.h"
#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "trust/tags.h"

enum { TEXT_MAX = 16 << 20, RECORD_MAX = 8192, FRESH = 2 };

struct rotate {
	struct str name;		/* empty: all domains (list) */
	bool list, dns;			/* dns: ask whether keys are published */
	const struct domain *d;
	const struct config *cfg;
	struct verb_ask *v;
	struct buf before, after;
};

static const char *const stages[] = {
	[DKIM_ACTIVE] = "active", [DKIM_NEXT] = "next", [DKIM_RETIRING] = "retiring",
};

static char *
cstr(struct verb_ask *v, struct str s)
{
	char *z = arena_alloc(&v->a, s.n + 1);

	if (!z)
		abort();
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

/* ---- a key and its record ---- */

/* What DNS is to show of it.  False: said on standard error. */
static bool
record_of(struct verb_ask *v, const struct dkim_key *k, struct buf *out)
{
	EVP_PKEY *key = verb_dkim_key(cstr(v, k->file));
	bool good = key && init_dkim_record(key, out);

	EVP_PKEY_free(key);
	return good;
}

static struct str
tag_value(struct str record, const char *name, struct arena *a)
{
	const struct tag *t;
	struct tags tags;

	if (!tags_parse(record, a, &tags) || (t = tags_find(&tags, name)) == NULL)
		return (struct str){};
	return tags_squeeze(t->value, a);
}

/* One record alone, with that key in it.  NULL, or what is wrong.  suspends */
static const char *
not_shown(struct verb_ask *v, const struct domain *d, const struct dkim_key *k, struct str want)
{
	struct str name = str_cat(&v->a, k->selector, STR("._domainkey."), d->name);
	struct str ours = tag_value(want, "p", &v->a), kind = tag_value(want, "k", &v->a), shown;
	struct dns_answer ans;

	switch (trust_ask(&v->dns, name, DNS_TXT, &v->a, &ans)) {
	case DNS_OK:
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return "is not published";
	case DNS_TEMP:
	case DNS_BOGUS:
		return "cannot be looked up now";
	}
	if (ans.nrr != 1)
		return ans.nrr == 0 ? "is not published" : "has more than one record";
	if (!str_eq(tag_value(ans.rr[0].txt, "p", &v->a), ours))
		return "shows another key";
	shown = tag_value(ans.rr[0].txt, "k", &v->a);
	return str_ieq(shown.n > 0 ? shown : STR("rsa"), kind) ? NULL :
	    "shows a key of another kind";
}

static void
print_record(const struct domain *d, struct str selector, struct str record)
{
	(void)printf(STR_F "._domainkey." STR_F ". IN TXT", STR_A(selector), STR_A(d->name));
	while (record.n > 0) {		/* a string of a record holds 255 octets */
		struct str part = str_sub(record, 0, 200);

		(void)printf(" \"" STR_F "\"", STR_A(part));
		record = str_skip(record, part.n);
	}
	(void)putchar('\n');
}

/* ---- list ---- */

/* suspends */
static void
list_one(struct rotate *r, const struct domain *d, const struct dkim_key *k, json_t *list)
{
	json_t *one = json_object();
	struct buf record;
	bool good;

	buf_init(&record, RECORD_MAX);
	good = record_of(r->v, k, &record);
	(void)json_object_set_new(one, "domain", verb_json_str(d->name));
	(void)json_object_set_new(one, "selector", verb_json_str(k->selector));
	(void)json_object_set_new(one, "stage", json_string(stages[k->stage]));
	(void)json_object_set_new(one, "file", verb_json_str(k->file));
	(void)json_object_set_new(one, "record", good ? verb_json_str(buf_str(&record)) :
	    json_null());
	if (good && r->dns) {
		const char *why = not_shown(r->v, d, k, buf_str(&record));

		(void)json_object_set_new(one, "published", json_boolean(why == NULL));
		(void)json_object_set_new(one, "why", why ? json_string(why) : json_null());
	}
	(void)json_array_append_new(list, one);
	buf_done(&record);
}

static int
list_keys(struct rotate *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->cfg->ndomain; i++) {
		const struct domain *d = &r->cfg->domain[i];

		for (size_t k = 0; (!r->d || r->d == d) && k < d->ndkim; k++)
			list_one(r, d, &d->dkim[k], list);
	}
	r->v->answer = json_pack("{s:o}", "keys", list);
	return EX_OK;
}

/* ---- the configuration, line by line ---- */

/* The next word of a line; a quote or a brace is none that we change. */
static struct str
next_word(struct str *line)
{
	struct str word;
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	for (size_t i = 0; i < n; i++)
		if (strchr("\"\\{};#", line->p[i]))
			return (struct str){};
	word = str_sub(*line, 0, n);
	*line = str_skip(*line, n);
	return word;
}

/* `dkim SELECTOR FILE [STAGE]` alone on its line, copied in its new stage.  False: it is not. */
static bool
put_stage(struct rotate *r, struct str line, const struct dkim_key *k, enum dkim_stage stage)
{
	struct str rest = line, comment = {}, word, selector, file;
	ssize_t hash = str_chr(line, '#');
	size_t indent = 0;

	if (hash >= 0) {
		comment = str_skip(line, (size_t)hash);
		rest = str_sub(line, 0, (size_t)hash);
	}
	while (indent < line.n && (line.p[indent] == ' ' || line.p[indent] == '\t'))
		indent++;
	word = next_word(&rest);
	selector = next_word(&rest);
	file = next_word(&rest);
	if (!str_eq(word, STR("dkim")) || !str_ieq(selector, k->selector) || file.n == 0)
		return false;
	word = next_word(&rest);
	if (str_trim(rest).n > 0 || (word.n > 0 && !str_eq(word, str_of(stages[k->stage]))))
		return false;
	(void)buf_put(&r->after, str_sub(line, 0, indent));
	(void)buf_putf(&r->after, "dkim " STR_F " " STR_F "%s%s" STR_F "\n", STR_A(selector),
	    STR_A(file), stage == DKIM_ACTIVE ? "" : stage == DKIM_NEXT ? " next" : " retiring",
	    comment.n > 0 ? " " : "", STR_A(comment));
	return true;
}

static const struct dkim_key *
key_on_line(const struct domain *d, unsigned number)
{
	for (size_t i = 0; i < d->ndkim; i++)
		if (d->dkim[i].line == number)
			return &d->dkim[i];
	return NULL;
}

/* next becomes active, active retires, and what was retiring is gone. */
static bool
advance(struct rotate *r)
{
	struct str rest = buf_str(&r->before);

	for (unsigned number = 1; rest.n > 0; number++) {
		struct str line = str_split(&rest, '\n');
		const struct dkim_key *k = key_on_line(r->d, number);

		if (!k) {
			(void)buf_put(&r->after, line);
			(void)buf_putc(&r->after, '\n');
		} else if (k->stage != DKIM_RETIRING && !put_stage(r, line, k,
		    k->stage == DKIM_NEXT ? DKIM_ACTIVE : DKIM_RETIRING)) {
			return false;
		}
	}
	return !r->after.failed;
}

/* Behind the last key of the domain, or the line that opens its block. */
static bool
insert(struct rotate *r, struct str lines)
{
	struct str rest = buf_str(&r->before);
	unsigned at = r->d->line;
	bool done = false;

	for (size_t i = 0; i < r->d->ndkim; i++)
		at = r->d->dkim[i].line > at ? r->d->dkim[i].line : at;
	for (unsigned number = 1; rest.n > 0; number++) {
		struct str line = str_split(&rest, '\n');

		(void)buf_put(&r->after, line);
		(void)buf_putc(&r->after, '\n');
		if (number != at)
			continue;
		if (r->d->ndkim == 0 && !str_ends(str_trim(line), STR("{")))
			return false;
		(void)buf_put(&r->after, lines);
		done = true;
	}
	return done && !r->after.failed;
}

/* How many keys of that stage the text has for the domain; -1: it has mistakes. */
static int
count_stage(struct rotate *r, struct str text, enum dkim_stage stage)
{
	struct conf_errors errs = {};
	struct config *cfg = config_parse(text, cstr(r->v, r->cfg->file), &errs);
	const struct domain *d = cfg ? config_domain(cfg, r->d->name) : NULL;
	int n = d ? 0 : -1;

	for (size_t i = 0; d && i < d->ndkim; i++)
		n += d->dkim[i].stage == stage;
	conf_errors_done(&errs);
	config_free(cfg);
	return n;
}

static int
by_hand(const struct rotate *r, const char *what)
{
	(void)fprintf(stderr, "postern dkim: " STR_F ": the dkim lines of " STR_F
	    " are not one a line: %s\n", STR_A(r->cfg->file), STR_A(r->d->name), what);
	return EX_CONFIG;
}

/* Writes the changed text; have: so many keys of that stage must come of it. */
static int
store(struct rotate *r, enum dkim_stage stage, int have, const char *what)
{
	if (count_stage(r, buf_str(&r->after), stage) != have)
		return by_hand(r, what);
	if (replace_write(cstr(r->v, r->cfg->file), buf_str(&r->after)))
		return EX_OK;
	(void)fprintf(stderr, "postern dkim: " STR_F " cannot be replaced\n",
	    STR_A(r->cfg->file));
	return EX_CANTCREAT;
}

/* ---- rotate ---- */

static bool
selector_taken(const struct domain *d, struct str selector)
{
	for (size_t i = 0; i < d->ndkim; i++)
		if (str_ieq(d->dkim[i].selector, selector))
			return true;
	return false;
}

/* Directory of the domain's first key, else dkim/ beside the configuration. */
static struct str
key_dir(struct rotate *r)
{
	struct str file = r->d->ndkim > 0 ? r->d->dkim[0].file : r->cfg->file;
	ssize_t slash = str_rchr(file, '/');
	struct str dir = slash < 0 ? STR(".") : str_sub(file, 0, (size_t)slash);

	return r->d->ndkim > 0 ? dir : str_cat(&r->v->a, dir, STR("/dkim"));
}

/* A name that neither the configuration nor the directory has: of the day, then with letters. */
static bool
fresh_key(struct rotate *r, bool ed25519, struct dkim_key *out)
{
	char day[32];
	time_t now = (time_t)r->v->now_s;
	struct tm tm;

	if (!gmtime_r(&now, &tm) || strftime(day, sizeof day, "%Y%m%d", &tm) == 0)
		return false;
	for (char c = 'a' - 1; c <= 'z'; c++) {
		out->selector = str_cat(&r->v->a, ed25519 ? STR("e") : STR("s"), str_of(day),
		    str_from(&c, c >= 'a'));
		out->file = str_cat(&r->v->a, key_dir(r), STR("/"), str_cat(&r->v->a, r->d->name,
		    STR("."), out->selector, STR(".pem")));
		out->stage = DKIM_NEXT;
		if (!selector_taken(r->d, out->selector) &&
		    access(cstr(r->v, out->file), F_OK) != 0)
			return true;
	}
	return false;
}

/* A missing key of the configuration is worse than one that nobody uses: keys first. */
static int
make_next(struct rotate *r)
{
	struct dkim_key key[FRESH] = {};
	struct buf record[FRESH], why, lines;
	bool good = true;
	int status = EX_CANTCREAT;

	buf_init(&why, 2048);
	buf_init(&lines, RECORD_MAX);
	for (size_t i = 0; i < FRESH; i++) {
		buf_init(&record[i], RECORD_MAX);
		good = good && fresh_key(r, i == 1, &key[i]);
		(void)buf_putf(&lines, "    dkim " STR_F " " STR_F " next\n",
		    STR_A(key[i].selector), STR_A(key[i].file));
	}
	if (good && insert(r, buf_str(&lines)) &&
	    count_stage(r, buf_str(&r->after), DKIM_NEXT) == FRESH) {
		for (size_t i = 0; i < FRESH && good; i++)
			good = init_dkim(cstr(r->v, key[i].file), i == 1, &record[i], &why);
		if (good)
			status = store(r, DKIM_NEXT, FRESH, "add the new ones yourself");
	} else {
		status = good ? by_hand(r, "write them so, and try again") : EX_CANTCREAT;
	}
	if (why.n > 0)
		(void)fprintf(stderr, "postern dkim: " STR_F "\n", STR_A(buf_str(&why)));
	for (size_t i = 0; i < FRESH; i++) {
		if (status == EX_OK)
			print_record(r->d, key[i].selector, buf_str(&record[i]));
		buf_done(&record[i]);
	}
	if (status == EX_OK)
		(void)printf("; publish these, then: postern dkim rotate " STR_F "\n",
		    STR_A(r->d->name));
	buf_done(&why);
	buf_done(&lines);
	return status;
}

/* suspends */
static int
activate(struct rotate *r, int next)
{
	bool ready = true;
	int status;

	for (size_t i = 0; i < r->d->ndkim; i++) {
		const struct dkim_key *k = &r->d->dkim[i];
		const char *why = "its file cannot be read";
		struct buf record;

		if (k->stage != DKIM_NEXT)
			continue;
		buf_init(&record, RECORD_MAX);
		if (record_of(r->v, k, &record))
			why = not_shown(r->v, r->d, k, buf_str(&record));
		if (why) {
			ready = false;
			(void)fprintf(stderr, "postern dkim: " STR_F "._domainkey." STR_F " %s\n",
			    STR_A(k->selector), STR_A(r->d->name), why);
			print_record(r->d, k->selector, buf_str(&record));
		}
		buf_done(&record);
	}
	if (!ready) {
		(void)fputs("postern dkim: nothing is changed until DNS shows the next keys\n",
		    stderr);
		return EX_TEMPFAIL;
	}
	if (!advance(r))
		return by_hand(r, "change the stages yourself: next to none, none to retiring");
	status = store(r, DKIM_ACTIVE, next, "change the stages yourself");
	if (status != EX_OK)
		return status;
	for (size_t i = 0; i < r->d->ndkim; i++) {
		const struct dkim_key *k = &r->d->dkim[i];

		(void)printf("; " STR_F " %s\n", STR_A(k->selector), k->stage == DKIM_NEXT ?
		    "signs from the next reload on" : k->stage == DKIM_ACTIVE ?
		    "is retiring: leave its record in DNS for 8 days" :
		    "is forgotten: its record and its file can go");
	}
	(void)printf("; next: postern reload\n");
	return EX_OK;
}

/* suspends */
static int
rotate(struct rotate *r)
{
	int lock = replace_lock(cstr(r->v, r->cfg->file)), next = -1, status = EX_CONFIG;

	if (lock >= 0 && replace_read("dkim", cstr(r->v, r->cfg->file), &r->before))
		next = count_stage(r, buf_str(&r->before), DKIM_NEXT);
	if (next >= 0)
		status = next == 0 ? make_next(r) : activate(r, next);
	if (lock >= 0)
		(void)close(lock);
	return status;
}

static void
rotate_run(struct verb_ask *v)
{
	struct rotate *r = v->arg;

	r->v = v;
	r->cfg = v->cfg;
	r->d = r->name.n > 0 ? config_domain(v->cfg, r->name) : NULL;
	if (r->name.n > 0 && !r->d) {
		(void)fprintf(stderr, "postern dkim: " STR_F " is no domain of the "
		    "configuration\n", STR_A(r->name));
		v->status = EX_CONFIG;
		return;
	}
	v->status = r->list ? list_keys(r) : rotate(r);
}

int
verb_dkim_keys(int argc, char **argv)
{
	struct rotate r = { .list = strcmp(argv[1], "list") == 0 };
	struct verb_ask v = { .arg = &r };
	bool good = true;
	int status;

	for (int i = 2; i < argc && good; i++) {
		if (verb_ask_option(&v, argc, argv, &i))
			continue;
		if (r.list && strcmp(argv[i], "--dns") == 0)
			r.dns = true;
		else if (argv[i][0] != '-' && r.name.n == 0)
			r.name = str_of(argv[i]);
		else
			good = false;
	}
	if (!good || (!r.list && r.name.n == 0))
		return verb_usage(argc, argv, "dkim list [DOMAIN] [--dns] [--zone FILE] "
		    "[--config F]\n       postern dkim rotate DOMAIN [--zone FILE] [--config F]");
	r.dns |= v.zone != NULL;
	buf_init(&r.before, TEXT_MAX);
	buf_init(&r.after, TEXT_MAX);
	status = verb_ask_run(&v, rotate_run);
	buf_done(&r.before);
	buf_done(&r.after);
	return status;
}
