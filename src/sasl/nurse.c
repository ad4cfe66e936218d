/* SPDX-License-Identifier: ISC */
/*
 * nurse: a checking child of lookup: one question after the other, plain and blocking.
 *
 * An alarm bounds each question: the process dies of it, and the nursery makes another.
 */
#include "sasl/nurse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "sasl/scheme.h"
#include "table/file.h"

enum { TEXT_MAX = 32 << 10, FILE_MAX = 64 << 10 };

struct replies { struct buf b[NURSE_TEXTS]; };

/* ---- files of back ends ---- */

static void
take_setting(struct backend_file *f, struct str name, struct str value)
{
	const struct { const char *name; struct str *at; } known[] = {
		{ "connect", &f->connect }, { "query", &f->query }, { "uri", &f->uri },
		{ "base", &f->base }, { "filter", &f->filter }, { "bind_dn", &f->bind_dn },
		{ "bind_password", &f->bind_password }, { "user_dn", &f->user_dn },
		{ "starttls", &f->starttls },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(name, str_of(known[i].name)))
			*known[i].at = value;
}

bool
backend_file_read(struct backend_file *f, struct str path)
{
	struct file_rules rules = { .secret = true, .max = FILE_MAX };
	char *z = strndup(path.p, path.n);
	struct buf why;
	struct str rest;
	bool good;

	*f = (struct backend_file){};
	buf_init(&f->text, 4 * FILE_MAX);		/* file_read reads in large pieces */
	buf_init(&why, 1024);
	good = z != NULL && file_read(z, &rules, &f->text, &why, NULL) == FILE_OK;
	buf_done(&why);
	free(z);
	rest = buf_str(&f->text);
	while (good && rest.n > 0) {
		struct str line = str_trim(str_split(&rest, '\n')), name;

		if (line.n == 0 || line.p[0] == '#')
			continue;
		name = str_trim(str_split(&line, '='));
		take_setting(f, name, str_trim(line));
	}
	if (!good)
		buf_done(&f->text);
	return good;
}

bool
backend_expand(struct buf *out, struct str tmpl, struct str local, struct str domain,
    bool (*put)(struct buf *out, struct str value))
{
	char whole[600];
	struct str w = { whole, local.n + 1 + domain.n };
	bool good = w.n <= sizeof whole;

	if (!good)
		return false;
	memcpy(whole, local.p, local.n);
	whole[local.n] = '@';
	memcpy(whole + local.n + 1, domain.p, domain.n);
	for (size_t i = 0; i < tmpl.n && good; i++) {
		char c = tmpl.p[i], next = i + 1 < tmpl.n ? tmpl.p[i + 1] : '\0';

		if (c != '%' || next == '\0') {
			good = buf_putc(out, c);
			continue;
		}
		i++;
		good = next == 'u' ? put(out, local) : next == 'd' ? put(out, domain) :
		    next == 'w' ? put(out, w) : next == '%' && buf_putc(out, '%');
	}
	return good;
}

/* ---- questions ---- */

static enum cred
find(const struct domain *d, struct str local, struct buf *stored)
{
	enum cred c = CRED_IMPOSSIBLE;

	if (d->passwords == PW_SQLITE)
		c = backend_sqlite(d, local, stored);
	else if (d->passwords == PW_POSTGRESQL)
		c = backend_postgresql(d, local, stored);
	return c == CRED_OK && stored->n == 0 ? CRED_UNKNOWN : c;
}

/* A store that gives the entry: it is compared here, and an unknown user costs the same. */
static enum cred
check_entry(const struct domain *d, struct str local, struct str password)
{
	static const char like[] = "{SCRAM-SHA-256}4096,AAAAAAAAAAAAAAAAAAAAAA==,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	static char last[1024];				/* how the entries of this store look */
	struct str scheme, hash;
	struct buf stored;
	enum cred c;

	buf_init(&stored, 4096);
	c = find(d, local, &stored);
	if (c == CRED_OK && stored.n < sizeof last) {
		memcpy(last, stored.p, stored.n);
		last[stored.n] = '\0';
	}
	scheme_split(c == CRED_OK ? buf_str(&stored) : str_of(last[0] != '\0' ? last : like),
	    &scheme, &hash);
	if (c == CRED_OK)
		c = scheme_check(scheme, hash, local, password);
	else if (c == CRED_UNKNOWN)
		(void)scheme_check(scheme, hash, local, password);
	buf_done(&stored);
	return c;
}

static enum cred
check(const struct config *cfg, const struct nurse_frame *f, const struct domain *d)
{
	struct str local = f->text[0], password = f->text[1];

	if (local.n == 0 || password.n == 0 || memchr(password.p, '\0', password.n) != NULL)
		return CRED_FAILED;
	switch (d->passwords) {
	case PW_DOVECOT:
		return backend_dovecot(cfg, d, local, password, &f->head.peer);
	case PW_PAM:
		return backend_pam(d, local, password, &f->head.peer);
	case PW_LDAP:
		return backend_ldap(d, local, password);
	case PW_SQLITE:
	case PW_POSTGRESQL:
		return check_entry(d, local, password);
	case PW_DEFAULT:
	case PW_NONE:
	case PW_FILE:
		return CRED_UNKNOWN;
	}
	return CRED_UNAVAILABLE;
}

static uint32_t
answer(const struct config *cfg, const struct nurse_frame *f, struct replies *r)
{
	const struct domain *d = f->head.domain < cfg->ndomain ?
	    &cfg->domain[f->head.domain] : NULL;

	switch ((enum nurse_op)f->head.op) {
	case NURSE_HASH:
		return scheme_check(f->text[0], f->text[1], STR(""), f->text[2]);
	case NURSE_CHECK:
		return d != NULL ? check(cfg, f, d) : CRED_UNAVAILABLE;
	case NURSE_FIND:
		return d != NULL ? find(d, f->text[0], &r->b[0]) : CRED_UNAVAILABLE;
	case NURSE_KRB:
		return backend_krb(cfg, f->head.exchange, f->head.first, f->text[0], &r->b[0],
		    &r->b[1], &r->b[2]);
	case NURSE_KRB_END:
	case NURSE_DIED:
		break;
	}
	return CRED_UNAVAILABLE;
}

void
nurse_run(int fd, const struct config *cfg, bool pam)
{
	static struct nurse_frame f;
	struct replies r;

	(void)pam;
	for (size_t i = 0; i < NURSE_TEXTS; i++)
		buf_init(&r.b[i], TEXT_MAX / NURSE_TEXTS);
	for (;;) {
		ssize_t n = recv(fd, f.room, sizeof f.room, 0);
		struct str text[NURSE_TEXTS];
		struct nurse_head head;
		size_t total;

		if (n <= 0)
			_exit(0);
		if (!nurse_unpack(&f, (size_t)n))
			_exit(1);
		if (f.head.op == NURSE_KRB_END) {
			backend_krb_end(f.head.exchange);
			continue;
		}
		(void)alarm(NURSE_LIMIT_S);
		head = (struct nurse_head){ .op = f.head.op, .serial = f.head.serial };
		head.answer = answer(cfg, &f, &r);
		(void)alarm(0);
		explicit_bzero(f.room, (size_t)n);
		for (size_t i = 0; i < NURSE_TEXTS; i++)
			text[i] = buf_str(&r.b[i]);
		if (nurse_pack(&f, &head, text, &total))
			(void)send(fd, f.room, total, MSG_NOSIGNAL);
		explicit_bzero(f.room, total);
		for (size_t i = 0; i < NURSE_TEXTS; i++)
			buf_reset(&r.b[i]);
	}
}
