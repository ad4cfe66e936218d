/* SPDX-License-Identifier: ISC */
/*
 * record_test: heads, records and message payloads, there and back, and refused when anything is
 * not as it was written: another life, place, file, or any flipped bit.
 */
#include "spool/record.h"

#include "base/crc.h"
#include "base/test.h"

static const struct rec_place place = { 3, 0x500000007, 8192 };

static struct spool_rcpt rcpts[] = {
	{ .addr = STR_INIT("bob@example.test"), .flags = 7, .notify = 3 },
	{ .addr = STR_INIT("\"odd one\"@example.test"), .orcpt = STR_INIT("rfc822;bob+2B@x") },
};

static const struct spool_env env = {
	.sender = STR_INIT("alice@example.org"), .smtputf8 = true, .ret = 2, .listener_kind = 1,
	.body = SPOOL_8BITMIME, .flags = 0x80000001, .received_ms = 1'700'000'000'123,
	.peer = { .b = { 192, 0, 2, 1 } }, .peer_port = 1025, .envid = STR_INIT("QQ314"),
	.helo = STR_INIT("client.example.org"), .listener = STR_INIT("mx"),
	.with = STR_INIT("ESMTPS"), .auth_id = STR_INIT("alice"), .token = STR_INIT("\0\1\2"),
	.rule = STR_INIT("grant 3"), .rcpt = rcpts, .nrcpt = COUNT(rcpts),
};

static const struct content_ref big = {
	.big_n = 12, .big_gen = 99, .big_len = 1 << 20, .big_crc = 0xfeedbeef };

/* A whole record in p; answers its length. */
static size_t
build(char *p, struct str data)
{
	struct spool_rec r = {
		.type = REC_MSG, .version = 1, .id = 4711, .meta.n = msg_encoded_len(&env),
		.data = data, .data_crc = crc32c(0, data.p, data.n),
	};

	rec_put(p, &r);
	msg_encode(p + SPOOL_HEAD, &env, &big);
	memcpy(p + SPOOL_HEAD + r.meta.n, data.p, data.n);
	rec_stamp(p, place);
	return rec_len(p);
}

static void
head_there_and_back(void **state)
{
	struct spool_head in = { .kind = SPOOL_JOURNAL, .n = 5, .gen = 77, .size = 1 << 20,
		.epoch_ms = 1'700'000'000'000, .clean = true }, out;
	char b[SPOOL_FILE_HEAD];

	(void)state;
	spool_head_put(&in, b);
	t_true(spool_head_get(str_from(b, sizeof b), &out));
	t_int(out.kind, in.kind);
	t_int(out.n, in.n);
	t_int(out.gen, in.gen);
	t_int(out.size, in.size);
	t_int(out.epoch_ms, in.epoch_ms);
	t_true(out.clean);
	for (size_t bit = 0; bit < 8 * sizeof b; bit++) {
		b[bit / 8] = (char)(b[bit / 8] ^ (1 << bit % 8));
		t_false(spool_head_get(str_from(b, sizeof b), &out));
		b[bit / 8] = (char)(b[bit / 8] ^ (1 << bit % 8));
	}
	t_false(spool_head_get(str_from(b, sizeof b - 1), &out));
}

static void
check_env(const struct spool_env *got)
{
	t_streq(got->sender, env.sender);
	t_streq(got->envid, env.envid);
	t_streq(got->helo, env.helo);
	t_streq(got->peer_name, STR(""));
	t_streq(got->with, env.with);
	t_streq(got->auth_id, env.auth_id);
	t_streq(got->token, env.token);
	t_streq(got->rule, env.rule);
	t_true(got->smtputf8 && !got->requiretls && !got->null_sender);
	t_int(got->ret, 2);
	t_int(got->body, SPOOL_8BITMIME);
	t_int(got->flags, env.flags);
	t_int(got->received_ms, env.received_ms);
	t_true(ip_eq(got->peer, env.peer));
	t_int(got->peer_port, 1025);
	t_int(got->nrcpt, 2);
	t_streq(got->rcpt[0].addr, rcpts[0].addr);
	t_int(got->rcpt[0].flags, 7);
	t_int(got->rcpt[0].notify, 3);
	t_streq(got->rcpt[1].addr, rcpts[1].addr);
	t_streq(got->rcpt[1].orcpt, rcpts[1].orcpt);
}

static void
message_there_and_back(void **state)
{
	static char p[2048];
	size_t n = build(p, STR("Subject: hi\r\n\r\nhello\r\n")), need;
	struct spool_rec rec;
	struct spool_msg m;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	t_int(rec_get(str_from(p, n), place, &rec, &need), REC_VALID);
	t_int(need, n);
	t_int(n % 8, 0);
	t_str(rec.data, "Subject: hi\r\n\r\nhello\r\n");
	t_true(msg_decode(&rec, &a, &m));
	t_int(m.id, 4711);
	check_env(&m.env);
	t_int(m.ref.segno, place.n);
	t_int(m.ref.offset, place.offset);
	t_int(m.ref.record_len, n);
	t_int(m.ref.big_gen, 99);
	t_int(content_len(&m.ref), 22 + (1 << 20));
	t_str(str_from(p + m.ref.data_off, m.ref.data_len), "Subject: hi\r\n\r\nhello\r\n");
	rec.version = 2;			/* of the future */
	t_false(msg_decode(&rec, &a, &m));
	arena_done(&a);
}

static void
elsewhere_is_invalid(void **state)
{
	static const struct { const char *name; struct rec_place at; } cases[] = {
		{ "another file", { 4, 0x500000007, 8192 } },
		{ "another life", { 3, 0x500000008, 8192 } },
		{ "another place", { 3, 0x500000007, 12288 } },
	};
	struct spool_rec rec;
	static char p[2048];
	size_t n = build(p, STR("x")), need;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].name);
		t_int(rec_get(str_from(p, n), cases[i].at, &rec, &need), REC_INVALID);
	}
}

static void
every_bit_counts(void **state)
{
	struct spool_rec rec;
	static char p[2048];
	size_t n = build(p, STR("some content")), need, used;

	(void)state;
	used = SPOOL_HEAD + msg_encoded_len(&env) + 12;
	for (size_t bit = 0; bit < 8 * used; bit++) {
		p[bit / 8] = (char)(p[bit / 8] ^ (1 << bit % 8));
		t_true(rec_get(str_from(p, n), place, &rec, &need) != REC_VALID);
		p[bit / 8] = (char)(p[bit / 8] ^ (1 << bit % 8));
	}
	for (size_t cut = 0; cut < n; cut++)
		t_int(rec_get(str_from(p, cut), place, &rec, &need), REC_SHORT);
}

static void
seal_there_and_back(void **state)
{
	struct spool_seal in = { 1, 2, 3 }, out;
	char b[24];
	struct spool_rec rec = { .type = REC_SEAL, .version = 1, .meta = { b, sizeof b } };

	(void)state;
	seal_encode(&in, b);
	t_true(seal_decode(&rec, &out));
	t_int(out.n, 1);
	t_int(out.gen, 2);
	t_int(out.at, 3);
	rec.meta.n--;
	t_false(seal_decode(&rec, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_there_and_back),
		cmocka_unit_test(message_there_and_back),
		cmocka_unit_test(elsewhere_is_invalid),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(seal_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
