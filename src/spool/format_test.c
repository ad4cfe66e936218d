/* SPDX-License-Identifier: ISC */
/*
 * format_test: test/data/spool-v1 is a spool as version 1 wrote it; it must read the same for ever.
 *
 * `test-spool-format --write DIR` makes such a directory from what stands below; it was run once.
 * When the format changes, a new directory with a new number is made, and this one stays.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/test.h"
#include "rt/disk.h"
#include "spool/batch.h"
#include "spool/check.h"
#include "spool/journal_int.h"
#include "spool/reader.h"

#ifndef DATA_DIR
#define DATA_DIR "test/data"
#endif

enum { SEGMENT = 16 << 10, BIG = 12 << 10, JOURNAL = 12 << 10, BIG_LEN = 5000 };

#define GEN_A UINT64_C(0x00000001a1b2c3d4)
#define GEN_B UINT64_C(0x00000002b1b2b3b4)
#define GEN_BIG UINT64_C(0x00000003c1c2c3c4)
#define GEN_J UINT64_C(0x00000004d1d2d3d4)

static struct spool_rcpt one[] = { { .addr = STR_INIT("bob@example.test"), .flags = 2 } };
static struct spool_rcpt two[] = {
	{ .addr = STR_INIT("carol@example.org"), .notify = 6,
	  .orcpt = STR_INIT("rfc822;carol@example.org") },
	{ .addr = STR_INIT("dave@example.net"), .flags = 0x80000000 },
};

static const struct message {
	uint64_t id;
	struct spool_env env;
	const char *data;
	struct content_ref big;
} messages[] = {
	{ 0x0123456789abcdef,
	  { .sender = STR_INIT("alice@example.test"), .received_ms = 1'800'000'000'000,
	    .peer = { .b = { 192, 0, 2, 7 } }, .peer_port = 40000,
	    .helo = STR_INIT("pc.example.test"),
	    .listener = STR_INIT("mx"), .listener_kind = 1, .with = STR_INIT("ESMTP"), .rcpt = one,
	    .nrcpt = 1, .rule = STR_INIT("own domain") },
	  "Subject: one\r\n\r\nfirst\r\n", {} },
	{ 0x0123456789abcdf0,
	  { .null_sender = true, .requiretls = true, .smtputf8 = true, .body = SPOOL_8BITMIME,
	    .ret = 1, .received_ms = 1'800'000'000'500, .flags = 5,
	    .peer = { .b = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, .v6 = true },
	    .envid = STR_INIT("QQ1"), .auth_id = STR_INIT("carol"), .token = STR_INIT("\1\2\0\3"),
	    .auth_param = STR_INIT("<>"), .peer_name = STR_INIT("mail.example.org"),
	    .why = STR_INIT("granted"), .rcpt = two, .nrcpt = 2 },
	  "Received: by x\r\n",
	  { .big_n = 3, .big_gen = GEN_BIG, .big_len = BIG_LEN } },
	{ 0x0123456789abcdf1, { .rcpt = one, .nrcpt = 1 }, "", {} },
};

static void
big_content(char out[BIG_LEN])
{
	for (unsigned i = 0; i < BIG_LEN; i++)
		out[i] = "0123456789abcdef\r\n"[i % 18];
}

/* Making it. */

static void
put_message(struct batch *b, const struct message *m)
{
	static char big[BIG_LEN];
	struct content_ref ref = m->big;
	struct str data = str_of(m->data);
	struct spool_rec r = { .type = REC_MSG, .version = 1, .id = m->id, .data = data,
		.meta.n = msg_encoded_len(&m->env), .data_crc = crc32c(0, data.p, data.n) };
	char *p = batch_add(b, &r);

	big_content(big);
	ref.big_crc = ref.big_len ? crc32c(0, big, BIG_LEN) : 0;
	msg_encode(p + SPOOL_HEAD, &m->env, &ref);
	memcpy(p + SPOOL_HEAD + r.meta.n, data.p, data.n);
}

static void
put_meta(struct batch *b, struct spool_rec r)
{
	char *p = batch_add(b, &r);

	memcpy(p + SPOOL_HEAD, r.meta.p, r.meta.n);
}

static void
write_file(int dir, const char *name, const struct spool_head *h, struct str body)
{
	static const char zeros[SEGMENT];
	char head[SPOOL_FILE_HEAD];
	int fd = disk_openat(dir, name, O_RDWR | O_CREAT | O_EXCL, 0644);

	t_true(fd >= 0);
	spool_head_put(h, head);
	t_int(disk_pwrite(fd, zeros, (size_t)h->size, 0), 0);
	t_int(disk_pwrite(fd, head, sizeof head, 0), 0);
	t_int(disk_pwrite(fd, body.p, body.n, SPOOL_BLOCK), 0);
	t_int(disk_close(fd), 0);
}

