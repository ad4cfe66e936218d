/* SPDX-License-Identifier: ISC */
/*
 * explain_log: a session as the log recorded it, for `postern explain ID`.
 */
#include "main/explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "main/log_find.h"

/* Value of a key in one line of logfmt or JSON.  False: not there, or too long. */
static bool
value(struct str line, const char *key, char *to, size_t room)
{
	char word[32];
	ssize_t at;
	size_t n = 0;
	bool quoted;

	if (line.n > 0 && line.p[0] == '{') {
		json_t *o = json_loadb(line.p, line.n, 0, NULL), *v = json_object_get(o, key);
		const char *s = json_string_value(v);

		n = s ? (size_t)snprintf(to, room, "%s", s) : json_is_integer(v) ?
		    (size_t)snprintf(to, room, "%lld", (long long)json_integer_value(v)) : room;
		json_decref(o);
		return n < room;
	}
	(void)snprintf(word, sizeof word, " %s=", key);
	at = str_find(line, str_of(word));
	if (at < 0)
		return false;
	line = str_skip(line, (size_t)at + strlen(word));
	quoted = line.n > 0 && line.p[0] == '"';
	for (size_t i = quoted; i < line.n && line.p[i] != '\n'; i++) {
		if (line.p[i] == (quoted ? '"' : ' '))
			break;
		if (quoted && line.p[i] == '\\' && i + 1 < line.n)
			i++;
		if (n + 1 >= room)
			return false;
		to[n++] = line.p[i];
	}
	to[n] = '\0';
	return true;
}

static void
take(struct explain *e, struct str line)
{
	char tls[16];

	if (value(line, "client", e->ip, sizeof e->ip))
		e->run.peer = e->ip;
	if (value(line, "listener", e->listener, sizeof e->listener))
		e->run.listener = e->listener;
	if (value(line, "helo", e->words[0], EXPLAIN_WORD))
		e->helo = e->words[0];
	if (value(line, "from", e->words[1], EXPLAIN_WORD))
		e->from = e->words[1];
	if (value(line, "to", e->words[2], EXPLAIN_WORD)) {
		e->rcpt[0] = e->words[2];
		e->nrcpt = 1;
	}
	if (value(line, "user", e->words[3], EXPLAIN_WORD))
		e->user = e->words[3];
	e->tls = value(line, "tls", tls, sizeof tls) && tls[0] != '\0';
}

bool
explain_recorded(struct explain *e)
{
	FILE *log = log_open(e->run.config, e->log);
	char *text = NULL, event[32];
	bool found = false;
	size_t cap = 0;
	ssize_t n;

	if (!log)
		return false;
	while (!found && (n = getline(&text, &cap, log)) > 0) {
		struct str line = str_from(text, (size_t)n);

		if (!log_names(line, str_of(e->id)) ||
		    !value(line, "event", event, sizeof event) || strcmp(event, "accepted") != 0)
			continue;
		take(e, line);
		found = true;
	}
	free(text);
	if (log != stdin)
		(void)fclose(log);
	if (!found)
		(void)fprintf(stderr, "postern explain: the log tells of no session that handed in "
		    "%s\n", e->id);
	return found;
}
