/* SPDX-License-Identifier: ISC */
/*
 * access: look-ups in the access map, in sendmail's orders.  See access.h.
 *
 * Nothing is allocated.  A full question (an address of five labels) is some ten look-ups in the
 * image.  Lengths that no network of the map has are not asked for.
 */
#include "table/access.h"

#include "table/access_key.h"

static bool
get(const struct access_map *m, const struct key *k, struct access_hit *out)
{
	struct str value;

	if (!image_get(&m->t->img, key_str(k), &value) || value.n < ACCESS_VALUE_HEAD)
		return false;
	*out = (struct access_hit){
		.act = (enum access_act)value.p[0], .line = get_le32(value.p + 1),
		.text = str_skip(value, ACCESS_VALUE_HEAD),
	};
	return true;
}

static bool
none(const struct access_map *m)
{
	return m == NULL || m->file.n == 0 || m->t == NULL || m->t->img.p == NULL;
}

/* With the tag, then without where plain keys count. */
static bool
look(const struct access_map *m, enum access_tag tag, char form, struct str name, bool plain,
    struct access_hit *out)
{
	struct key k;

	if (access_key(&k, m->file, tag, form, name) && get(m, &k, out))
		return true;
	return plain && tag != ACC_PLAIN && access_key(&k, m->file, ACC_PLAIN, form, name) &&
	    get(m, &k, out);
}

static struct access_hit
end(bool found, const struct access_hit *hit)
{
	return found && hit->act != ACC_SKIP ? *hit : (struct access_hit){};
}

/* Do keys without a tag count too? */
static bool
plain_counts(enum access_tag tag)
{
	return tag == ACC_CONNECT || tag == ACC_FROM || tag == ACC_TO;
}

static bool
domain_look(const struct access_map *m, enum access_tag tag, struct str name, bool plain,
    struct access_hit *out)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	while (name.n > 0) {
		ssize_t dot;

		if (look(m, tag, ACCESS_HOST, name, plain, out))
			return true;
		dot = str_chr(name, '.');
		if (dot < 0)
			return false;
		name = str_skip(name, (size_t)dot + 1);
	}
	return false;
}

static bool
net_look(const struct access_map *m, enum access_tag tag, char form, struct ip ip, bool plain,
    struct access_hit *out)
{
	struct str lengths;
	struct key k;
	const uint8_t *set;

	(void)access_key(&k, m->file, 0, ACCESS_LENGTHS, STR(""));
	if (!image_get(&m->t->img, key_str(&k), &lengths) || lengths.n != ACCESS_LENGTHS_SIZE)
		return false;
	set = (const uint8_t *)lengths.p + (ip.v6 ? 5 : 0);
	for (unsigned bits = ip.v6 ? 128 : 32; ; bits--) {
		if (set[bits / 8] & 1u << bits % 8) {
			struct net net = net_of(ip, bits);

			if (access_net_key(&k, m->file, tag, form, net) && get(m, &k, out))
				return true;
			if (plain && tag != ACC_PLAIN &&
			    access_net_key(&k, m->file, ACC_PLAIN, form, net) && get(m, &k, out))
				return true;
		}
		if (bits == 0)
			return false;
	}
}

bool
access_ready(const struct access_map *m)
{
	struct key mark;
	struct str value;

	if (m == NULL || m->file.n == 0)
		return true;
	key_begin(&mark, TABLE_MARK, m->file);
	return m->t != NULL &&
	    key_put(&mark, (struct str){ (const char[]){ TABLE_ACCESS }, 1 }) &&
	    image_get(&m->t->img, key_str(&mark), &value);
}

bool
access_needs_name(const struct access_map *m)
{
	struct str flags;
	struct key k;

	if (none(m))
		return false;
	(void)access_key(&k, m->file, 0, ACCESS_FLAGS, STR(""));
	return image_get(&m->t->img, key_str(&k), &flags) && flags.n == 1 && (flags.p[0] & 1);
}

struct access_hit
access_domain(const struct access_map *m, enum access_tag tag, struct str name)
{
	struct access_hit hit;

	return none(m) ? (struct access_hit){} :
	    end(domain_look(m, tag, name, plain_counts(tag), &hit), &hit);
}

struct access_hit
access_net(const struct access_map *m, enum access_tag tag, struct ip ip)
{
	struct access_hit hit;

	return none(m) ? (struct access_hit){} :
	    end(net_look(m, tag, ACCESS_NET, ip, plain_counts(tag), &hit), &hit);
}

