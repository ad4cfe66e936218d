/* SPDX-License-Identifier: ISC */
/*
 * record: the bytes of spool files, as pure functions.  doc/format/spool.md describes them.
 *
 * 1. A spool file begins with one 4 KiB block that names its kind, number and generation; records
 *    follow.
 * 2. A record is valid for one (file, generation, offset) only: stale bytes of the file's former
 *    life and bytes of mail that look like a record are never taken for one.
 * 3. Its head checksum covers head and meta, its data checksum the data (message content).
 *
 * No I/O, no clock.  Decoded slices point into the bytes they were decoded from.
 */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/str.h"

/* What the spool answers. */
enum spool {
	SPOOL_OK,
	SPOOL_BUSY,		/* memory budget: 452, try again */
	SPOOL_FULL,		/* disk space: 452 */
	SPOOL_IO,		/* the disk failed, or we are stopping: 451 */
};

enum spool_kind { SPOOL_SEGMENT = 1, SPOOL_BIG = 2, SPOOL_JOURNAL = 3 };

enum {
	SPOOL_BLOCK = 4096,		/* commits begin and end on this */
	SPOOL_FILE_HEAD = 64,		/* bytes of a file head; zeros up to the block */
	SPOOL_HEAD = 56,		/* bytes of a record head */
	SPOOL_META_MAX = 2 << 20,
	SPOOL_DATA_MAX = 1 << 20,
	SPOOL_FORMAT = 1,		/* version of the file header and of record payloads */
};

/* First block of every spool file. */
struct spool_head {
	enum spool_kind kind;
	uint64_t n, gen, size;		/* number in its name; life; prepared bytes */
	int64_t epoch_ms;		/* clock high-water mark when this life began */
	bool clean;			/* the rest was all zero when this was written */
};

void spool_head_put(const struct spool_head *h, char out[SPOOL_FILE_HEAD]);
[[nodiscard]] bool spool_head_get(struct str block, struct spool_head *out);

enum rec_type { REC_PAD = 1, REC_MSG = 2, REC_SEAL = 3, REC_CHECKPOINT = 4, REC_ENTRY = 5 };

/* One record.  When decoded, meta and data point into the scanned bytes. */
struct spool_rec {
	enum rec_type type;
	uint8_t version;
	uint16_t sub;			/* REC_ENTRY: the journal owner's type */
	uint64_t gen, n, offset;	/* the life, file and place it was written for */
	uint64_t id;			/* message id, or 0 */
	uint32_t len;			/* whole record with padding to 8 */
	uint32_t data_crc;
	struct str meta, data;
};

/* Bytes a record with these parts takes, padded to 8. */
size_t rec_size(size_t meta, size_t data);
/* Lay a record at p (rec_size bytes): the caller has put or will put meta at p + SPOOL_HEAD
 * and data right behind; rec_stamp finishes it.  head->len, meta.p, data.p are not looked at. */
void rec_put(char *p, const struct spool_rec *head);
/* Bind the record at p to its place, and seal the head with its checksum. */
struct rec_place { uint64_t n, gen, offset; };
void rec_stamp(char *p, struct rec_place at);
uint32_t rec_len(const char *p);

enum rec_get { REC_VALID, REC_SHORT, REC_INVALID };
/* The record at the beginning of b.  REC_SHORT: *need says how many bytes it takes (head seen
 * as plausible, not yet checked).  Checks both checksums. */
[[nodiscard]] enum rec_get rec_get(struct str b, struct rec_place at, struct spool_rec *out,
    size_t *need);

/* Where content lies; what jobs carry.  Content = data of the record, then the big file. */
struct content_ref {
	uint64_t segno, gen, offset;	/* the record */
	uint64_t big_n, big_gen, big_len;	/* big_len 0: none */
	uint32_t record_len, data_off;	/* data_off: from the record's start */
	uint32_t data_len, data_crc, big_crc;
};

static inline uint64_t
content_len(const struct content_ref *r)
{
	return r->data_len + r->big_len;
}

enum spool_body { SPOOL_7BIT, SPOOL_8BITMIME, SPOOL_BINARYMIME };

struct spool_rcpt {
	struct str addr, orcpt;
	uint32_t flags;			/* class, entitlement: the policy's own */
	uint8_t notify;			/* RFC 3461 4.1: bits, 0 = not given */
};

/* Envelope and facts of a message: what smtpd knew when it promised. */
struct spool_env {
	struct str sender;		/* as addressed; empty with null_sender */
	bool null_sender, smtputf8, requiretls;
	uint8_t ret;			/* RFC 3461 4.3: 0 not given, 1 FULL, 2 HDRS */
	uint8_t listener_kind;
	enum spool_body body;
	uint32_t flags;			/* verdict bits, opaque here */
	int64_t received_ms;
	struct ip peer;
	uint16_t peer_port;
	struct str envid, helo, peer_name, listener, with, auth_id, auth_param, token, rule, why;
	struct spool_rcpt *rcpt;
	size_t nrcpt;
};

struct spool_msg {
	uint64_t id;
	struct spool_env env;
	struct content_ref ref;
};

/* Meta of REC_MSG into p, which has room for msg_encoded_len.  Of ref only the big_ fields
 * count. */
void msg_encode(char *p, const struct spool_env *env, const struct content_ref *ref);
size_t msg_encoded_len(const struct spool_env *env);
/* Any version we ever wrote.  Strings point into rec->meta, rcpt into the arena.  False: not a
 * message of a version we know, or malformed. */
[[nodiscard]] bool msg_decode(const struct spool_rec *rec, struct arena *a, struct spool_msg *out);

/* Meta of REC_SEAL: file n of generation gen ends at `at`; what stands behind was refused. */
struct spool_seal { uint64_t n, gen, at; };
void seal_encode(const struct spool_seal *s, char out[24]);
[[nodiscard]] bool seal_decode(const struct spool_rec *rec, struct spool_seal *out);

#endif
