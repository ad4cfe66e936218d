/* SPDX-License-Identifier: ISC */
/*
 * header_test: fields, the streaming scanner against the parser at every cut, MIME trees.
 */
#include "mail/header.h"

#include "base/test.h"
#include "mail/mime.h"
#include "mail/msg.h"

static struct arena arena;

static void
test_fields(void **state)
{
	static const struct {
		const char *in;
		size_t n, body_at;
		bool junk;
		const char *last, *value;		/* the last field, unfolded */
	} cases[] = {
		{ "A: b\r\n\r\nbody", 1, 8, false, "A", "b" },
		{ "A: b\r\nC:\r\n d\r\n\te\r\n\r\n", 2, 20, false, "C", "d\te" },
		{ "A: b\n\nbody", 1, 6, false, "A", "b" },
		{ "\r\nbody", 0, 2, false, NULL, NULL },
		{ "", 0, 0, false, NULL, NULL },
		{ "A: b", 1, 4, false, "A", "b" },
		{ "A : b\r\n\r\n", 1, 9, false, "A", "b" },
		{ "From x Mon\r\nA: b\r\n\r\n", 1, 20, true, "A", "b" },
		{ " x: y\r\nA: b\r\n\r\n", 1, 15, true, "A", "b" },
		{ "A: b\r\nno field\r\nC: d\r\n\r\n", 1, 6, true, "A", "b" },
		{ "A: b\r\nFrom x\r\n\r\n", 1, 6, true, "A", "b" },
		{ ": b\r\n\r\n", 0, 0, true, NULL, NULL },
		{ "A: b\r\nName", 1, 6, true, "A", "b" },
		{ "A: b\r\n\r", 1, 6, true, "A", "b" },
		{ "A: b\r\n\rX: y\r\n\r\n", 1, 6, true, "A", "b" },
		{ "A\xff: b\r\n\r\n", 0, 0, true, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str in = str_of(cases[i].in);
		struct header h;

		T_CASE(cases[i].in);
		t_true(header_parse(in, &arena, 0, &h));
		t_int(h.n, cases[i].n);
		t_int(h.body_at, cases[i].body_at);
		t_true(h.junk == cases[i].junk);
		if (h.n > 0) {
			t_str(h.field[h.n - 1].name, cases[i].last);
			t_str(field_unfold(&h.field[h.n - 1], &arena), cases[i].value);
		}
		for (size_t cut = 0; cut <= in.n; cut++) {
			struct header_scan s = {};
			size_t used = header_scan_feed(&s, str_sub(in, 0, cut));

			used += header_scan_feed(&s, str_skip(in, used));
			header_scan_end(&s);
			t_int(s.fields, cases[i].n);
			t_true(s.junk == cases[i].junk);
			t_int(s.size, used);
			if (!s.junk)
				t_int(used, cases[i].body_at);
		}
	}
	arena_reset(&arena);
}

static void
test_scan_counts(void **state)
{
	struct header_scan s = {};
	struct header h;
	struct str in = STR("received: a\r\nReceived: b\r\nFROM: x\r\nX-A-Very-Long-Field-Name-"
			    "Indeed-It-Is: 1\r\nmessage-id: \xc3\xa4\r\n\r\nFrom: no\r\n");

	(void)state;
	T_CASE("counts");
	header_scan_feed(&s, in);
	t_int(s.count[HDR_RECEIVED], 2);
	t_int(s.count[HDR_FROM], 1);
	t_int(s.count[HDR_MESSAGE_ID], 1);
	t_int(s.count[HDR_OTHER], 1);
	t_int(s.fields, 5);
	t_true(s.done && s.eight_bit && !s.junk);
	t_true(header_parse(in, &arena, 3, &h));
	t_true(h.cut && h.n == 3);
	t_int(header_count(&h, STR("RECEIVED")), 2);
	t_str(header_find(&h, STR("received"), 1)->value, " b");
	t_true(header_find(&h, STR("Received"), 2) == NULL);
	arena_reset(&arena);
}

static void
test_types(void **state)
{
	static const struct {
		const char *in, *type, *subtype, *name, *value;
		bool valid;
	} cases[] = {
		{ "text/plain; charset=us-ascii (Plain text)", "text", "plain", "charset",
		  "us-ascii", true },						/* RFC 2045 5.1 */
		{ "TEXT/Plain;charset=\"us-ascii\"", "text", "plain", "CharSet", "us-ascii", true },
		{ "message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n"
		  " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"", "message",
		  "external-body", "url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar",
		  true },							/* RFC 2231 3 */
		{ "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
		  "application", "x-stuff", "title", "This is ***fun***", true },	/* 4 */
		{ "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
		  " title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"", "application",
		  "x-stuff", "title", "This is even more ***fun*** isn't it!", true },	/* 4.1 */
		{ "text", "text", "", NULL, NULL, false },
		{ "text/plain; a=\"b\\\"c;d\"; a=2", "text", "plain", "a", "b\"c;d", true },
		{ "text/plain; a=\"open", "text", "plain", "a", "open", true },
		{ "(c) text (d) / (e) plain (f) ; (g) a (h) = (i) b (j)", "text", "plain", "a", "b",
		  true },
		{ "a/b; x*; y*; z*; x=1", "a", "b", "x", "1", true },
		{ "", "", "", NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mime_type t;

		T_CASE(cases[i].in);
		t_true(mime_type_parse(str_of(cases[i].in), &arena, &t));
		t_str(t.type, cases[i].type);
		t_str(t.subtype, cases[i].subtype);
		t_true(t.valid == cases[i].valid);
		if (cases[i].name != NULL)
			t_str(mime_param(&t, str_of(cases[i].name)), cases[i].value);
	}
	arena_reset(&arena);
}

static void
test_tree(void **state)
{
	struct mime_part *m = mime_parse(STR(
		"Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n\r\none\r\n"
		"--a\r\nContent-Type: multipart/alternative; boundary=\"a b\"\r\n\r\n"
		"--a b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--a b--\r\nepilogue\r\n"
		"--a \r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nthree\r\n"
		"--a--\r\n--a\r\n\r\nnot a part\r\n"), &arena);
	struct mime_part *p;

	(void)state;
	T_CASE("tree");
	p = m->child;
	t_str(p->body, "one");
	p = p->next;
	t_str(p->type.subtype, "alternative");
	t_str(p->child->body, "two");
	t_str(p->child->type.subtype, "html");
	t_true(p->child->next == NULL);
	p = p->next;
	t_str(p->type.subtype, "rfc822");
	t_str(p->child->body, "three");
	t_true(p->next == NULL);
	T_CASE("deep");
	static char deep[64 * 200];
	size_t n = 0;

	for (unsigned i = 0; i < 200; i++)
		n += (size_t)snprintf(deep + n, sizeof deep - n, "Content-Type: multipart/mixed; "
				      "boundary=%u\n\n--%u\n", i, i);
	m = mime_parse(str_from(deep, n), &arena);
	unsigned depth = 0;

	for (p = m; p != NULL; p = p->child)
		depth = p->depth;
	t_int(depth, MIME_DEPTH_MAX);
	arena_reset(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_scan_counts),
		cmocka_unit_test(test_types), cmocka_unit_test(test_tree),
	};

	arena_init(&arena, 1 << 24);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
