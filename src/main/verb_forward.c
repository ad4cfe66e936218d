/* SPDX-License-Identifier: ISC */
/*
 * verb_forward: `postern forward list|add|confirm|remove`: forwards that users asked for.
 *
 * 1. Nothing is forwarded that its target did not confirm: add mails a token there, and only who
 *    brings it back makes the forward work.  The file keeps the token's hash.
 * 2. --trusted is the administrator's word instead of the target's.
 * The file is changed as a whole, under a lock; the running server sees the change by itself.
 */
#include <fcntl.h>
#include <limits.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/num.h"
#include "main/conf_load.h"
#include "main/replace.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "table/forwards.h"
#include "table/lines.h"
#include "table/users.h"

enum {
	EX_DATAERR_ = 65, EX_NOUSER_ = 67, EX_UNAVAILABLE_ = 69, EX_CANTCREAT_ = 73,
	EX_CONFIG_ = 78, TOKEN_BYTES = 16, LIFE_S = 7 * 86'400,
};

static const char usage_text[] =
    "usage: postern forward add USER[@DOMAIN] TARGET [--only] [--trusted] [--config F]\n"
    "       postern forward confirm TOKEN [--config F]\n"
    "       postern forward remove USER[@DOMAIN] TARGET [--config F]\n"
    "       postern forward list [DOMAIN] [--json] [--config F]\n\n"
    "add mails a token to TARGET; the forward works when confirm is given it, within a week.\n"
    "--only: no copy stays in the mailbox here.  --trusted: without asking TARGET.\n";

struct job {
	const char *word[3];
	size_t nword;
	const char *config;
	bool only, trusted, json;
	struct config *cfg;
	const struct domain *domain;
	struct str user, target;
	char path[PATH_MAX];
	struct buf before, after;
};

static bool
take_words(struct job *j, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0)
			j->only = true;
		else if (strcmp(argv[i], "--trusted") == 0)
			j->trusted = true;
		else if (strcmp(argv[i], "--json") == 0)
			j->json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			j->config = argv[++i];
		else if (argv[i][0] == '-' || j->nword == COUNT(j->word))
			return false;
		else
			j->word[j->nword++] = argv[i];
	}
	return j->nword > 0;
}

static bool
set_domain(struct job *j, const struct domain *d)
{
	j->domain = d;
	if (d == NULL || d->forwards_file.n == 0)
		return false;
	(void)snprintf(j->path, sizeof j->path, STR_F, STR_A(d->forwards_file));
	return true;
}

/* Which file: of the domain named, or of the main one. */
static int
find_file(struct job *j, struct str domain)
{
	if (set_domain(j, domain.n > 0 ? config_domain(j->cfg, domain) :
	    j->cfg->ndomain > 0 ? &j->cfg->domain[0] : NULL))
		return 0;
	(void)fprintf(stderr, "postern forward: " STR_F " has no forwards file\n",
	    STR_A(domain.n > 0 ? domain : STR("the main domain")));
	return EX_CONFIG_;
}

static int
fail(int code, const char *what, struct str about)
{
	(void)fprintf(stderr, "postern forward: " STR_F ": %s\n", STR_A(about), what);
	return code;
}

static void
hash_of(struct str token, struct buf *out)
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	(void)SHA256((const unsigned char *)token.p, token.n, md);
	(void)hex_encode(out, str_from(md, sizeof md));
}

static bool
token_new(struct buf *out)
{
	unsigned char raw[TOKEN_BYTES];

	return getrandom(raw, sizeof raw, 0) == sizeof raw &&
	    hex_encode(out, str_from(raw, sizeof raw));
}

static void
put_line(struct buf *b, const struct forward_line *f)
{
	(void)buf_put(b, f->user);
	(void)buf_putc(b, ' ');
	(void)buf_put(b, f->target);
	if (f->confirmed) {
		(void)buf_puts(b, " confirmed");
	} else {
		(void)buf_puts(b, " waiting ");
		(void)buf_put(b, f->hash);
		(void)buf_putc(b, ' ');
		(void)buf_puti(b, f->expires_s);
	}
	(void)buf_put(b, f->only ? STR(" only\n") : STR("\n"));
}

/* What a line becomes: it stays, it goes, or f was changed. */
enum line_fate { LINE_STAYS, LINE_GOES, LINE_CHANGED };

/* Walks through the file; what is no forward is copied as it stands.  Answers how many lines the
 * function did not leave alone. */
static unsigned
rewrite(struct job *j, enum line_fate (*fate)(const struct job *j, struct forward_line *f))
{
	struct str rest = buf_str(&j->before);
	unsigned n = 0;

	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n');
		struct forward_line f;
		struct perr err = {};
		enum line_fate what = LINE_STAYS;

		if (forward_line_parse(lines_trim(line), &f, &err))
			what = fate(j, &f);
		n += what != LINE_STAYS;
		if (what == LINE_STAYS) {
			(void)buf_put(&j->after, line);
			(void)buf_putc(&j->after, '\n');
		} else if (what == LINE_CHANGED) {
			put_line(&j->after, &f);
		}
	}
	return n;
}

