/* SPDX-License-Identifier: ISC */
/*
 * tlsrpt: RFC 8460 3, with the characters of a URI by RFC 3986.
 */
#include "trust/tlsrpt.h"

#include <string.h>

#include "base/ascii.h"
#include "base/cur.h"

/* RFC 3986 2: unreserved, reserved and whole percent escapes; "," ";" "!" must be escaped here */
static bool
uri_valid(struct str s)
{
	size_t i = 0;

	while (i < s.n && (ascii_isalnum(s.p[i]) || strchr("+-.", s.p[i]) != NULL) && s.p[i] != 0)
		i++;
	if (i == 0 || i + 1 >= s.n || s.p[i] != ':' || !ascii_isalpha(s.p[0]))
		return false;
	for (; i < s.n; i++) {
		if (s.p[i] == '%') {
			if (s.n - i < 3 || !ascii_isxdigit(s.p[i + 1]) ||
			    !ascii_isxdigit(s.p[i + 2]))
				return false;
			i += 2;
		} else if (!ascii_isgraph(s.p[i]) || strchr("\"<>\\^`{|}", s.p[i]) != NULL) {
			return false;
		}
	}
	return true;
}

static bool
put_rua(struct str list, struct tlsrpt_record *out)
{
	bool more = true;

	while (more) {
		struct str item = str_split(&list, ','), uri = str_trim(item);

		more = list.p > item.p + item.n;		/* a comma was there */
		if (!uri_valid(uri))
			return false;
		/* Other schemes are well-formed, and of no use: RFC 8460 3. */
		if (!str_istarts(uri, STR("mailto:")) && !str_istarts(uri, STR("https:")))
			continue;
		if (out->nrua < TLSRPT_RUA_MAX)
			out->rua[out->nrua++] = uri;
	}
	return true;
}

/* tlsrpt-ext-name "=" tlsrpt-ext-value */
static bool
extension_valid(struct str name, struct str value)
{
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_isalnum(name.p[i]) && strchr("_-.", name.p[i]) == NULL)
			return false;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_isgraph(value.p[i]) || value.p[i] == '=')
			return false;
	return name.n > 0 && name.n <= 32 && ascii_isalnum(name.p[0]) && value.n > 0;
}

bool
tlsrpt_record_parse(struct str text, struct tlsrpt_record *out)
{
	struct str rest = text;
	bool seen = false;

	*out = (struct tlsrpt_record){};
	if (!str_eq(str_trim(str_split(&rest, ';')), STR("v=TLSRPTv1")) || ascii_iswsp(text.p[0]))
		return false;
	while (rest.n > 0) {
		struct str field = str_trim(str_split(&rest, ';'));
		struct str name;

		if (field.n == 0 && str_trim(rest).n == 0)
			break;
		name = str_split(&field, '=');
		if (str_eq(name, STR("rua"))) {
			if (seen || !put_rua(str_trim(field), out))
				return false;
			seen = true;
		} else if (!extension_valid(name, field)) {
			return false;
		}
	}
	return seen;
}
