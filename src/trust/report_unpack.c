/* SPDX-License-Identifier: ISC */
/*
 * report_unpack: what an aggregate report is wrapped in: gzip, zip, MIME.  See report.h.
 */
#include "trust/report.h"

#include <zlib.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/num.h"
#include "mail/mime.h"

enum { CHUNK = 65'536, WINDOW_GZIP = 15 + 16, WINDOW_RAW = -15 };
enum { ZIP_END = 22, ZIP_DIR = 46, ZIP_LOCAL = 30, ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct unpack {
	struct buf *out;
	size_t max;			/* of the output */
	const char **why;
};

static bool
refuse(const struct unpack *u, const char *why)
{
	*u->why = why;
	return false;
}

static bool
inflate_all(const struct unpack *u, z_stream *z)
{
	int rc = Z_OK;

	while (rc == Z_OK) {
		char *room = buf_reserve(u->out, CHUNK);

		if (!room || u->out->n > u->max)
			return refuse(u, "unpacks to more than a report may be");
		z->next_out = (unsigned char *)room;
		z->avail_out = CHUNK;
		rc = inflate(z, Z_NO_FLUSH);
		buf_add(u->out, CHUNK - z->avail_out);
	}
	if (u->out->n > u->max)
		return refuse(u, "unpacks to more than a report may be");
	return rc == Z_STREAM_END || refuse(u, "damaged compressed data");
}

static bool
unpack_zlib(const struct unpack *u, struct str in, int window)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.p };
	bool good;

	if (in.n > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return refuse(u, "no memory");
	z.avail_in = (unsigned)in.n;
	good = inflate_all(u, &z);
	(void)inflateEnd(&z);
	return good;
}

/* Where the central directory's end record is, or -1. */
static ssize_t
zip_end(struct str in)
{
	size_t least = in.n > 65'557 ? in.n - 65'557 : 0;

	for (size_t at = in.n - ZIP_END; ; at--) {
		if (str_starts(str_skip(in, at), STR("PK\5\6")))
			return (ssize_t)at;
		if (at == least)
			return -1;
	}
}

/* The first file of the archive. */
static bool
unpack_zip(const struct unpack *u, struct str in)
{
	ssize_t end = in.n >= ZIP_END ? zip_end(in) : -1;
	struct str dir, local;
	size_t method, packed;

	if (end < 0)
		return refuse(u, "a zip archive without its directory");
	dir = str_skip(in, get_le32(in.p + end + 16));
	if (dir.n < ZIP_DIR || !str_starts(dir, STR("PK\1\2")))
		return refuse(u, "a zip archive with a damaged directory");
	if (get_le16(dir.p + 8) & 1)
		return refuse(u, "an encrypted zip archive");
	method = get_le16(dir.p + 10);
	packed = get_le32(dir.p + 20);
	local = str_skip(in, get_le32(dir.p + 42));
	if (local.n < ZIP_LOCAL || !str_starts(local, STR("PK\3\4")))
		return refuse(u, "a zip archive with a damaged directory");
	local = str_skip(local, (size_t)ZIP_LOCAL + get_le16(local.p + 26) +
	    get_le16(local.p + 28));
	if (packed > local.n)
		return refuse(u, "a zip archive that is cut");
	local = str_sub(local, 0, packed);
	if (method == ZIP_DEFLATED)
		return unpack_zlib(u, local, WINDOW_RAW);
	if (method != ZIP_STORED)
		return refuse(u, "a zip archive with an unknown method");
	return (local.n <= u->max && buf_put(u->out, local)) ||
	    refuse(u, "unpacks to more than a report may be");
}

static struct str
without_bom(struct str in)
{
	if (str_starts(in, STR("\xef\xbb\xbf")))
		in = str_skip(in, 3);
	while (in.n > 0 && ascii_isspace(in.p[0]))
		in = str_skip(in, 1);
	return in;
}

/* Is it a report as it is, or in one wrapping?  *known false: it is neither. */
static bool
unpack_one(const struct unpack *u, struct str in, bool *known)
{
	struct str text = without_bom(in);

	*known = true;
	if (str_starts(in, STR("\x1f\x8b")))
		return unpack_zlib(u, in, WINDOW_GZIP);
	if (str_starts(in, STR("PK\3\4")))
		return unpack_zip(u, in);
	if (str_starts(text, STR("<")) && str_find(text, STR("feedback")) >= 0)
		return (text.n <= REPORT_UNPACKED_MAX && buf_put(u->out, text)) ||
		    refuse(u, "larger than a report may be");
	*known = false;
	return refuse(u, "neither XML, gzip, zip nor a mail with one of them");
}

static bool
put_base64(struct buf *to, struct str body, struct arena *a)
{
	char *p = arena_alloc(a, body.n + 1);
	size_t n = 0;

	for (size_t i = 0; p && i < body.n; i++)
		if (!ascii_isspace(body.p[i]))
			p[n++] = body.p[i];
	return p && base64_decode(to, str_from(p, n));
}

static bool
put_qp(struct buf *to, struct str body)
{
	while (body.n > 0) {
		uint64_t v;

		if (body.p[0] != '=') {
			(void)buf_putc(to, body.p[0]);
			body = str_skip(body, 1);
		} else if (str_starts(body, STR("=\r\n"))) {
			body = str_skip(body, 3);
		} else if (str_starts(body, STR("=\n"))) {
			body = str_skip(body, 2);
		} else if (body.n > 2 && num_parse_hex(str_sub(body, 1, 2), &v)) {
			(void)buf_putc(to, (char)v);
			body = str_skip(body, 3);
		} else {
			return false;
		}
	}
	return !to->failed;
}

static bool
unpack_part(const struct unpack *u, const struct mime_part *p, struct arena *a, bool *known)
{
	struct buf plain;
	struct unpack part = *u;
	bool good = true;

	*known = false;
	buf_init(&plain, p->body.n + 16);
	if (p->encoding == CTE_BASE64)
		good = put_base64(&plain, p->body, a);
	else if (p->encoding == CTE_QP)
		good = put_qp(&plain, p->body);
	else
		good = buf_put(&plain, p->body);
	part.max = MIN(u->max, plain.n * REPORT_RATIO_MAX);
	good = good ? unpack_one(&part, buf_str(&plain), known) :
	    refuse(u, "an attachment with a damaged encoding");
	buf_done(&plain);
	return good;
}

/* Depth first: the first part that is a report. */
static bool
unpack_mail(const struct unpack *u, struct str in, struct arena *a)
{
	const struct mime_part *p = mime_parse(in, a), *up[MIME_DEPTH_MAX + 2];
	size_t depth = 0;

	while (p) {
		bool known = false;

		if (p->child && depth < COUNT(up)) {
			up[depth++] = p->next;
			p = p->child;
			continue;
		}
		if (!p->child) {
			bool good = unpack_part(u, p, a, &known);

			if (good || known)
				return good;
		}
		p = p->next;
		while (!p && depth > 0)
			p = up[--depth];
	}
	return refuse(u, "no report in it: neither XML, gzip, zip nor a mail with one of them");
}

bool
report_unpack(struct str in, struct buf *out, struct arena *a, const char **why)
{
	struct unpack u = { .out = out, .why = why, .max = REPORT_UNPACKED_MAX };
	bool known, good;

	*why = "";
	if (in.n < REPORT_UNPACKED_MAX / REPORT_RATIO_MAX)
		u.max = in.n * REPORT_RATIO_MAX;
	good = unpack_one(&u, in, &known);
	return known ? good : unpack_mail(&u, in, a);
}