/* The name, or [address] where no name was verified; then the address. */
struct access_hit
access_connect(const struct access_map *m, struct ip ip, struct str host)
{
	struct access_hit hit;
	bool found;

	if (none(m))
		return (struct access_hit){};
	found = host.n > 0 ? domain_look(m, ACC_CONNECT, host, true, &hit) :
	    net_look(m, ACC_CONNECT, ACCESS_BRACKET, ip, true, &hit);
	if (found && hit.act != ACC_SKIP)
		return hit;
	return end(net_look(m, ACC_CONNECT, ACCESS_NET, ip, true, &hit), &hit);
}

struct access_hit
access_relay_client(const struct access_map *m, struct ip ip, struct str host, bool *by_name)
{
	struct access_hit hit;

	*by_name = false;
	if (none(m))
		return (struct access_hit){};
	if (net_look(m, ACC_CONNECT, ACCESS_NET, ip, true, &hit) && hit.act == ACC_RELAY)
		return hit;
	*by_name = true;
	if (host.n == 0 || str_ieq(host, STR("localhost")))
		return (struct access_hit){};
	if ((m->exact_hosts ? look(m, ACC_CONNECT, ACCESS_HOST, host, true, &hit) :
	    domain_look(m, ACC_CONNECT, host, true, &hit)) && hit.act == ACC_RELAY)
		return hit;
	return (struct access_hit){};
}

/* "user@domain" or "user@" in one piece. */
struct joined { char p[PATH_LOCAL_MAX + PATH_DOMAIN_MAX + 2]; size_t n; };

static bool
join(struct joined *j, struct str local, struct str domain)
{
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (local.n + 1 + domain.n > sizeof j->p)
		return false;
	memcpy(j->p, local.p, local.n);
	j->p[local.n] = '@';
	if (domain.n > 0)
		memcpy(j->p + local.n + 1, domain.p, domain.n);
	j->n = local.n + 1 + domain.n;
	return true;
}

/* What is asked: which tag, and do keys without one count? */
struct ask { const struct access_map *m; enum access_tag tag; bool plain; };

static bool
address_look(const struct ask *q, struct str local, struct str domain, struct access_hit *out)
{
	struct joined j;

	return join(&j, local, domain) && look(q->m, q->tag,
	    domain.n > 0 ? ACCESS_ADDRESS : ACCESS_USER, str_from(j.p, j.n), q->plain, out);
}

/* user+detail, then user. */
static bool
local_look(const struct ask *q, struct str local, struct str domain, struct access_hit *out)
{
	ssize_t plus = str_chr(local, '+');

	if (address_look(q, local, domain, out))
		return true;
	return plus > 0 && local.p[0] != '"' &&
	    address_look(q, str_sub(local, 0, (size_t)plus), domain, out);
}

/* The address, the user in every domain, the domain or the literal's address. */
static bool
full_look(const struct ask *q, const struct path *p, bool user, struct access_hit *out)
{
	if (p->domain.n > 0 && local_look(q, p->local, p->domain, out))
		return true;
	if (user && local_look(q, p->local, STR(""), out))
		return true;
	if (p->literal)
		return net_look(q->m, q->tag, ACCESS_BRACKET, p->ip, q->plain, out) ||
		    net_look(q->m, q->tag, ACCESS_NET, p->ip, q->plain, out);
	return domain_look(q->m, q->tag, p->domain, q->plain, out);
}

struct access_hit
access_from(const struct access_map *m, const struct path *p)
{
	struct ask q = { m, ACC_FROM, true };
	struct access_hit hit;

	if (none(m) || p->null)
		return (struct access_hit){};
	return end(full_look(&q, p, true, &hit), &hit);
}

struct access_hit
access_to(const struct access_map *m, const struct path *p, bool local, bool plain)
{
	struct ask q = { m, ACC_TO, plain };
	struct access_hit hit;

	if (none(m) || p->null)
		return (struct access_hit){};
	return end(full_look(&q, p, local, &hit), &hit);
}

