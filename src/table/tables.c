/* SPDX-License-Identifier: ISC */
/*
 * tables: look-ups in the image, with the orders that sendmail's tables have.
 *
 * Nothing is allocated but what the caller's buffer takes.  See tables.h for what is promised.
 */
#include <unistd.h>

#include "table/forwards.h"
#include "table/key.h"

bool
tables_take(struct tables *t, int fd, uint64_t generation)
{
	struct image img;
	bool good = image_open(&img, fd);

	(void)close(fd);
	if (!good)
		return false;
	image_close(&t->img);
	t->img = img;
	t->generation = generation;
	return true;
}

void
tables_done(struct tables *t)
{
	image_close(&t->img);
	*t = (struct tables){};
}

static bool
known(const struct tables *t, enum table_kind kind, struct str file)
{
	struct str value;
	struct key mark;

	key_begin(&mark, TABLE_MARK, file);
	return key_put(&mark, (struct str){ (const char[]){ (char)kind }, 1 }) &&
	    image_get(&t->img, key_str(&mark), &value);
}

static enum find
find(const struct tables *t, enum table_kind kind, struct str file, struct str key,
    struct str *value)
{
	struct key k;

	key_begin(&k, (int)kind, file);
	if (key_put(&k, key) && image_get(&t->img, key_str(&k), value))
		return FIND_YES;
	return known(t, kind, file) ? FIND_NO : FIND_LATER;
}

enum find
tables_user(const struct tables *t, struct str file, struct str name, struct user_entry *out)
{
	struct str value;
	enum find f = find(t, TABLE_USERS, file, name, &value);

	*out = (struct user_entry){ .name = name };
	if (f != FIND_YES)
		return f;
	if (value.n < 9)
		return FIND_LATER;
	out->has_ids = (value.p[0] & 1) != 0;
	out->disabled = (value.p[0] & 2) != 0;
	out->uid = get_le32(value.p + 1);
	out->gid = get_le32(value.p + 5);
	out->home = str_skip(value, 9);
	return FIND_YES;
}

enum find
tables_password(const struct tables *t, struct str file, struct str name, struct user_entry *out)
{
	struct str value;
	enum find f = find(t, TABLE_PASSWORDS, file, name, &value);

	*out = (struct user_entry){ .name = name };
	if (f != FIND_YES)
		return f;
	if (value.n < 1)
		return FIND_LATER;
	out->disabled = value.p[0] != 0;
	value = str_skip(value, 1);
	out->scheme = str_split(&value, '\n');
	out->hash = value;
	return FIND_YES;
}

enum find
tables_alias(const struct tables *t, struct str file, struct str key, struct str *out)
{
	return find(t, TABLE_ALIASES, file, key, out);
}

enum find
tables_include(const struct tables *t, struct str file, struct str *out)
{
	return find(t, TABLE_INCLUDE, file, STR(""), out);
}

enum find
tables_listed(const struct tables *t, struct str file, struct str key)
{
	struct str value;

	return find(t, TABLE_LIST, file, key, &value);
}

enum find
tables_forward(const struct tables *t, struct str file, struct str user, unsigned n,
    struct str *target, bool *only)
{
	char digit = (char)('0' + n);
	struct str value;
	struct key k;

	key_begin(&k, TABLE_FORWARDS, file);
	if (n < FORWARDS_PER_USER && key_put(&k, str_from(&digit, 1)) && key_put(&k, user) &&
	    image_get(&t->img, key_str(&k), &value) && value.n > 1) {
		*only = value.p[0] == 'o';
		*target = str_skip(value, 1);
		return FIND_YES;
	}
	return known(t, TABLE_FORWARDS, file) ? FIND_NO : FIND_LATER;
}

struct virtuser {
	const struct tables *t;
	struct str file, local, user, detail, plus;	/* plus: "+detail" */
};

/* One key, made of two parts. */
static bool
virtuser_key(const struct virtuser *v, struct str head, struct str tail, struct str domain,
    struct str *value)
{
	struct key k;

	key_begin(&k, TABLE_VIRTUSERS, v->file);
	return key_put(&k, head) && key_put(&k, tail) && key_put(&k, STR("@")) &&
	    key_put(&k, domain) && image_get(&v->t->img, key_str(&k), value);
}

static bool
virtuser_find(const struct virtuser *v, struct str domain, struct str *value)
{
	if (virtuser_key(v, v->local, STR(""), domain, value))
		return true;
	if (v->plus.n > 0 &&
	    ((v->detail.n > 0 && virtuser_key(v, v->user, STR("++"), domain, value)) ||
	    virtuser_key(v, v->user, STR("+*"), domain, value) ||
	    virtuser_key(v, v->user, STR(""), domain, value) ||
	    virtuser_key(v, STR(""), STR("+*"), domain, value)))
		return true;
	if (virtuser_key(v, STR(""), STR(""), domain, value))
		return true;
	for (ssize_t dot; (dot = str_chr(domain, '.')) >= 0; ) {
		domain = str_skip(domain, (size_t)dot);		/* ".parent" */
		if (virtuser_key(v, STR(""), STR(""), domain, value))
			return true;
		domain = str_skip(domain, 1);
	}
	return false;
}

static void
put_filled(struct buf *out, struct str text, const struct virtuser *v)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = i + 1 < text.n ? text.p[i + 1] : '\0';

		if (text.p[i] != '%' || c < '0' || c > '3') {
			buf_putc(out, text.p[i]);
			continue;
		}
		buf_put(out, c == '0' ? v->local : c == '1' ? v->user : c == '2' ? v->detail
		    : v->plus);
		i++;
	}
}

enum find
tables_virtuser(const struct tables *t, struct str file, struct str local, struct str domain,
    struct buf *out)
{
	struct virtuser v = { .t = t, .file = file, .local = local, .user = local };
	ssize_t plus = local.n > 0 && local.p[0] != '"' ? str_chr(local, '+') : -1;
	struct target one;
	struct str value;

	if (plus > 0) {
		v.user = str_sub(local, 0, (size_t)plus);
		v.plus = str_skip(local, (size_t)plus);
		v.detail = str_skip(v.plus, 1);
	}
	if (!virtuser_find(&v, domain, &value))
		return known(t, TABLE_VIRTUSERS, file) ? FIND_NO : FIND_LATER;
	while (targets_next(&value, &one)) {
		size_t from = out->n;

		buf_put(out, (struct str){ (const char[5]){ (char)one.kind }, 5 });
		put_filled(out, one.text, &v);
		if (out->failed)
			return FIND_LATER;
		put_le32(out->p + from + 1, (uint32_t)(out->n - from - 5));
	}
	return FIND_YES;
}

enum find
tables_route(const struct tables *t, struct str file, struct str domain, struct str *out)
{
	enum find f = find(t, TABLE_ROUTES, file, domain, out);

	for (ssize_t dot; f == FIND_NO && (dot = str_chr(domain, '.')) >= 0; ) {
		domain = str_skip(domain, (size_t)dot);
		f = find(t, TABLE_ROUTES, file, domain, out);
		domain = str_skip(domain, 1);
	}
	return f == FIND_NO ? find(t, TABLE_ROUTES, file, STR("."), out) : f;
}
