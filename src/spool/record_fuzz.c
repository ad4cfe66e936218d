/* SPDX-License-Identifier: ISC */
/*
 * record_fuzz: bytes as file heads, records and payloads.
 *
 * Found bytes rarely have a right checksum, so the second half lays the input as meta of a record
 * that has one, and decodes that.  What decodes must encode again to something that decodes the
 * same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "spool/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct rec_place place = { 7, 0x1234567890, 4096 };

static void
same_again(const struct spool_msg *m, struct arena *a)
{
	size_t len = msg_encoded_len(&m->env);
	char *p = malloc(rec_size(len, 0));
	struct spool_rec rec = { .type = REC_MSG, .version = 1, .id = m->id, .meta.n = len };
	struct spool_msg again;
	size_t need;

	assert(p);
	rec_put(p, &rec);
	msg_encode(p + SPOOL_HEAD, &m->env, &m->ref);
	rec_stamp(p, place);
	assert(rec_get(str_from(p, rec_len(p)), place, &rec, &need) == REC_VALID);
	assert(msg_decode(&rec, a, &again));
	assert(again.env.nrcpt == m->env.nrcpt && str_eq(again.env.sender, m->env.sender));
	assert(again.ref.big_len == m->ref.big_len && again.env.body == m->env.body);
	for (size_t i = 0; i < m->env.nrcpt; i++)
		assert(str_eq(again.env.rcpt[i].addr, m->env.rcpt[i].addr));
	free(p);
}

static void
as_meta(struct str in)
{
	char *p = malloc(rec_size(in.n, 0));
	struct spool_rec rec = { .type = REC_MSG, .version = 1, .meta.n = in.n };
	struct spool_seal seal;
	struct spool_msg m;
	struct arena a;
	size_t need;

	assert(p);
	arena_init(&a, 4 << 20);
	rec_put(p, &rec);
	memcpy(p + SPOOL_HEAD, in.p, in.n);
	rec_stamp(p, place);
	assert(rec_get(str_from(p, rec_len(p)), place, &rec, &need) == REC_VALID);
	if (msg_decode(&rec, &a, &m))
		same_again(&m, &a);
	rec.type = REC_SEAL;
	(void)seal_decode(&rec, &seal);
	arena_done(&a);
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from(p, n);
	struct spool_head head;
	struct spool_rec rec;
	size_t need;

	if (n > SPOOL_META_MAX)
		return 0;
	(void)spool_head_get(in, &head);
	if (rec_get(in, place, &rec, &need) == REC_VALID)
		assert(need <= n && rec.meta.n + rec.data.n + SPOOL_HEAD <= need);
	as_meta(in);
	return 0;
}
