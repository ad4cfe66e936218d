/* SPDX-License-Identifier: ISC */
/*
 * access_line: one line of an access map: tag, key, value.  See access_key.h.
 *
 * Whatever sendmail would have taken for the words of a refusal by accident (a misspelt REJECT) is
 * a mistake here.  A RELAY line must be something that can be a grant.
 */
#include "base/num.h"
#include "table/access_key.h"
#include "table/lines.h"

static const struct { struct str word; enum access_tag tag; } tags[] = {
	{ STR_INIT("connect"), ACC_CONNECT }, { STR_INIT("from"), ACC_FROM },
	{ STR_INIT("to"), ACC_TO }, { STR_INIT("spam"), ACC_SPAM },
	{ STR_INIT("tls_srv"), ACC_TLS_SRV }, { STR_INIT("tls_clt"), ACC_TLS_CLT },
	{ STR_INIT("tls_rcpt"), ACC_TLS_RCPT }, { STR_INIT("try_tls"), ACC_TRY_TLS },
	{ STR_INIT("certissuer"), ACC_CERT_ISSUER },
	{ STR_INIT("certsubject"), ACC_CERT_SUBJECT }, { STR_INIT("authinfo"), ACC_AUTH_INFO },
	{ STR_INIT("srv_features"), ACC_SRV_FEATURES },
	{ STR_INIT("clt_features"), ACC_CLT_FEATURES },
	{ STR_INIT("clientrate"), ACC_CLIENT_RATE },
	{ STR_INIT("clientconn"), ACC_CLIENT_CONN },
	{ STR_INIT("greetpause"), ACC_GREET_PAUSE },
};

static const struct { struct str word; enum access_act act; } words[] = {
	{ STR_INIT("OK"), ACC_OK }, { STR_INIT("RELAY"), ACC_RELAY },
	{ STR_INIT("REJECT"), ACC_REJECT }, { STR_INIT("DISCARD"), ACC_DISCARD },
	{ STR_INIT("SKIP"), ACC_SKIP }, { STR_INIT("FRIEND"), ACC_FRIEND },
	{ STR_INIT("HATER"), ACC_HATER }, { STR_INIT("SPAM:FRIEND"), ACC_FRIEND },
	{ STR_INIT("SPAM:HATER"), ACC_HATER }, { STR_INIT("SPAMFRIEND"), ACC_FRIEND },
	{ STR_INIT("SPAMHATER"), ACC_HATER }, { STR_INIT("SUBJECT"), ACC_SUBJECT },
	{ STR_INIT("HOLD"), ACC_QUARANTINE }, { STR_INIT("QUARANTINE"), ACC_QUARANTINE },
};

const char *
access_act_name(enum access_act act)
{
	static const char *const names[] = { "none", "ok", "relay", "reject", "discard", "skip",
		"reject", "quarantine", "friend", "hater", "subject", "level", "value" };

	return (size_t)act < COUNT(names) ? names[act] : "none";
}

const char *
access_tag_name(enum access_tag tag)
{
	for (size_t i = 0; i < COUNT(tags); i++)
		if (tags[i].tag == tag)
			return tags[i].word.p;
	return "";
}

/* ---- keys ---- */

/* Letters, digits, '-' and '_' up to a colon. */
static bool
take_tag(struct str *key, struct access_line *out)
{
	ssize_t colon = str_chr(*key, ':');
	struct str word = str_sub(*key, 0, colon < 0 ? 0 : (size_t)colon);

	if (word.n == 0 || str_ieq(word, STR("ipv6")))
		return true;
	for (size_t i = 0; i < COUNT(tags); i++)
		if (str_ieq(word, tags[i].word)) {
			out->tag = tags[i].tag;
			*key = str_skip(*key, word.n + 1);
			return true;
		}
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_isalnum(word.p[i]) && word.p[i] != '_' && word.p[i] != '-')
			return false;
	out->tag = ACC_OWN;
	out->own = word;
	*key = str_skip(*key, word.n + 1);
	return true;
}

/* "192", "192.0", "192.0.2", "192.0.2.7" */
static bool
octets(struct str s, struct net *out)
{
	*out = (struct net){};
	for (unsigned n = 0; n < 4; n++) {
		struct str part = str_split(&s, '.');
		uint32_t v;

		if (part.n == 0 || part.n > 3 || !num_parse_u32(part, &v) || v > 255)
			return false;
		out->ip.b[n] = (uint8_t)v;
		out->bits += 8;
		if (s.n == 0)
			return true;
	}
	return false;
}

