/* SPDX-License-Identifier: ISC */
/*
 * words: replies that name what they are about: the address, the field, and the line that would
 * allow it.
 *
 * Decisions own no memory, so their words are put together afterwards, in the session's.  Texts
 * may hold what the client sent: session_reply escapes it.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/num.h"
#include "policy/binding.h"
#include "policy/decide.h"

static const char *const field_names[] = { "From", "Sender", "Resent-From", "Resent-Sender" };

static const struct { unsigned fault; const char *what; } from_faults[] = {
	{ FROM_MISSING, "there is no From field" },
	{ FROM_TWICE, "there are several From fields" },
	{ FROM_CONTROL, "From holds control or invisible characters" },
	{ FROM_ENCODED, "From has an encoded word for an address" },
	{ FROM_GROUP, "From is a group" },
	{ FROM_ROUTE, "From holds a route" },
	{ FROM_NO_DOMAIN, "From has an address without a domain" },
	{ FROM_BAD, "From is no address" },
	{ FROM_MANY, "From names several authors" },
};

static struct str
from_words(const struct sender_facts *w, struct arena *a)
{
	const char *what = "a field that stands once is there twice";

	for (size_t i = 0; w && i < COUNT(from_faults); i++)
		if (w->from_faults & from_faults[i].fault) {
			what = from_faults[i].what;
			break;
		}
	if (w && w->begins_wrong)
		return STR("the header begins with white space");
	if (!w || w->from_faults == FROM_MISSING)
		return str_of(what);
	return str_fmt(a, "%s (octet %zu of the header)", what, w->fault_at);
}

struct reply
policy_words(const struct facts *f, const struct verdict *v, struct arena *a)
{
	struct reply r = v->reply;
	struct str address = str_cat(a, v->local, STR("@"), v->domain), text = {};
	char room[32];
	struct str who = binding_name(f, room);

	switch (v->about) {
	case ABOUT_NOTHING:
		return r;
	case ABOUT_BINDING:
		text = str_cat(a, who, STR(" may not send as "), address,
		    STR("; postmaster can allow it: may-send "), who, STR(" "), address);
		break;
	case ABOUT_GRANT:
		text = str_cat(a, STR("relaying denied: your network may not send as "), address,
		    STR("; postmaster can allow it: sending-as "), v->domain);
		break;
	case ABOUT_FIELD:
		text = str_cat(a, str_of(field_names[v->field]),
		    STR(" holds no single address that "), who, STR(" may send as"));
		break;
	case ABOUT_FROM:
		text = from_words(f->who, a);
		break;
	case ABOUT_OWN:
		text = str_cat(a, v->domain, STR(" requires authentication (own-domain)"));
		break;
	case ABOUT_DMARC:
		text = str_cat(a, STR("rejected per DMARC policy of "), v->domain);
		break;
	}
	if (text.p != NULL)
		r.text = text;
	return r;
}