static void
write_batch(int dir, const char *name, const struct spool_head *h, struct batch *b)
{
	batch_finish(b, (struct rec_place){ h->n, h->gen, SPOOL_BLOCK });
	write_file(dir, name, h, str_from(b->p, b->n));
	batch_done(b);
}

static int
write_sample(const char *path)
{
	static char big[BIG_LEN];
	struct spool_seal seal = { 1, GEN_A, 2 * SPOOL_BLOCK };
	struct batch b = {};
	char bytes[24];
	int dir;

	t_case_name = "write";
	(void)mkdir(path, 0755);
	dir = disk_opendir(path);
	t_true(dir >= 0 && disk_mkdirat(dir, "log", 0755) == 0 &&
	    disk_mkdirat(dir, "big", 0755) == 0 && disk_mkdirat(dir, "journal", 0755) == 0);
	put_message(&b, &messages[0]);
	put_message(&b, &messages[1]);
	write_batch(dir, "log/1.log", &(struct spool_head){ .kind = SPOOL_SEGMENT, .n = 1,
		.gen = GEN_A, .size = SEGMENT, .epoch_ms = 1'799'999'999'999 }, &b);
	seal_encode(&seal, bytes);
	put_meta(&b, (struct spool_rec){ .type = REC_SEAL, .version = 1, .meta = { bytes, 24 } });
	put_message(&b, &messages[2]);
	write_batch(dir, "log/2.log", &(struct spool_head){ .kind = SPOOL_SEGMENT, .n = 2,
		.gen = GEN_B, .size = SEGMENT }, &b);
	big_content(big);
	write_file(dir, "big/3.msg", &(struct spool_head){ .kind = SPOOL_BIG, .n = 3,
		.gen = GEN_BIG, .size = BIG, .clean = true }, str_from(big, BIG_LEN));
	put_le64(bytes, 9);
	for (uint16_t sub = CHECKPOINT_BEGIN; sub <= CHECKPOINT_END; sub++) {
		put_meta(&b, (struct spool_rec){ .type = REC_CHECKPOINT, .version = 1, .sub = sub,
			.meta = { bytes, 8 } });
		put_meta(&b, (struct spool_rec){ .type = REC_ENTRY, .version = 1,
			.sub = (uint16_t)(7 + sub), .id = messages[0].id, .meta = STR("payload") });
	}
	write_batch(dir, "journal/4.log", &(struct spool_head){ .kind = SPOOL_JOURNAL, .n = 4,
		.gen = GEN_J, .size = JOURNAL }, &b);
	return disk_close(dir);
}

/* Reading it. */

static int dir;
static struct spool_reader *sr;

static int
up(void **state)
{
	(void)state;
	dir = disk_opendir(DATA_DIR "/spool-v1");
	sr = dir < 0 ? NULL : sr_new(dir, 4);
	return sr == NULL;
}

static int
down(void **state)
{
	(void)state;
	sr_free(sr);
	return disk_close(dir);
}

struct seen {
	uint64_t id[4];
	uint64_t at[4];
	size_t n;
};

static bool
on_rec(void *ctx, const struct spool_rec *rec)
{
	struct seen *s = ctx;

	if (rec->type == REC_MSG && s->n < 4) {
		s->id[s->n] = rec->id;
		s->at[s->n++] = rec->offset;
	}
	return true;
}

static void
check_message(struct rec_place at, const struct message *want)
{
	struct spool_msg m;
	struct arena a;
	struct str content;

	arena_init(&a, 1 << 20);
	t_int(sr_message(sr, at, &a, &m), SR_OK);
	t_int(m.id, want->id);
	t_streq(m.env.sender, want->env.sender);
	t_streq(m.env.envid, want->env.envid);
	t_streq(m.env.helo, want->env.helo);
	t_streq(m.env.peer_name, want->env.peer_name);
	t_streq(m.env.listener, want->env.listener);
	t_streq(m.env.with, want->env.with);
	t_streq(m.env.auth_id, want->env.auth_id);
	t_streq(m.env.auth_param, want->env.auth_param);
	t_streq(m.env.token, want->env.token);
	t_streq(m.env.rule, want->env.rule);
	t_streq(m.env.why, want->env.why);
	t_true(ip_eq(m.env.peer, want->env.peer) && m.env.peer_port == want->env.peer_port);
	t_true(m.env.null_sender == want->env.null_sender &&
	    m.env.smtputf8 == want->env.smtputf8 && m.env.requiretls == want->env.requiretls &&
	    m.env.ret == want->env.ret && m.env.body == want->env.body &&
	    m.env.flags == want->env.flags && m.env.listener_kind == want->env.listener_kind &&
	    m.env.received_ms == want->env.received_ms);
	t_int(m.env.nrcpt, want->env.nrcpt);
	for (size_t i = 0; i < m.env.nrcpt; i++) {
		t_streq(m.env.rcpt[i].addr, want->env.rcpt[i].addr);
		t_streq(m.env.rcpt[i].orcpt, want->env.rcpt[i].orcpt);
		t_int(m.env.rcpt[i].flags, want->env.rcpt[i].flags);
		t_int(m.env.rcpt[i].notify, want->env.rcpt[i].notify);
	}
	t_int(content_len(&m.ref), strlen(want->data) + want->big.big_len);
	t_int(sr_verify(sr, &m.ref), SR_OK);
	t_int(sr_whole(sr, &m.ref, &a, &content), SR_OK);
	t_true(str_starts(content, str_of(want->data)));
	arena_done(&a);
}

