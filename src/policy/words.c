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
#include "policy/binding.h"
#include "policy/decide.h"

static const char *const field_names[] = { "From", "Sender", "Resent-From", "Resent-Sender" };

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
	}
	if (text.p != NULL)
		r.text = text;
	return r;
}