static enum line_fate
fate_mine(const struct job *j, struct forward_line *f)
{
	return str_ieq(f->user, j->user) && str_ieq(f->target, j->target) ? LINE_GOES : LINE_STAYS;
}

static enum line_fate
fate_confirm(const struct job *j, struct forward_line *f)
{
	if (f->confirmed || !str_ieq(f->hash, j->target) || f->expires_s < time(NULL))
		return LINE_STAYS;
	f->confirmed = true;
	return LINE_CHANGED;
}

static bool
save(const struct job *j)
{
	if (!j->after.failed && replace_write(j->path, buf_str(&j->after)))
		return true;
	(void)fprintf(stderr, "postern forward: %s cannot be replaced\n", j->path);
	return false;
}

/* ---- the mail that asks ---- */

static void
letter(const struct job *j, struct str token, struct buf *b)
{
	struct str at = j->domain->name;

	(void)buf_putf(b, "From: Mail server <postmaster@" STR_F ">\nTo: <" STR_F ">\n"
	    "Subject: May mail of " STR_F "@" STR_F " be forwarded to you?\n"
	    "Auto-Submitted: auto-generated\n\n", STR_A(at), STR_A(j->target), STR_A(j->user),
	    STR_A(at));
	(void)buf_putf(b, STR_F "@" STR_F " asks that mail is forwarded to this address.\n\n"
	    "If you want that, give this token to the administrator of " STR_F ", who confirms it "
	    "with\n\n    postern forward confirm " STR_F "\n\n"
	    "If you do not, do nothing: no mail will be forwarded. The token is good for a week.\n",
	    STR_A(j->user), STR_A(at), STR_A(at), STR_A(token));
}

/* The sendmail of this very program; the exit code. */
static int
run_sendmail(const struct job *j, int input)
{
	static char from[512], to[512], config[PATH_MAX];
	char *const argv[] = { (char *)(uintptr_t)"sendmail", (char *)(uintptr_t)"-i",
		(char *)(uintptr_t)"-C", config, (char *)(uintptr_t)"-f", from,
		(char *)(uintptr_t)"--", to, NULL };
	int status;
	pid_t pid;

	(void)snprintf(from, sizeof from, "postmaster@" STR_F, STR_A(j->domain->name));
	(void)snprintf(to, sizeof to, STR_F, STR_A(j->target));
	(void)snprintf(config, sizeof config, STR_F, STR_A(j->cfg->file));
	pid = fork();
	if (pid == 0) {
		if (dup2(input, STDIN_FILENO) != -1)
			(void)execv("/proc/self/exe", argv);
		_exit(EX_UNAVAILABLE_);
	}
	while (pid != -1 && waitpid(pid, &status, 0) == -1)
		;
	return pid != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : EX_UNAVAILABLE_;
}

static int
mail_token(const struct job *j, struct str token)
{
	FILE *text = tmpfile();
	struct buf b;
	int code = EX_UNAVAILABLE_;

	buf_init(&b, 8192);
	letter(j, token, &b);
	if (text != NULL && fwrite(b.p, 1, b.n, text) == b.n && fflush(text) == 0 &&
	    lseek(fileno(text), 0, SEEK_SET) == 0)
		code = run_sendmail(j, fileno(text));
	if (text != NULL)
		(void)fclose(text);
	buf_done(&b);
	if (code != 0)
		return fail(code, "the token could not be mailed; nothing was changed", j->target);
	return 0;
}

/* ---- operations ---- */

static int
add(struct job *j)
{
	struct forward_line f = { .user = j->user, .target = j->target, .only = j->only,
		.confirmed = j->trusted, .expires_s = time(NULL) + LIFE_S };
	struct buf token, hash;
	int code = 0;

	buf_init(&token, 64);
	buf_init(&hash, 128);
	(void)rewrite(j, fate_mine);		/* asked again: the older token is void */
	if (!j->trusted && !token_new(&token))
		return EX_UNAVAILABLE_;
	hash_of(buf_str(&token), &hash);
	f.hash = buf_str(&hash);
	put_line(&j->after, &f);
	if (!j->trusted)
		code = mail_token(j, buf_str(&token));
	if (code == 0 && !save(j))
		code = EX_CANTCREAT_;
	if (code == 0)
		(void)printf(STR_F " -> " STR_F " %s\n", STR_A(j->user), STR_A(j->target),
		    j->trusted ? "confirmed" : "waits for its confirmation");
	buf_done(&token);
	buf_done(&hash);
	return code;
}

static int
remove_(struct job *j)
{
	if (rewrite(j, fate_mine) == 0)
		return fail(EX_NOUSER_, "no such forward", j->target);
	return save(j) ? 0 : EX_CANTCREAT_;
}