static void
segments(void **state)
{
	struct seen s = {};
	struct sr_scan scan = { .segno = 1, .gen = GEN_A, .to = UINT64_MAX, .on_rec = on_rec,
		.ctx = &s };

	(void)state;
	t_int(sr_scan(sr, &scan), SR_OK);
	t_int(s.n, 2);
	check_message((struct rec_place){ 1, GEN_A, s.at[0] }, &messages[0]);
	check_message((struct rec_place){ 1, GEN_A, s.at[1] }, &messages[1]);
	scan.segno = 2;
	scan.gen = GEN_B;
	t_int(sr_scan(sr, &scan), SR_OK);
	t_int(s.n, 3);
	check_message((struct rec_place){ 2, GEN_B, s.at[2] }, &messages[2]);
	scan.gen = GEN_A;
	t_int(sr_scan(sr, &scan), SR_GONE);
}

static void
on_seal(void *ctx, const struct spool_seal *seal)
{
	*(struct spool_seal *)ctx = *seal;
}

static void
seals(void **state)
{
	struct spool_head h = { .kind = SPOOL_SEGMENT, .n = 2, .gen = GEN_B };
	struct spool_seal seal = {};

	(void)state;
	t_int(sr_seals(sr, &h, on_seal, &seal), SR_OK);
	t_int(seal.n, 1);
	t_int(seal.gen, GEN_A);
	t_int(seal.at, 2 * SPOOL_BLOCK);
}

static void
pieces(void **state)
{
	static char big[BIG_LEN];
	struct spool_msg m;
	struct arena a;
	struct seen s = {};
	struct sr_scan scan = { .segno = 1, .gen = GEN_A, .to = UINT64_MAX, .on_rec = on_rec,
		.ctx = &s };
	char got[100];

	(void)state;
	arena_init(&a, 1 << 20);
	big_content(big);
	t_int(sr_scan(sr, &scan), SR_OK);
	t_int(sr_message(sr, (struct rec_place){ 1, GEN_A, s.at[1] }, &a, &m), SR_OK);
	t_int(sr_content(sr, &m.ref, 10, (struct sr_bytes){ got, 100 }), SR_OK);
	t_true(memcmp(got, "by x\r\n", 6) == 0);
	t_true(memcmp(got + 6, big, 94) == 0);
	t_int(sr_content(sr, &m.ref, 16 + BIG_LEN - 99, (struct sr_bytes){ got, 100 }), SR_DAMAGED);
	m.ref.big_gen++;
	t_int(sr_content(sr, &m.ref, 10, (struct sr_bytes){ got, 100 }), SR_GONE);
	t_int(sr_verify(sr, &m.ref), SR_GONE);
	arena_done(&a);
}

static void
on_entry(void *ctx, const struct journal_entry *e)
{
	unsigned *n = ctx;

	t_int(e->sub, 7 + *n);
	t_int(e->id, messages[0].id);
	t_str(e->payload, "payload");
	++*n;
}

static void
journal(void **state)
{
	struct journal *j = jr_new(dir, &(struct journal_ops){}, NULL, NULL);
	unsigned n = 0;

	(void)state;
	t_true(j != NULL);
	t_int(jr_replay(j, on_entry, &n), SPOOL_OK);
	t_int(n, 2);
	jr_free(j);
}

static void
checked(void **state)
{
	struct spool_check c;
	struct buf json;

	(void)state;
	buf_init(&json, 1 << 20);
	t_true(spool_check(dir, &c, &json));
	t_int(c.damaged, 0);
	t_int(c.files, 4);
	t_int(c.messages, 3);
	t_int(c.journal_entries, 2);
	t_true(c.journal_usable);
	t_true(str_find(buf_str(&json), STR("\"ok\": true")) >= 0);
	buf_done(&json);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),
		cmocka_unit_test(seals),
		cmocka_unit_test(pieces),
		cmocka_unit_test(journal),
		cmocka_unit_test(checked),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_sample(argv[2]);
	return cmocka_run_group_tests(tests, up, down);
}
