/* SPDX-License-Identifier: ISC */
/*
 * check: are the certificates of a configuration fit to be shown?
 *
 * One walk for all who ask: keeper before it starts or changes them, and `postern check`.  Reads
 * the files through a source, so that what is checked can be what is used.  Everything wrong is
 * told, in the order of the file.
 */
#ifndef TLS_CHECK_H
#define TLS_CHECK_H

#include "tls/server.h"

enum tls_level {
	TLS_NOTE,
	TLS_WARN,			/* works, could be better */
	TLS_UNNAMED,			/* works, but no certificate has the server's name */
	TLS_EXPIRED,			/* works, but nobody may trust it now */
	TLS_BAD,			/* cannot be used */
};

struct tls_finding {
	enum tls_level level;
	struct str path;		/* of the file, or the listener's name */
	struct str text;		/* for the administrator; valid during the call */
};

struct tls_checker {
	void (*say)(void *ctx, const struct tls_finding *f);
	void *ctx;
	struct tls_source source;	/* "chain:", "secret:" and "ca:" names */
	int64_t now_s;			/* unix time */
};

/* The worst level found.  cfg's files; no source.read for keys: key checks are left out. */
enum tls_level tls_check(const struct config *cfg, const struct tls_checker *c);

/* A source over the paths themselves. */
bool tls_read_path(void *ctx, const char *name, struct buf *out);

/* One certificate, for `postern tls show`. */
struct tls_shown {
	struct str path, subject, issuer, key;	/* key: "EC 256", "RSA 2048" */
	struct str *name;			/* DNS names */
	size_t nname;
	int64_t not_before, not_after, days_left;
	char pin[TLS_PIN_TEXT];
};

/* From a chain's text; false: there is none.  Everything in a. */
bool tls_show(struct str pem, int64_t now_s, struct arena *a, struct tls_shown *out);

const char *tls_level_name(enum tls_level l);

#endif
