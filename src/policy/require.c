/* SPDX-License-Identifier: ISC */
/*
 * require: named properties that somebody may want to hold beside the theorems.
 *
 *	relay only by KIND [or KIND ...]	no relay by KIND [or KIND ...]	no relay
 *	auth only under tls
 *
 * What is only for this host's own users (the local socket) is no relay over the network: "relay
 * only by" does not count it, "no relay by local" does.
 */
#include "policy/prove.h"

#include "base/num.h"
#include "policy/prove_parts.h"

const char prove_properties[] =
	"  relay only by KIND [or KIND ...]\n"
	"                        over the network nobody sends elsewhere by anything else;\n"
	"                        \"relay only by auth\" is what most installations want\n"
	"  no relay by KIND [or KIND ...]\n"
	"                        nobody sends elsewhere by that\n"
	"  no relay              nobody sends elsewhere at all\n"
	"  auth only under tls   a login is good for nothing in the clear\n"
	"KIND is auth, certificate, network, host, pop, local or destination.\n";

static const struct { const char *name; enum grant_kind kind; } kinds[] = {
	{ "auth", GRANT_AUTHENTICATED }, { "certificate", GRANT_CERTIFICATE },
	{ "network", GRANT_NETWORK }, { "host", GRANT_HOSTNAME }, { "pop", GRANT_POP },
	{ "local", GRANT_LOCAL_UID }, { "destination", GRANT_DESTINATION },
	{ "cert", GRANT_CERTIFICATE }, { "tls", GRANT_CERTIFICATE },
};

struct property {
	unsigned kinds;			/* bits of enum grant_kind that break it */
	bool local_too;			/* on the local socket as well */
	bool auth_tls;
};

/* "auth or certificate" */
static const char *
take_kinds(struct str text, unsigned *set)
{
	*set = 0;
	while (text.n > 0) {
		struct str word = str_split(&text, ' ');
		size_t i = 0;

		if (word.n == 0 || str_ieq(word, STR("or")) || str_ieq(word, STR("and")))
			continue;
		if (word.p[word.n - 1] == ',')
			word.n--;
		while (i < COUNT(kinds) && !str_ieq(word, str_of(kinds[i].name)))
			i++;
		if (i == COUNT(kinds))
			return "names no kind of grant (auth, certificate, network, host, pop, "
			    "local, destination)";
		*set |= 1u << kinds[i].kind;
	}
	return *set ? NULL : "names no kind of grant";
}

static const char *
parse(struct str text, struct property *out)
{
	static const unsigned all = (2u << GRANT_DESTINATION) - 1;
	const char *why;

	*out = (struct property){};
	text = str_trim(text);
	if (str_ieq(text, STR("no relay"))) {
		*out = (struct property){ .kinds = all, .local_too = true };
		return NULL;
	}
	if (str_ieq(text, STR("auth only under tls"))) {
		out->auth_tls = true;
		return NULL;
	}
	if (str_istarts(text, STR("relay only by "))) {
		why = take_kinds(str_skip(text, 14), &out->kinds);
		out->kinds = all & ~out->kinds;
		return why;
	}
	if (str_istarts(text, STR("no relay by "))) {
		out->local_too = true;
		return take_kinds(str_skip(text, 12), &out->kinds);
	}
	return "is no property that is known here (see postern check --help)";
}

const char *
prove_property_wrong(struct str name)
{
	struct property p;

	return parse(name, &p);
}

static bool
breaks(struct str name, const struct asked *q)
{
	struct property p;

	if (parse(name, &p))
		return false;
	if (p.auth_tls)
		return q->a.accepted && q->f.id.user.n > 0 && !q->f.tls && q->a.v.relay &&
		    q->a.v.grant == GRANT_AUTHENTICATED;
	return q->a.accepted && q->a.v.relay && (p.kinds >> q->a.v.grant & 1) &&
	    (p.local_too || q->f.have_ip);
}

size_t
require_which(const struct prover *w, const struct asked *q)
{
	size_t i = 0;

	while (i < w->p->nrequire && i < 64 &&
	    ((w->required >> i & 1) || !breaks(w->p->require[i], q)))
		i++;
	return MIN(i, w->p->nrequire);
}

bool
require_broken(const struct prover *w, const struct asked *q)
{
	size_t i = require_which(w, q);

	return i < w->p->nrequire && i < 64;
}
