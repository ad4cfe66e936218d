/* SPDX-License-Identifier: ISC */
/*
 * log: one buffer, lines made in place, written by log_flush.
 *
 * 1. [sent, whole) of the buffer are whole lines for the sink; [whole, at) is the line being made.
 * 2. A line that does not fit is dropped as a whole and counted.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/msgid.h"
#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { BUFFER = 256 << 10, LINE_MAX_BYTES = 16 << 10, ROLE_MAX = 64, STAMP = 20,
	MUCH = 48 << 10 };

static struct {
	int sink;
	enum log_format format;
	enum log_level threshold;
	size_t cap;
	char role[ROLE_MAX];
	int role_index;
	size_t sent, whole, at;
	bool open, overflow, urgent;
	uint64_t dropped, told;		/* lines lost; those a log_dropped line has told of */
	int64_t stamp_s;		/* the second that stamp holds */
	char stamp[STAMP];
	char buf[BUFFER];
} lg = { .sink = 2, .threshold = LOG_INFO, .cap = 512, .role_index = -1, .stamp_s = -1 };

static const char *const level_name[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error",
};

void
log_sink(int fd)
{
	int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;

	if (flags != -1 && (flags & O_NONBLOCK) == 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	lg.sink = fd;
}

void
log_format(enum log_format f)
{
	lg.format = f;
}

void
log_threshold(enum log_level least)
{
	lg.threshold = least;
}

void
log_role(const char *role, int index)
{
	struct str s = str_sub(str_of(role), 0, ROLE_MAX - 1);

	memcpy(lg.role, s.p, s.n);
	lg.role[s.n] = '\0';
	lg.role_index = index;
}

void
log_cap(size_t bytes)
{
	lg.cap = MIN(bytes, (size_t)(LINE_MAX_BYTES / 8));
}

bool
log_wants(enum log_level level)
{
	return level >= lg.threshold;
}

uint64_t
log_dropped(void)
{
	return lg.dropped;
}

/* Room for n more bytes of the present line? */
static bool
room(size_t n)
{
	if (lg.overflow || lg.at + n > BUFFER || lg.at - lg.whole + n > LINE_MAX_BYTES) {
		lg.overflow = true;
		return false;
	}
	return true;
}

static void
put(const char *p, size_t n)
{
	if (!room(n))
		return;
	memcpy(lg.buf + lg.at, p, n);
	lg.at += n;
}

static void
put_key(const char *key)
{
	if (lg.format == LOG_JSON) {
		put(",\"", 2);
		put(key, strlen(key));
		put("\":", 2);
	} else {
		put(" ", 1);
		put(key, strlen(key));
		put("=", 1);
	}
}

/* How a byte goes into a value: as it is, needs quotes around the value, or must be escaped. */
enum byte_class { PLAIN, QUOTED, ESCAPED };

static enum byte_class
byte_class(unsigned char c)
{
	if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f)
		return ESCAPED;
	return c == ' ' || c == '=' ? QUOTED : PLAIN;
}

static void
put_escaped(unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char e[7] = { '\\', '\\', 'x', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"':
	case '\\':
		e[1] = (char)c;
		put(e, 2);
		return;
	case '\n':
		put("\\n", 2);
		return;
	case '\r':
		put("\\r", 2);
		return;
	case '\t':
		put("\\t", 2);
		return;
	default:
		/* \xNN as text; within JSON the backslash itself is escaped, so that both formats
		 * give back the same string */
		if (lg.format == LOG_JSON)
			put(e, 5);
		else
			put(e + 1, 4);
	}
}

static void
put_value(struct str s)
{
	bool cut = s.n > lg.cap, quote = lg.format == LOG_JSON || s.n == 0 || cut;
	size_t from = 0;

	if (cut)
		s.n = lg.cap;
	for (size_t i = 0; i < s.n && !quote; i++)
		quote = byte_class((unsigned char)s.p[i]) != PLAIN;
	if (quote)
		put("\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		if (byte_class((unsigned char)s.p[i]) != ESCAPED)
			continue;
		put(s.p + from, i - from);
		put_escaped((unsigned char)s.p[i]);
		from = i + 1;
	}
	if (s.n > from)
		put(s.p + from, s.n - from);
	if (cut)
		put("...", 3);
	if (quote)
		put("\"", 1);
}

static void
put_digits(char *p, unsigned n, unsigned width)
{
	while (width-- > 0) {
		p[width] = (char)('0' + n % 10);
		n /= 10;
	}
}

