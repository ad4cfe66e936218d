/* SPDX-License-Identifier: ISC */
/*
 * access_each: the lines of an access map one after the other, out of the image.
 *
 * For the proof, which needs every constant of the map; the image holds other tables too, and
 * entries that only help look-ups.
 */
#include "table/access.h"
#include "table/access_key.h"

static bool
take_entry(struct str file, struct str key, struct str value, struct access_entry *out)
{
	struct key head;

	key_begin(&head, TABLE_ACCESS, file);
	if (key.n < KEY_HEAD + 2 || value.n < ACCESS_VALUE_HEAD ||
	    !str_starts(key, key_str(&head)))
		return false;
	*out = (struct access_entry){
		.tag = (enum access_tag)key.p[KEY_HEAD], .form = key.p[KEY_HEAD + 1],
		.name = str_skip(key, KEY_HEAD + 2),
		.hit = { .act = (enum access_act)value.p[0], .line = get_le32(value.p + 1),
		    .text = str_skip(value, ACCESS_VALUE_HEAD) },
	};
	switch (out->form) {
	case ACCESS_NET:
	case ACCESS_BRACKET:
		if (out->name.n < 6)
			return false;
		out->net.ip.v6 = out->name.p[0] == 6;
		out->net.bits = (unsigned char)out->name.p[1];
		memcpy(out->net.ip.b, out->name.p + 2,
		    MIN(out->name.n - 2, sizeof out->net.ip.b));
		out->name = (struct str){};
		return true;
	case ACCESS_HOST:
	case ACCESS_ADDRESS:
	case ACCESS_USER:
	case ACCESS_DEFAULT:
	case ACCESS_DN:
		return true;
	default:
		return false;			/* what helps look-ups */
	}
}

bool
access_next(const struct access_map *m, uint64_t *at, struct access_entry *out)
{
	struct str key, value;

	if (m == NULL || m->file.n == 0 || m->t == NULL)
		return false;
	while (image_next(&m->t->img, at, &key, &value))
		if (take_entry(m->file, key, value, out))
			return true;
	return false;
}