struct access_hit
access_relay_to(const struct access_map *m, const struct path *p)
{
	struct ask q = { m, ACC_TO, true };
	struct access_hit hit;

	if (none(m) || p->null || p->literal || p->domain.n == 0)
		return (struct access_hit){};
	if (local_look(&q, p->local, p->domain, &hit) && hit.act == ACC_RELAY)
		return hit;
	if ((m->exact_hosts ? look(m, ACC_TO, ACCESS_HOST, p->domain, true, &hit) :
	    domain_look(m, ACC_TO, p->domain, true, &hit)) && hit.act == ACC_RELAY)
		return hit;
	return (struct access_hit){};
}

struct access_hit
access_spam(const struct access_map *m, const struct path *p)
{
	struct ask tagged = { m, ACC_SPAM, false }, old = { m, ACC_TO, false };
	struct access_hit hit;

	if (none(m) || p->null)
		return (struct access_hit){};
	if (full_look(&tagged, p, true, &hit))
		return end(true, &hit);
	if (full_look(&old, p, true, &hit) && (hit.act == ACC_FRIEND || hit.act == ACC_HATER))
		return hit;
	return (struct access_hit){};
}

struct access_hit
access_host(const struct access_map *m, enum access_tag tag, struct ip ip, struct str host)
{
	struct access_hit hit;

	if (none(m))
		return (struct access_hit){};
	return end(domain_look(m, tag, host, false, &hit) ||
	    net_look(m, tag, ACCESS_NET, ip, false, &hit) ||
	    look(m, tag, ACCESS_DEFAULT, STR(""), false, &hit), &hit);
}

struct access_hit
access_rcpt(const struct access_map *m, const struct path *p)
{
	struct ask q = { m, ACC_TLS_RCPT, false };
	struct access_hit hit;

	if (none(m))
		return (struct access_hit){};
	return end(full_look(&q, p, true, &hit) ||
	    look(m, ACC_TLS_RCPT, ACCESS_DEFAULT, STR(""), false, &hit), &hit);
}

static bool
dn_look(const struct access_map *m, enum access_tag tag, struct str name, struct access_hit *out)
{
	char room[KEY_MAX];
	struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };

	return name.n > 0 && access_dn(name, &b) &&
	    look(m, tag, ACCESS_DN, buf_str(&b), false, out);
}

struct access_hit
access_cert(const struct access_map *m, struct str issuer, struct str subject)
{
	struct access_hit hit;

	if (none(m) || !dn_look(m, ACC_CERT_ISSUER, issuer, &hit))
		return (struct access_hit){};
	if (hit.act == ACC_SUBJECT && !dn_look(m, ACC_CERT_SUBJECT, subject, &hit))
		return (struct access_hit){};
	return hit.act == ACC_RELAY ? hit : (struct access_hit){};
}

struct access_hit
access_own(const struct access_map *m, struct str tag, struct str name)
{
	char room[KEY_MAX];
	struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
	struct access_hit hit;
	struct key k;

	if (none(m) || !access_dn(name, &b) ||
	    !access_key(&k, m->file, ACC_OWN, ACCESS_DN, tag) || !key_put(&k, STR(":")) ||
	    !key_put(&k, buf_str(&b)) || !get(m, &k, &hit))
		return (struct access_hit){};
	return hit;
}

static bool
relay_at(const struct access_map *m, uint32_t number, struct access_relay *out)
{
	struct str v;
	struct key k;
	char n[4];

	put_le32(n, number);
	key_begin(&k, TABLE_ACCESS, m->file);
	k.p[k.n++] = 0;
	k.p[k.n++] = ACCESS_RELAY;
	memcpy(k.p + k.n, n, sizeof n);
	k.n += sizeof n;
	if (!image_get(&m->t->img, key_str(&k), &v) || v.n < 6)
		return false;
	*out = (struct access_relay){ .tag = (enum access_tag)v.p[0], .form = v.p[1],
	    .line = get_le32(v.p + 2), .name = str_skip(v, 6) };
	if (out->form == ACCESS_NET || out->form == ACCESS_BRACKET) {
		if (v.n < 12)
			return false;
		out->net.ip.v6 = v.p[6] == 6;
		out->net.bits = (unsigned char)v.p[7];
		memcpy(out->net.ip.b, v.p + 8, MIN(v.n - 8, sizeof out->net.ip.b));
		out->name = (struct str){};
	}
	return true;
}

void
access_relays(const struct access_map *m,
    void (*found)(void *arg, const struct access_relay *r), void *arg)
{
	struct access_relay r;

	if (none(m))
		return;
	for (uint32_t i = 0; relay_at(m, i, &r); i++)
		found(arg, &r);
}