/* 2026-11-21T23:43:00.123Z */
static void
put_time(void)
{
	int64_t now = wall_ms(), s = now / 1000;
	char ms[5] = { '.', 0, 0, 0, 'Z' };

	if (s != lg.stamp_s) {
		time_t t = (time_t)s;
		struct tm tm;

		(void)gmtime_r(&t, &tm);
		memcpy(lg.stamp, "0000-00-00T00:00:00", STAMP);
		put_digits(lg.stamp, (unsigned)tm.tm_year + 1900, 4);
		put_digits(lg.stamp + 5, (unsigned)tm.tm_mon + 1, 2);
		put_digits(lg.stamp + 8, (unsigned)tm.tm_mday, 2);
		put_digits(lg.stamp + 11, (unsigned)tm.tm_hour, 2);
		put_digits(lg.stamp + 14, (unsigned)tm.tm_min, 2);
		put_digits(lg.stamp + 17, (unsigned)tm.tm_sec, 2);
		lg.stamp_s = s;
	}
	put_digits(ms + 1, (unsigned)(now % 1000), 3);
	put(lg.stamp, STAMP - 1);
	put(ms, sizeof ms);
}

static void
start_line(enum log_level level, const char *event)
{
	bool json = lg.format == LOG_JSON;

	lg.open = true;
	lg.overflow = false;
	lg.urgent |= level >= LOG_WARN;
	if (json)
		put("{\"ts\":\"", 7);
	else
		put("ts=", 3);
	put_time();
	if (json)
		put("\"", 1);
	log_cstr("level", level_name[level]);
	if (lg.role[0] != '\0')
		log_cstr("role", lg.role);
	if (lg.role_index >= 0)
		log_i("worker", lg.role_index);
	log_cstr("event", event);
}

static void
finish_line(void)
{
	if (lg.format == LOG_JSON)
		put("}", 1);
	put("\n", 1);
	lg.open = false;
	if (lg.overflow) {
		lg.at = lg.whole;
		lg.dropped++;
	} else {
		lg.whole = lg.at;
	}
}

static void
tell_dropped(void)
{
	uint64_t n = lg.dropped - lg.told;

	start_line(LOG_WARN, "log_dropped");
	log_u("lines", n);
	finish_line();
	if (lg.overflow)
		lg.dropped--;			/* this line is not one of them */
	else
		lg.told += n;
}

void
log_begin(enum log_level level, const char *event)
{
	assert(!lg.open);
	if (level < lg.threshold || lg.sink == -1)
		return;
	/* A line may need all of LINE_MAX_BYTES: make that room, or start and see. */
	if (lg.at + LINE_MAX_BYTES > BUFFER)
		log_flush();
	if (lg.dropped > lg.told)
		tell_dropped();
	start_line(level, event);
}

void
log_end(void)
{
	if (lg.open)
		finish_line();
}

void
log_str(const char *key, struct str s)
{
	if (!lg.open)
		return;
	put_key(key);
	put_value(s);
}

void
log_cstr(const char *key, const char *z)
{
	if (z != NULL)
		log_str(key, str_of(z));
}

void
log_u(const char *key, uint64_t n)
{
	char text[20];

	if (!lg.open)
		return;
	put_key(key);
	put(text, num_format_u64(n, text));
}

void
log_i(const char *key, int64_t n)
{
	char text[21] = "-";

	if (!lg.open)
		return;
	put_key(key);
	if (n >= 0)
		put(text, num_format_u64((uint64_t)n, text));
	else
		put(text, 1 + num_format_u64(0 - (uint64_t)n, text + 1));
}

void
log_b(const char *key, bool b)
{
	if (!lg.open)
		return;
	put_key(key);
	put(b ? "true" : "false", b ? 4 : 5);
}

void
log_id(const char *key, uint64_t msgid)
{
	char text[MSGID_TEXT];

	if (lg.open)
		log_str(key, msgid_format(msgid, text));
}

void
log_ip(const char *key, struct ip ip)
{
	char text[IP_TEXT_MAX];

	if (lg.open)
		log_str(key, ip_format(ip, text));
}

bool
log_waiting(void)
{
	return lg.sent < lg.whole;
}

bool
log_flush_much(void)
{
	if (!lg.urgent && lg.whole - lg.sent < MUCH)
		return false;
	log_flush();
	return true;
}

void
log_flush(void)
{
	lg.urgent = false;
	while (lg.sent < lg.whole && lg.sink != -1) {
		ssize_t n = write(lg.sink, lg.buf + lg.sent, lg.whole - lg.sent);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		lg.sent += (size_t)n;
	}
	if (lg.sent == 0)
		return;
	/* Within a line (never from a hook) the rest must stay where it is. */
	memmove(lg.buf, lg.buf + lg.sent, lg.at - lg.sent);
	lg.whole -= lg.sent;
	lg.at -= lg.sent;
	lg.sent = 0;
}

void
log_drain(int64_t ms)
{
	int64_t until = clock_us() / 1000 + ms, left;

	for (log_flush(); lg.whole > 0 && lg.sink != -1; log_flush()) {
		struct pollfd pfd = { .fd = lg.sink, .events = POLLOUT };

		left = until - clock_us() / 1000;
		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			return;
		if (pfd.revents & (POLLERR | POLLNVAL))
			return;
	}
}
