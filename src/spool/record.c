/* SPDX-License-Identifier: ISC */
/*
 * record: file heads, record framing and the payloads the spool itself knows.
 *
 * doc/format/spool.md is the description; change both or neither.  All numbers are little-endian.
 * A payload version is added beside the old ones, never in place of them.
 */
#include "spool/record.h"

#include <string.h>

#include "base/crc.h"
#include "base/num.h"

static const char head_magic[8] = { 'P', 'S', 'T', 'N', 'S', 'P', 'L', '\n' };

enum { REC_MAGIC = 0x31725350, HEAD_CRC_AT = 60 };	/* "PSr1" */

void
spool_head_put(const struct spool_head *h, char out[SPOOL_FILE_HEAD])
{
	memset(out, 0, SPOOL_FILE_HEAD);
	memcpy(out, head_magic, sizeof head_magic);
	put_le16(out + 8, SPOOL_FORMAT);
	put_le16(out + 10, (uint16_t)h->kind);
	put_le32(out + 12, h->clean ? 1 : 0);
	put_le64(out + 16, h->n);
	put_le64(out + 24, h->gen);
	put_le64(out + 32, h->size);
	put_le64(out + 40, (uint64_t)h->epoch_ms);
	put_le32(out + HEAD_CRC_AT, crc32c(0, out, HEAD_CRC_AT));
}

bool
spool_head_get(struct str b, struct spool_head *out)
{
	uint16_t kind;

	if (b.n < SPOOL_FILE_HEAD || memcmp(b.p, head_magic, sizeof head_magic) != 0 ||
	    get_le16(b.p + 8) != SPOOL_FORMAT ||
	    get_le32(b.p + HEAD_CRC_AT) != crc32c(0, b.p, HEAD_CRC_AT))
		return false;
	kind = get_le16(b.p + 10);
	if (kind < SPOOL_SEGMENT || kind > SPOOL_JOURNAL)
		return false;
	*out = (struct spool_head){
		.kind = (enum spool_kind)kind, .clean = (get_le32(b.p + 12) & 1) != 0,
		.n = get_le64(b.p + 16), .gen = get_le64(b.p + 24), .size = get_le64(b.p + 32),
		.epoch_ms = (int64_t)get_le64(b.p + 40),
	};
	return true;
}

size_t
rec_size(size_t meta, size_t data)
{
	return num_round_up(SPOOL_HEAD + meta + data, 8);
}

void
rec_put(char *p, const struct spool_rec *r)
{
	size_t used = SPOOL_HEAD + r->meta.n + r->data.n;

	put_le32(p, REC_MAGIC);
	p[4] = (char)r->type;
	p[5] = (char)r->version;
	put_le16(p + 6, r->sub);
	put_le32(p + 8, (uint32_t)r->meta.n);
	put_le32(p + 12, (uint32_t)r->data.n);
	memset(p + 16, 0, 24);
	put_le64(p + 40, r->id);
	put_le32(p + 48, r->data_crc);
	memset(p + used, 0, rec_size(r->meta.n, r->data.n) - used);
}

uint32_t
rec_len(const char *p)
{
	return (uint32_t)rec_size(get_le32(p + 8), get_le32(p + 12));
}

static uint32_t
rec_crc(const char *p)
{
	return crc32c(crc32c(0, p, 52), p + SPOOL_HEAD, get_le32(p + 8));
}

void
rec_stamp(char *p, struct rec_place at)
{
	put_le64(p + 16, at.gen);
	put_le64(p + 24, at.n);
	put_le64(p + 32, at.offset);
	put_le32(p + 52, rec_crc(p));
}

enum rec_get
rec_get(struct str b, struct rec_place at, struct spool_rec *out, size_t *need)
{
	uint32_t meta, data;

	*need = SPOOL_HEAD;
	if (b.n < SPOOL_HEAD)
		return REC_SHORT;
	meta = get_le32(b.p + 8);
	data = get_le32(b.p + 12);
	if (get_le32(b.p) != REC_MAGIC || get_le64(b.p + 16) != at.gen ||
	    get_le64(b.p + 24) != at.n || get_le64(b.p + 32) != at.offset ||
	    meta > SPOOL_META_MAX || data > SPOOL_DATA_MAX)
		return REC_INVALID;
	*need = rec_size(meta, data);
	if (b.n < *need)
		return REC_SHORT;
	if (get_le32(b.p + 52) != rec_crc(b.p))
		return REC_INVALID;
	*out = (struct spool_rec){
		.type = (enum rec_type)(uint8_t)b.p[4], .version = (uint8_t)b.p[5],
		.sub = get_le16(b.p + 6), .gen = at.gen, .n = at.n, .offset = at.offset,
		.id = get_le64(b.p + 40), .len = (uint32_t)*need, .data_crc = get_le32(b.p + 48),
		.meta = str_sub(b, SPOOL_HEAD, meta), .data = str_sub(b, SPOOL_HEAD + meta, data),
	};
	if (out->type != REC_PAD && crc32c(0, out->data.p, out->data.n) != out->data_crc)
		return REC_INVALID;
	return REC_VALID;
}

void
seal_encode(const struct spool_seal *s, char out[24])
{
	put_le64(out, s->n);
	put_le64(out + 8, s->gen);
	put_le64(out + 16, s->at);
}

bool
seal_decode(const struct spool_rec *rec, struct spool_seal *out)
{
	if (rec->type != REC_SEAL || rec->version != 1 || rec->meta.n != 24)
		return false;
	*out = (struct spool_seal){
		.n = get_le64(rec->meta.p), .gen = get_le64(rec->meta.p + 8),
		.at = get_le64(rec->meta.p + 16),
	};
	return true;
}