/* add and remove: whose, where to, and the file under its lock. */
static int
change(struct job *j, int (*what)(struct job *j))
{
	struct str domain = str_of(j->word[1]);
	int code, lock;

	j->user = str_split(&domain, '@');
	j->target = str_of(j->word[2]);
	if ((code = find_file(j, domain)) != 0)
		return code;
	if (!user_name_good(j->user))
		return fail(EX_DATAERR_, "no name for a user", j->user);
	if (!forward_target_good(j->target))
		return fail(EX_DATAERR_, "a forward leads to one whole address", j->target);
	lock = replace_lock(j->path);
	code = lock != -1 && replace_read("forward", j->path, &j->before) ? what(j) :
	    fail(EX_CONFIG_, "no such file; make it, empty", j->domain->forwards_file);
	if (lock != -1)
		(void)close(lock);
	return code;
}

/* The token says of which domain: the file that knows it. */
static int
confirm(struct job *j)
{
	struct buf hash;
	unsigned n = 0;
	bool saved = true;

	buf_init(&hash, 128);
	hash_of(str_of(j->word[1]), &hash);
	j->target = buf_str(&hash);
	for (size_t i = 0; i < j->cfg->ndomain && n == 0; i++) {
		int lock = set_domain(j, &j->cfg->domain[i]) ? replace_lock(j->path) : -1;

		buf_reset(&j->before);
		buf_reset(&j->after);
		if (lock == -1)
			continue;
		if (replace_read("forward", j->path, &j->before))
			n = rewrite(j, fate_confirm);
		saved = n == 0 || save(j);
		(void)close(lock);
	}
	buf_done(&hash);
	if (n == 0)
		return fail(EX_DATAERR_, "no forward waits for this token, or its week is over",
		    str_of(j->word[1]));
	return saved ? 0 : EX_CANTCREAT_;
}

static void
list_one(const struct job *j, const struct forward_line *f, json_t *all)
{
	bool late = !f->confirmed && f->expires_s < time(NULL);
	const char *state = f->confirmed ? "confirmed" : late ? "expired" : "waiting";

	if (!j->json) {
		(void)printf(STR_F "@" STR_F " -> " STR_F " %s%s\n", STR_A(f->user),
		    STR_A(j->domain->name), STR_A(f->target), state, f->only ? " only" : "");
		return;
	}
	(void)json_array_append_new(all, json_pack("{s:o,s:o,s:o,s:s,s:b}", "user",
	    verb_json_str(f->user), "domain", verb_json_str(j->domain->name), "target",
	    verb_json_str(f->target), "state", state, "only", f->only));
}

static int
list(struct job *j)
{
	int code = find_file(j, j->nword > 1 ? str_of(j->word[1]) : STR(""));
	json_t *all = json_array();
	struct lines l;
	struct str line;
	unsigned number;

	if (code == 0 && !replace_read("forward", j->path, &j->before))
		code = EX_CONFIG_;
	l = lines_of(buf_str(&j->before));
	l.whole = true;
	while (code == 0 && lines_next(&l, &line, &number)) {
		struct forward_line f;
		struct perr err = {};

		if (forward_line_parse(line, &f, &err))
			list_one(j, &f, all);
		else
			(void)fprintf(stderr, "%s:%u: %s\n", j->path, number, err.what);
	}
	if (code == 0 && j->json)
		return verb_json_end(all);
	json_decref(all);
	return code;
}

static int
run(struct job *j)
{
	if (strcmp(j->word[0], "list") == 0)
		return list(j);
	if (strcmp(j->word[0], "confirm") == 0)
		return confirm(j);
	return change(j, strcmp(j->word[0], "add") == 0 ? add : remove_);
}

static bool
wants_right(const struct job *j)
{
	static const struct { const char *word; size_t min, max; } all[] = {
		{ "list", 1, 2 }, { "confirm", 2, 2 }, { "add", 3, 3 }, { "remove", 3, 3 },
	};

	for (size_t i = 0; i < COUNT(all); i++)
		if (strcmp(j->word[0], all[i].word) == 0)
			return j->nword >= all[i].min && j->nword <= all[i].max;
	return false;
}

int
verb_forward(int argc, char **argv)
{
	static struct job j;
	int code;

	j = (struct job){};
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return fputs(usage_text, stdout) < 0;
	if (!take_words(&j, argc, argv) || !wants_right(&j)) {
		(void)fputs(usage_text, stderr);
		return 64;
	}
	j.cfg = conf_load(j.config, stderr);
	if (j.cfg == NULL)
		return EX_CONFIG_;
	buf_init(&j.before, 1 << 30);
	buf_init(&j.after, 1 << 30);
	code = run(&j);
	buf_done(&j.before);
	buf_done(&j.after);
	config_free(j.cfg);
	return code;
}
