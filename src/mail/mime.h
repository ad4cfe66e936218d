/* SPDX-License-Identifier: ISC */
/*
 * mime: content types and the shape of a multipart message, RFC 2045, 2046, 2231.
 *
 * Reads only what an MTA needs: types, parameters, boundaries.  Depth and number of parts are
 * bounded; what lies beyond is left as one opaque part.  Slices: text or arena.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "base/str.h"
#include "mail/header.h"

#include <stdbool.h>

enum { MIME_DEPTH_MAX = 20, MIME_PARTS_MAX = 1000, MIME_PARAMS_MAX = 100 };

struct mime_param {
	struct str name;		/* lower case, without RFC 2231 marks */
	struct str value;		/* unquoted, decoded, sections joined */
	struct str charset;		/* RFC 2231, or "" */
};

struct mime_type {
	struct str type, subtype;	/* lower case */
	struct mime_param *param;
	size_t nparam;
	bool valid;			/* false: RFC 2045 5.2 says treat as text/plain */
};

/* False only when the arena is full; what is no content type has valid == false. */
bool mime_type_parse(struct str value, struct arena *a, struct mime_type *out);
/* The value of a parameter; p == NULL when there is none. */
struct str mime_param(const struct mime_type *t, struct str name);

enum mime_encoding { CTE_7BIT, CTE_8BIT, CTE_BINARY, CTE_QP, CTE_BASE64, CTE_OTHER };
enum mime_encoding mime_encoding_parse(struct str value);

struct mime_part {
	struct mime_type type;
	enum mime_encoding encoding;
	struct header header;
	struct str body;		/* without the CRLF that belongs to the boundary */
	struct mime_part *child, *next;
	unsigned depth;
};

/* The tree of a message.  NULL only when the arena is full. */
struct mime_part *mime_parse(struct str text, struct arena *a);

#endif