/* Groups of an IPv6 address from its front: "2001:db8:0:1"; whole with "::" or eight of them. */
static bool
groups(struct str s, struct net *out)
{
	*out = (struct net){ .ip = { .v6 = true } };
	if (ip_parse(s, &out->ip) && out->ip.v6) {
		out->bits = 128;
		return true;
	}
	out->ip = (struct ip){ .v6 = true };
	for (unsigned n = 0; n < 8; n++) {
		struct str part = str_split(&s, ':');
		uint64_t v;

		if (part.n == 0 || part.n > 4 || !num_parse_hex(part, &v))
			return false;
		put_be16(out->ip.b + 2 * (size_t)n, (uint16_t)v);
		out->bits += 16;
		if (s.n == 0)
			return true;
	}
	return false;
}

static bool
digits_and_dots(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isdigit(s.p[i]) && s.p[i] != '.')
			return false;
	return s.n > 0;
}

/* 1: a network; 0: nothing of that kind; -1: meant as one, and wrong. */
static int
take_net(struct str key, struct net *net)
{
	bool tagged = str_istarts(key, STR("ipv6:"));

	if (tagged)
		key = str_skip(key, 5);
	if (str_chr(key, '/') >= 0)
		return net_parse(key, net) ? 1 : -1;
	if (!tagged && digits_and_dots(key))
		return octets(key, net) ? 1 : -1;
	if (tagged)
		return groups(key, net) ? 1 : -1;
	return str_chr(key, ':') >= 0 && groups(key, net) ? 1 : 0;
}

static bool
host_plausible(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f || strchr("()<>,;:\\\"[]@", (int)c) != NULL)
			return false;
	}
	return s.n > 0 && s.n <= 255 && str_find(s, STR("..")) < 0;
}

static bool
take_key(struct str key, struct buf *room, struct access_line *out, struct perr *err)
{
	static const char bad[] = "is no host, network or address";
	struct cur at = cur_of(key);

	if (out->tag == ACC_CERT_ISSUER || out->tag == ACC_CERT_SUBJECT || out->tag == ACC_OWN) {
		size_t from = room->n;

		out->form = ACCESS_DN;
		if (key.n == 0 || !access_dn(key, room))
			return perr_set(err, &at, "is no name of a certificate");
		out->name = str_skip(buf_str(room), from);
		return true;
	}
	if (key.n == 0) {
		out->form = ACCESS_DEFAULT;
		return out->tag >= ACC_TLS_SRV || perr_set(err, &at, "nothing behind the tag");
	}
	if (key.n > 2 && key.p[0] == '[' && key.p[key.n - 1] == ']') {
		out->form = ACCESS_BRACKET;
		return take_net(str_sub(key, 1, key.n - 2), &out->net) > 0 ||
		    perr_set(err, &at, bad);
	}
	out->name = key;
	if (str_chr(key, '@') >= 0) {
		out->form = key.p[key.n - 1] == '@' ? ACCESS_USER : ACCESS_ADDRESS;
		return key.n > 1 && key.p[0] != '@' ? true : perr_set(err, &at,
		    "is no address (write user@ or user@domain)");
	}
	switch (take_net(key, &out->net)) {
	case 1:
		out->form = ACCESS_NET;
		return true;
	case 0:
		break;
	case -1:
		return perr_set(err, &at, "is no network (octets, or CIDR with zeroes behind)");
	}
	out->form = ACCESS_HOST;
	if (key.n > 1 && key.p[key.n - 1] == '.')
		out->name = key = str_sub(key, 0, key.n - 1);
	if (key.n > 1 && key.p[0] == '.')
		out->name = key = str_skip(key, 1);
	return host_plausible(key) || perr_set(err, &at, bad);
}

/* ---- values ---- */

static struct str
unquote(struct str s)
{
	s = lines_trim(s);
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = lines_trim(str_sub(s, 1, s.n - 2));
	return s;
}

/* "5.7.1" at the head, a blank or a colon behind. */
static struct str
take_status(struct str *s)
{
	struct str none = {};
	size_t n = 0, dots = 0;

	while (n < s->n && (ascii_isdigit(s->p[n]) || s->p[n] == '.'))
		dots += s->p[n++] == '.';
	if (dots != 2 || n < 5 || s->p[1] != '.' || (s->p[0] != '4' && s->p[0] != '5') ||
	    s->p[n - 1] == '.' || str_find(*s, STR("..")) == 1 ||
	    (n < s->n && s->p[n] != ':' && !ascii_isspace(s->p[n])))
		return none;

	struct str status = str_sub(*s, 0, n);

	*s = lines_trim(str_skip(*s, n + 1));
	return status;
}

