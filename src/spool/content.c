/* SPDX-License-Identifier: ISC */
/*
 * content: message content, from the record and from its big file, as one run of bytes.
 *
 * sr_content gives pieces without their checksum (a piece has none): who cannot take back what he
 * passes on calls sr_verify first.  sr_whole is both at once for what fits.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "rt/co.h"
#include "spool/files.h"
#include "spool/reader_int.h"

/* n bytes at `at` of a file in the life gen.  suspends */
static enum sr
piece(struct spool_reader *sr, const struct spool_head *life, struct sr_call c)
{
	struct sr_fd *f = sr_pin(sr, life->kind, life->n);
	enum sr res;
	ssize_t got;

	if (!f)
		return SR_GONE;
	got = sr_read(f, c);
	res = got < 0 ? SR_IO : sr_life(f, life->gen);
	if (res == SR_OK && (size_t)got != c.n)
		res = SR_DAMAGED;
	sr_unpin(f);
	return res;
}

static struct spool_head
segment_of(const struct content_ref *r)
{
	return (struct spool_head){ .kind = SPOOL_SEGMENT, .n = r->segno, .gen = r->gen };
}

static struct spool_head
big_of(const struct content_ref *r)
{
	return (struct spool_head){ .kind = SPOOL_BIG, .n = r->big_n, .gen = r->big_gen };
}

enum sr
sr_content(struct spool_reader *sr, const struct content_ref *ref, uint64_t off, struct sr_bytes to)
{
	if (off > content_len(ref) || to.n > content_len(ref) - off)
		return SR_DAMAGED;
	if (off < ref->data_len && to.n) {
		struct spool_head life = segment_of(ref);
		size_t n = (size_t)MIN((uint64_t)to.n, ref->data_len - off);
		enum sr res = piece(sr, &life, (struct sr_call){
			.p = to.p, .n = n, .at = ref->offset + ref->data_off + off });

		if (res != SR_OK)
			return res;
		to.p += n;
		to.n -= n;
		off += n;
	}
	if (to.n) {
		struct spool_head life = big_of(ref);

		return piece(sr, &life, (struct sr_call){
			.p = to.p, .n = to.n, .at = SPOOL_BLOCK + off - ref->data_len });
	}
	return SR_OK;
}

/* Checksum of content bytes [off, off + n).  suspends */
static enum sr
checksum(struct spool_reader *sr, const struct content_ref *ref, uint64_t off, struct sr_sum *sum)
{
	char *p = sr_block_get(sr, SR_BLOCK);
	enum sr res = SR_OK;

	while (sum->n && res == SR_OK) {
		size_t n = (size_t)MIN(sum->n, (uint64_t)SR_BLOCK);

		res = sr_content(sr, ref, off, (struct sr_bytes){ p, n });
		if (res != SR_OK)
			break;
		sum->crc = crc32c(sum->crc, p, n);
		off += n;
		sum->n -= n;
		if (co_self())
			co_worked(n);
	}
	sr_block_put(sr, p, SR_BLOCK);
	return res;
}

enum sr
sr_verify(struct spool_reader *sr, const struct content_ref *ref)
{
	struct sr_sum data = { .n = ref->data_len }, big = { .n = ref->big_len };
	enum sr res = checksum(sr, ref, 0, &data);

	if (res == SR_OK && data.crc != ref->data_crc)
		res = SR_DAMAGED;
	if (res == SR_OK)
		res = checksum(sr, ref, ref->data_len, &big);
	if (res == SR_OK && big.crc != ref->big_crc)
		res = SR_DAMAGED;
	return res;
}

enum sr
sr_whole(struct spool_reader *sr, const struct content_ref *ref, struct arena *a, struct str *out)
{
	size_t n = (size_t)content_len(ref);
	char *p = arena_alloc(a, n + 1);
	enum sr res;

	*out = (struct str){};
	if (!p)
		return SR_IO;
	res = sr_content(sr, ref, 0, (struct sr_bytes){ p, n });
	if (res != SR_OK)
		return res;
	if (crc32c(0, p, ref->data_len) != ref->data_crc ||
	    crc32c(0, p + ref->data_len, (size_t)ref->big_len) != ref->big_crc)
		return SR_DAMAGED;
	*out = (struct str){ p, n };
	return SR_OK;
}

enum sr
sr_list(struct spool_reader *sr, enum spool_kind kind, const struct sr_list *list)
{
	struct file_list l = { .kind = kind };

	if (sr->dir[kind] < 0 || file_list(sr->dir[kind], &l) < 0) {
		free(l.p);
		return SR_IO;
	}
	for (size_t i = 0; i < l.n; i++)
		list->on_file(list->ctx, l.p[i].n, l.p[i].readable ? &l.p[i].head : NULL);
	free(l.p);
	return SR_OK;
}
