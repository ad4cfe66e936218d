/* SPDX-License-Identifier: ISC */
/*
 * log: structured events, one line each, logfmt or JSON.
 *
 * 1. log_begin, fields, log_end: no suspension in between; one event at a time.
 * 2. Foreign bytes are escaped (\xNN), values and lines capped: no value can fake a line or field.
 * 3. Buffered; a hook of the loop flushes warnings at once, all else within LOG_LAZY_MS, so that a
 *    busy role does not wake keeper for each line.  A stuck sink is never waited for: lines are
 *    dropped and counted, and the count is the next line that gets through (event=log_dropped).
 * 4. Secrets are a type that log_s does not take: the compiler refuses.
 *
 * Only roles log (smtpd smtpc queue local main ...), never libraries.  Do not include <syslog.h>.
 */
#ifndef RT_LOG_H
#define RT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/secret.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* Lines go to that descriptor (made non-blocking; not owned); -1: nowhere.  Default: 2, as is. */
void log_sink(int fd);
void log_format(enum log_format f);
/* Events below that level cost next to nothing.  Default LOG_INFO. */
void log_threshold(enum log_level least);
/* Fields of every line: role=smtpd, and index when not negative.  The name is kept. */
void log_role(const char *role, int index);
/* Bytes of a value after which it is cut (default 512). */
void log_cap(size_t bytes);

/* Would an event of this level be written?  To save gathering costly fields. */
bool log_wants(enum log_level level);

/* Events and keys are words of a-z, 0-9 and _, constants of the code. */
void log_begin(enum log_level level, const char *event);
void log_str(const char *key, struct str s);
void log_cstr(const char *key, const char *z);		/* NULL: no field */
void log_u(const char *key, uint64_t n);
void log_i(const char *key, int64_t n);
void log_b(const char *key, bool b);
void log_id(const char *key, uint64_t msgid);		/* 13 characters of base32 */
void log_ip(const char *key, struct ip ip);
void log_end(void);

#define log_s(key, v) _Generic((v), \
	struct str: log_str, \
	char *: log_cstr, \
	const char *: log_cstr)(key, v)

/* Writes what the sink takes now. */
void log_flush(void);

/* The same if a warning or much is waiting; else false: less than that, or nothing, is left. */
bool log_flush_much(void);
bool log_waiting(void);

/* Before the process ends: waits for the sink up to that long. */
void log_drain(int64_t ms);

/* Lines dropped since the start. */
uint64_t log_dropped(void);

/* The hook is set by loop_init; without a loop call log_flush. */
enum { LOG_LAZY_MS = 10 };

#endif