static struct str
take_code(struct str *s)
{
	struct str code = str_sub(*s, 0, 3);

	if (code.n < 3 || (code.p[0] != '4' && code.p[0] != '5') || !ascii_isdigit(code.p[1]) ||
	    !ascii_isdigit(code.p[2]) || (s->n > 3 && !ascii_isspace(s->p[3])))
		return (struct str){};
	*s = lines_trim(str_skip(*s, 3));
	return code;
}

/* [D.S.N:][code ]words, the words or all of it quoted, to "550 5.7.1 words". */
static bool
take_error(struct str s, struct buf *room, struct access_line *out)
{
	struct str status, code, late;
	size_t from = room->n;

	s = unquote(s);
	status = take_status(&s);
	s = unquote(s);
	code = take_code(&s);
	s = unquote(s);
	late = take_status(&s);
	if (status.n == 0)
		status = late;
	if (code.n == 0)
		code = status.n > 0 && status.p[0] == '4' ? STR("450") : STR("550");
	buf_put(room, code);
	buf_putc(room, ' ');
	buf_putc(room, code.p[0]);			/* the class is the code's */
	buf_put(room, status.n > 0 ? str_skip(status, 1) : STR(".7.1"));
	buf_putc(room, ' ');
	if (s.n == 0)
		s = STR("Access denied");
	for (size_t i = 0; i < s.n && i < 400; i++)
		buf_putc(room, ascii_isprint(s.p[i]) ? s.p[i] : '?');
	out->act = ACC_ERROR;
	out->text = str_skip(buf_str(room), from);
	return true;
}

bool
access_level_parse(struct str s, struct access_level *out)
{
	uint32_t bits = 0;
	ssize_t plus;

	*out = (struct access_level){};
	if (str_istarts(s, STR("PERM+")) || str_istarts(s, STR("TEMP+"))) {
		out->permanent = str_istarts(s, STR("PERM+"));
		s = str_skip(s, 5);
	}
	plus = str_chr(s, '+');
	if (plus >= 0) {
		out->extra = str_skip(s, (size_t)plus + 1);
		s = str_sub(s, 0, (size_t)plus);
		if (out->extra.n == 0)
			return false;
	}
	out->verify = str_istarts(s, STR("VERIFY"));
	if (str_istarts(s, STR("VERIFY:")))
		s = str_skip(s, 7);
	else if (str_istarts(s, STR("ENCR:")))
		s = str_skip(s, 5);
	else
		return str_ieq(s, STR("VERIFY"));
	if (!num_parse_u32(s, &bits) || bits > 4096)
		return false;
	out->bits = bits;
	return true;
}

static bool
take_value(struct str s, struct buf *room, struct access_line *out)
{
	struct access_level level;
	struct str bare = unquote(s);

	switch (out->tag) {
	case ACC_TLS_SRV:
	case ACC_TLS_CLT:
	case ACC_TLS_RCPT:
		if (access_level_parse(s, &level)) {
			out->act = ACC_LEVEL;
			out->text = s;
			return true;
		}
		break;
	case ACC_TRY_TLS:
	case ACC_AUTH_INFO:
	case ACC_SRV_FEATURES:
	case ACC_CLT_FEATURES:
	case ACC_CLIENT_RATE:
	case ACC_CLIENT_CONN:
	case ACC_GREET_PAUSE:
		out->act = ACC_VALUE;
		out->text = s;
		return true;
	case ACC_PLAIN:
	case ACC_CONNECT:
	case ACC_FROM:
	case ACC_TO:
	case ACC_SPAM:
	case ACC_CERT_ISSUER:
	case ACC_CERT_SUBJECT:
	case ACC_OWN:
		break;
	}
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_ieq(bare, words[i].word)) {
			out->act = words[i].act;
			return true;
		}
	if (str_istarts(bare, STR("QUARANTINE:")) || str_istarts(bare, STR("HOLD:"))) {
		out->act = ACC_QUARANTINE;
		out->text = unquote(str_skip(bare, (size_t)str_chr(bare, ':') + 1));
		return true;
	}
	if (str_istarts(s, STR("ERROR:")))
		return take_error(str_skip(s, 6), room, out);
	return take_code(&bare).n > 0 && take_error(s, room, out);
}

