/* SPDX-License-Identifier: ISC */
/*
 * authres: the Authentication-Results field, RFC 8601.
 *
 * Reading is for finding out whose a field is (to remove forged ones of ours) and for ARC; nothing
 * that stands in one is ever evidence.  Writing quotes or replaces every foreign value.
 */
#ifndef TRUST_AUTHRES_H
#define TRUST_AUTHRES_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/header.h"

/* Does the field (Authentication-Results in any disguise: case, folding, comments, quoted or with a
 * version) claim to come from that authserv-id?  Unreadable ones do: nobody can vouch for them. */
bool authres_claims(const struct field *f, struct str authserv_id, struct arena *a);
/* A field that an outsider must not bring: Authentication-Results of ours, any Postern-*. */
bool authres_forged(const struct field *f, struct str authserv_id, struct arena *a);

struct authres {			/* built up method by method */
	struct buf *out;
	bool any;
};

/* "authserv-id" and then one call for each method; end writes "; none" when there was none. */
bool authres_begin(struct authres *r, struct buf *out, struct str authserv_id);
bool authres_method(struct authres *r, const char *method, const char *result);
/* reason="..." */
bool authres_reason(struct authres *r, struct str reason);
/* " ptype.property=value": a token or addr-spec as it is, else a quoted string with controls and
 * non-ASCII replaced. */
bool authres_property(struct authres *r, const char *name, struct str value);
/* (comment), escaped */
bool authres_comment(struct authres *r, struct str text);
bool authres_end(struct authres *r);

#endif
