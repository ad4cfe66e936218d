/* SPDX-License-Identifier: ISC */
/*
 * milter_wire: the frames of the mail filter protocol, version 6, as sendmail's libmilter has it.
 *
 * Pure: commands into a buffer, answers out of bytes.  A frame is a 32 bit length, a letter, data.
 * What comes from a filter is as hostile as what comes from a client: every field is checked here,
 * and an answer that is not well formed is no answer at all.
 */
#ifndef SMTPD_MILTER_WIRE_H
#define SMTPD_MILTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"
#include "mail/reply.h"

enum milter_command {
	MC_ABORT = 'A', MC_BODY = 'B', MC_CONNECT = 'C', MC_MACRO = 'D', MC_END = 'E',
	MC_HELO = 'H', MC_HEADER = 'L', MC_MAIL = 'M', MC_EOH = 'N', MC_OPTIONS = 'O',
	MC_QUIT = 'Q', MC_RCPT = 'R', MC_DATA = 'T',
};

enum milter_code {
	MA_ADD_RCPT = '+', MA_DEL_RCPT = '-', MA_ADD_RCPT_ARGS = '2', MA_SHUTDOWN = '4',
	MA_ACCEPT = 'a', MA_BODY = 'b', MA_CONTINUE = 'c', MA_DISCARD = 'd', MA_SENDER = 'e',
	MA_CONN_FAIL = 'f', MA_ADD_HEADER = 'h', MA_INSERT_HEADER = 'i', MA_CHANGE_HEADER = 'm',
	MA_OPTIONS = 'O', MA_PROGRESS = 'p', MA_QUARANTINE = 'q', MA_REJECT = 'r', MA_SKIP = 's',
	MA_TEMPFAIL = 't', MA_REPLY = 'y',
};

enum milter_action {			/* what a filter may do at the end of the message */
	MAY_ADD_HEADER = 0x1, MAY_CHANGE_BODY = 0x2, MAY_ADD_RCPT = 0x4, MAY_DEL_RCPT = 0x8,
	MAY_CHANGE_HEADER = 0x10, MAY_QUARANTINE = 0x20, MAY_CHANGE_SENDER = 0x40,
	MAY_ADD_RCPT_ARGS = 0x80, MAY_SET_MACROS = 0x100,
	MAY_ALL = 0x1ff,
};

enum milter_step {			/* what it does not want to hear, or will not answer */
	NO_CONNECT = 0x1, NO_HELO = 0x2, NO_MAIL = 0x4, NO_RCPT = 0x8, NO_BODY = 0x10,
	NO_HEADER = 0x20, NO_EOH = 0x40, NR_HEADER = 0x80, NO_UNKNOWN = 0x100, NO_DATA = 0x200,
	STEP_SKIP = 0x400, NR_CONNECT = 0x1000, NR_HELO = 0x2000, NR_MAIL = 0x4000,
	NR_RCPT = 0x8000, NR_DATA = 0x10000, NR_UNKNOWN = 0x20000, NR_EOH = 0x40000,
	NR_BODY = 0x80000, LEADING_SPACE = 0x100000,
	STEPS_ALL = 0x1ff7ff,
};

enum milter_stage {			/* of macros, as they are numbered in the protocol */
	MS_CONNECT, MS_HELO, MS_MAIL, MS_RCPT, MS_DATA, MS_END, MS_EOH, MS_COUNT,
};

enum {
	MILTER_VERSION = 6,
	MILTER_CHUNK = 65535,		/* body bytes in one frame */
	MILTER_FRAME_MAX = 1 << 20,	/* longest answer taken */
	MILTER_REPLY_LINES = 32,
};

struct milter_options {
	uint32_t version, actions, steps;
	bool wants[MS_COUNT];		/* it named the macros of that stage: */
	struct str macros[MS_COUNT];	/* slices of the answer */
};

struct milter_answer {
	enum milter_code code;
	struct reply reply;		/* REPLY: checked; text in the arena */
	uint32_t index;			/* INSERT_HEADER, CHANGE_HEADER */
	struct str name, value;		/* headers; value also: address, body, reason */
	struct str args;		/* SENDER, ADD_RCPT_ARGS: ESMTP parameters */
	struct milter_options options;
};

/* Begin a frame; milter_end gives it its length.  Nothing else is put between but its data. */
size_t milter_begin(struct buf *b, enum milter_command cmd);
void milter_end(struct buf *b, size_t at);
/* A text and its NUL; NULs within become blanks. */
void milter_put_z(struct buf *b, struct str s);
/* Whole frames. */
void milter_put(struct buf *b, enum milter_command cmd, struct str data);
void milter_put_options(struct buf *b);
void milter_put_connect(struct buf *b, struct str name, const struct ip *ip, uint16_t port);
/* Line ends of a folded value become bare LF, as filters know them. */
void milter_put_header(struct buf *b, struct str name, struct str value, bool leading_space);

/* The first frame of bytes.  MILTER_MORE: *need bytes in all are needed. */
enum milter_got { MILTER_FRAME, MILTER_MORE, MILTER_BAD };
enum milter_got milter_frame(struct str bytes, char *code, struct str *data, size_t *need);
/* Reads the data of an answer.  False: not well formed, or of no known kind; *why says what. */
bool milter_answer_read(char code, struct str data, struct arena *a, struct milter_answer *out,
    const char **why);
/* "550 5.7.1 text", several lines with CR LF between; 4xx and 5xx only. */
bool milter_reply_read(struct str text, struct arena *a, struct reply *out);
/* Is that macro ("{auth_type}", "i") in a filter's list? */
bool milter_wants_macro(const struct milter_options *o, enum milter_stage st, struct str name);

#endif