/* ---- RELAY ---- */

/* How wide may a network be that is granted relay here?  Octets of the classic files are believed
 * down to two of them; see decisions. */
static const char *
net_relayable(const struct net *net, const char **notice)
{
	bool private = ip_is_private(net->ip);

	if (ip_is_loopback(net->ip)) {
		*notice = "this host's own address is no grant (local users have the sendmail "
		    "command); the line has no effect";
		return NULL;
	}
	if (net->bits < (net->ip.v6 ? (private ? 7u : 32u) : (private ? 8u : 16u)))
		return "a network as wide as this is nobody's own: it would make an open relay";
	if (!private && net->bits < (net->ip.v6 ? 32u : 24u))
		*notice = "relays for more than 256 public addresses: are all of them yours?";
	return NULL;
}

static const char *
relay_wrong(struct access_line *l, const char **notice)
{
	const char *why = NULL;

	switch (l->tag) {
	case ACC_FROM:
		return "From: RELAY cannot be: anybody can write any sender, so it would make an "
		    "open relay; grant a network, a host or a login instead";
	case ACC_PLAIN:
	case ACC_CONNECT:
	case ACC_TO:
	case ACC_CERT_ISSUER:
	case ACC_CERT_SUBJECT:
		break;
	case ACC_SPAM:
	case ACC_TLS_SRV:
	case ACC_TLS_CLT:
	case ACC_TLS_RCPT:
	case ACC_TRY_TLS:
	case ACC_AUTH_INFO:
	case ACC_SRV_FEATURES:
	case ACC_CLT_FEATURES:
	case ACC_CLIENT_RATE:
	case ACC_CLIENT_CONN:
	case ACC_GREET_PAUSE:
	case ACC_OWN:
		return "RELAY means nothing with this tag";
	}
	if (l->form == ACCESS_USER)
		return "RELAY for a user in every domain would make an open relay";
	if (l->form == ACCESS_ADDRESS && l->tag == ACC_CONNECT)
		return "Connect: takes hosts and networks";
	if ((l->form == ACCESS_NET || l->form == ACCESS_BRACKET) && l->tag == ACC_TO)
		return "To: takes domains and addresses";
	if (l->form == ACCESS_NET || l->form == ACCESS_BRACKET)
		why = net_relayable(&l->net, notice);
	else if (l->form == ACCESS_HOST && (str_ieq(l->name, STR("localhost")) ||
	    str_ieq(l->name, STR("localhost.localdomain"))))
		*notice = "localhost is no grant (local users have the sendmail command); the line "
		    "has no effect";
	else if (l->form == ACCESS_HOST && str_chr(l->name, '.') < 0)
		why = "is a whole top-level domain: it would make an open relay";
	if (*notice != NULL && str_find(str_of(*notice), STR("no effect")) >= 0)
		l->form = 0;
	return why;
}

bool
access_line_parse(struct str line, struct buf *room, struct access_line *out,
    const char **notice, struct perr *err)
{
	struct str value = line, key = lines_word(&value);
	struct cur at = cur_of(line);
	const char *why;

	*out = (struct access_line){};
	*notice = NULL;
	buf_reset(room);
	/* A bare IPv6 address has colons too, and letters that might be a tag. */
	if (take_net(key, &out->net) != 1 && !take_tag(&key, out))
		return perr_set(err, &at, "is no tag, host, network or address");
	if (!take_key(key, room, out, err))
		return false;
	if (value.n == 0)
		return perr_set(err, &at, "nothing behind the key");
	if (value.n > ACCESS_TEXT_MAX)
		return perr_set(err, &at, "value too long");
	if (!take_value(value, room, out))
		return perr_set(err, &at, "is no value of an access map (OK, RELAY, REJECT, "
		    "DISCARD, SKIP, QUARANTINE:why, ERROR:5.7.1:550 text ...)");
	if (out->act == ACC_RELAY && (why = relay_wrong(out, notice)) != NULL)
		return perr_set(err, &at, why);
	if (out->tag == ACC_AUTH_INFO) {
		*notice = "AuthInfo: is a secret and is not read from this file; the line has no "
		    "effect";
		out->form = 0;
	}
	return !room->failed || perr_set(err, &at, "line too long");
}
