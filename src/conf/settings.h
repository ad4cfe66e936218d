/* SPDX-License-Identifier: ISC */
/*
 * settings: the typed table of everything postern.conf can say.
 *
 * One entry per setting: name, type, place in its struct, default, range, manual text.  The reader,
 * the checker, `config show` and postern.conf(5) are made from these tables; nothing else knows a
 * setting's name or default.  Tables are constant; SET_OWN entries bring a reader of their own.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include <stddef.h>

#include "base/buf.h"
#include "conf/config.h"
#include "conf/errors.h"
#include "conf/lex.h"

enum set_type {
	SET_COUNT, SET_BYTES, SET_MS, SET_BOOL,	/* uint64_t, uint64_t, int64_t, bool */
	SET_DOMAIN, SET_PATH, SET_TEXT,		/* struct str */
	SET_WORD,				/* unsigned: index into words */
	SET_OWN,
};

enum loose { LOOSE_NO, LOOSE_UP, LOOSE_DOWN };	/* in which direction a change opens the house */

/* Where a value came from, by the address of its field. */
struct origin { const void *field; unsigned line; struct origin *next; };
struct conf_origins { struct origin *first; };

struct reader {
	struct config *cfg;
	struct arena *a;
	struct conf_errors *errs;
	struct str dir;			/* of the file, for relative paths */
	size_t listeners, domains;	/* read so far, of the arrays made by counting */
};

struct setting {
	const char *name;
	enum set_type type;
	size_t offset;
	const char *dflt;		/* as it would be written; NULL: none */
	uint64_t min, max;		/* of COUNT, BYTES, MS; max 0: no range */
	enum loose loose;
	const char *const *words;	/* WORD: NULL-terminated */
	/* OWN: reads a whole statement into base, reporting its mistakes itself */
	void (*take)(struct reader *r, const struct node *n, void *base);
	const char *syntax;		/* OWN: what stands behind the name, for the manual */
	bool many;			/* may be given more than once */
	const char *text;		/* manual text, plain sentences */
};

struct block {
	const char *name;		/* "" is the top */
	const char *text;
	const struct setting *set;
	size_t nset;
};

extern const struct block block_top, block_limits, block_dns, block_log, block_test, block_roles,
    block_senders, block_listen, block_domain, block_milter, block_policy_service;
/* All of them, in the order of the manual; NULL-terminated. */
extern const struct block *const blocks_all[];

/* Writes every default of the block into base. */
void block_defaults(struct reader *r, const struct block *b, void *base);
/* Reads the statements of one block into base. */
void block_read(struct reader *r, const struct block *b, const struct node *n, void *base);
/* The effective value as it would be written; false for OWN. */
bool setting_format(const struct setting *s, const void *base, struct buf *out);

/* ---- for the readers of statements (statements*.c) ---- */

/* A mistake at one word. */
__attribute__((format(printf, 3, 4)))
void read_error(struct reader *r, const struct word *w, const char *fmt, ...);
/* "'WORD' what" when what is not NULL; true if all was well. */
bool read_ok(struct reader *r, const struct word *w, const char *what);
/* Appends room for one element to an arena array; NULL when memory ends (reported). */
void *read_push(struct reader *r, void **array, size_t *n, size_t size);
/* Remembers the line of a field. */
void read_origin(struct reader *r, const void *field, unsigned line);

void take_listen(struct reader *r, const struct node *n, void *base);
void take_domain_block(struct reader *r, const struct node *n, void *base);
void take_certificate(struct reader *r, const struct node *n, void *base);
void take_relay(struct reader *r, const struct node *n, void *base);
void take_route(struct reader *r, const struct node *n, void *base);
void take_routes(struct reader *r, const struct node *n, void *base);
void take_access(struct reader *r, const struct node *n, void *base);
void take_may_send(struct reader *r, const struct node *n, void *base);
void take_protect(struct reader *r, const struct node *n, void *base);
void take_vip(struct reader *r, const struct node *n, void *base);
void take_forwarder(struct reader *r, const struct node *n, void *base);
void take_outside_sender(struct reader *r, const struct node *n, void *base);
void take_allow_author(struct reader *r, const struct node *n, void *base);
void take_policy(struct reader *r, const struct node *n, void *base);
void take_nets(struct reader *r, const struct node *n, void *base);
void take_privacy(struct reader *r, const struct node *n, void *base);
void take_single_block(struct reader *r, const struct node *n, void *base);
void take_role_id(struct reader *r, const struct node *n, void *base);
void take_retry(struct reader *r, const struct node *n, void *base);
void take_dns_server(struct reader *r, const struct node *n, void *base);
void take_dns_stub(struct reader *r, const struct node *n, void *base);
void take_dns_anchor(struct reader *r, const struct node *n, void *base);
void take_users(struct reader *r, const struct node *n, void *base);
void take_table_file(struct reader *r, const struct node *n, void *base);
void take_deliver(struct reader *r, const struct node *n, void *base);
void take_dkim(struct reader *r, const struct node *n, void *base);
void take_detail(struct reader *r, const struct node *n, void *base);
void take_mail_user(struct reader *r, const struct node *n, void *base);
void take_peer_list(struct reader *r, const struct node *n, void *base);
void take_filter(struct reader *r, const struct node *n, void *base);
void take_filter_address(struct reader *r, const struct node *n, void *base);
void take_filter_on(struct reader *r, const struct node *n, void *base);
void take_mode(struct reader *r, const struct node *n, void *base);
void take_test_peer(struct reader *r, const struct node *n, void *base);
void take_auth(struct reader *r, const struct node *n, void *base);
void take_passwords(struct reader *r, const struct node *n, void *base);
void take_test_relay(struct reader *r, const struct node *n, void *base);

/* conf/auth.c */
void check_auth(struct reader *r);
void check_senders(struct reader *r);
/* conf/check.c: what single statements cannot see. */
void config_check(struct reader *r);

#endif
