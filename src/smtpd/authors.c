/* SPDX-License-Identifier: ISC */
/*
 * authors: see authors.h.
 *
 * From, Sender and Resent-Sender name exactly one mailbox, Resent-From any number; a field that
 * does not, or a From that is there twice, becomes an author without an address, whom nobody may
 * write as.
 */
#include "smtpd/authors.h"

#include "base/num.h"
#include "mail/addr.h"
#include "mail/header.h"
#include "mail/mime.h"

enum { FIELDS_MAX = 1000, AUTHORS_MAX = 64 };

static const struct { struct str name; enum author_field field; bool many; } fields[] = {
	{ STR_INIT("From"), AUTHOR_FROM, false }, { STR_INIT("Sender"), AUTHOR_SENDER, false },
	{ STR_INIT("Resent-From"), AUTHOR_RESENT_FROM, true },
	{ STR_INIT("Resent-Sender"), AUTHOR_RESENT_SENDER, false },
};

static void
add(struct author *list, size_t *n, struct author one)
{
	if (*n < AUTHORS_MAX)
		list[(*n)++] = one;
	else
		list[AUTHORS_MAX - 1] = (struct author){ .field = one.field, .bad = true };
}

static bool
read_field(struct str value, size_t which, struct arena *a, struct author *list, size_t *n)
{
	static const unsigned wrong = ADDR_BAD | ADDR_CONTROL | ADDR_ENCODED | ADDR_GROUP |
	    ADDR_NO_DOMAIN | ADDR_CUT | ADDR_ROUTE;
	enum author_field field = fields[which].field;
	struct addr_list addrs;

	if (!addr_list_parse(value, a, &addrs))
		return false;
	if (addrs.n == 0 || (addrs.n > 1 && !fields[which].many) || (addrs.facts & wrong))
		add(list, n, (struct author){ .field = field, .bad = true });
	for (size_t i = 0; i < addrs.n; i++)
		add(list, n, (struct author){ .field = field, .local = addrs.addr[i].local,
		    .domain = addrs.addr[i].domain, .bad = addrs.addr[i].domain.n == 0 });
	return true;
}

/* RFC 8551 3.5, RFC 3156 5: the types of signed mail, and of S/MIME's opaque form. */
static enum body_signed
signed_as(struct str value, struct arena *a)
{
	struct mime_type t;
	struct str protocol, kind;

	if (!mime_type_parse(value, a, &t) || !t.valid)
		return SIGNED_NO;
	protocol = mime_param(&t, STR("protocol"));
	kind = mime_param(&t, STR("smime-type"));
	if (str_eq(t.type, STR("multipart")) && str_eq(t.subtype, STR("signed"))) {
		if (str_ieq(protocol, STR("application/pgp-signature")))
			return SIGNED_OPENPGP;
		return str_ieq(protocol, STR("application/pkcs7-signature")) ||
		    str_ieq(protocol, STR("application/x-pkcs7-signature")) ? SIGNED_SMIME :
		    SIGNED_NO;
	}
	return str_eq(t.type, STR("application")) && (str_eq(t.subtype, STR("pkcs7-mime")) ||
	    str_eq(t.subtype, STR("x-pkcs7-mime"))) && str_ieq(kind, STR("signed-data")) ?
	    SIGNED_SMIME : SIGNED_NO;
}

bool
authors_read(struct str text, struct arena *a, struct facts *f)
{
	struct author *list = arena_alloc(a, AUTHORS_MAX * sizeof *list);
	const struct field *type;
	struct header h;
	size_t n = 0;

	if (list == NULL || !header_parse(text, a, FIELDS_MAX, &h))
		return false;
	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct field *one;

		for (size_t k = 0; (one = header_find(&h, fields[i].name, k)) != NULL; k++) {
			if (!read_field(one->value, i, a, list, &n))
				return false;
			if (k == 1 && !fields[i].many && fields[i].field <= AUTHOR_SENDER)
				add(list, &n, (struct author){ .field = fields[i].field,
				    .bad = true });
		}
	}
	type = header_find(&h, STR("Content-Type"), 0);
	f->is_report = type != NULL &&
	    str_istarts(str_trim(field_unfold(type, a)), STR("multipart/report"));
	f->body_signed = type != NULL ? signed_as(type->value, a) : SIGNED_NO;
	f->author = list;
	f->nauthor = n;
	return true;
}
