/* SPDX-License-Identifier: ISC */
/*
 * backend_sql: the password entry of a user from SQLite or PostgreSQL.
 *
 * The query's %u, %d and %w become parameters, never text of the statement; one row with one column
 * is the entry.  Connections stay open between questions.  libpq is loaded when first needed.
 */
#include "sasl/nurse.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { PARAMS_MAX = 9 };

/* The query with "$1"-like marks (SQLite knows "?1") instead of %u, %d, %w. */
struct statement {
	char sql[4096];
	char value[PARAMS_MAX][300];
	const char *param[PARAMS_MAX];
	int n;
};

static bool
prepare(struct statement *st, struct str query, char mark, const struct str value[3])
{
	struct buf b = { .p = st->sql, .cap = sizeof st->sql, .max = sizeof st->sql };

	st->n = 0;
	for (size_t i = 0; i < query.n; i++) {
		char next = i + 1 < query.n ? query.p[i + 1] : '\0';
		int which = next == 'u' ? 0 : next == 'd' ? 1 : next == 'w' ? 2 : -1;

		if (query.p[i] != '%' || which < 0) {
			(void)buf_putc(&b, query.p[i]);
			continue;
		}
		i++;
		if (st->n == PARAMS_MAX || value[which].n >= sizeof st->value[0])
			return false;
		memcpy(st->value[st->n], value[which].p, value[which].n);
		st->value[st->n][value[which].n] = '\0';
		st->param[st->n] = st->value[st->n];
		st->n++;
		(void)buf_putc(&b, mark);
		(void)buf_putu(&b, (uint64_t)st->n);
	}
	return buf_putc(&b, '\0') && !b.failed;
}

static bool
statement_of(struct statement *st, const struct backend_file *f, char mark,
    const struct domain *d, struct str local)
{
	char room[600];
	struct str value[3] = { local, d->name, { room, local.n + 1 + d->name.n } };

	if (f->query.n == 0 || f->connect.n == 0 || value[2].n > sizeof room)
		return false;
	memcpy(room, local.p, local.n);
	room[local.n] = '@';
	memcpy(room + local.n + 1, d->name.p, d->name.n);
	return prepare(st, f->query, mark, value);
}

/* ---- SQLite ---- */

static enum cred
sqlite_row(sqlite3 *db, const struct statement *st, struct buf *stored)
{
	enum cred answer = CRED_UNAVAILABLE;
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, st->sql, -1, &s, NULL);

	for (int i = 0; i < st->n && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(s, i + 1, st->param[i], -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		answer = CRED_UNKNOWN;
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		answer = text == NULL ? CRED_UNKNOWN : CRED_OK;
		(void)buf_put(stored, str_of(text));
		/* two rows for one name are a mistake, not a choice */
		if (sqlite3_step(s) != SQLITE_DONE)
			answer = CRED_UNAVAILABLE;
	}
	(void)sqlite3_finalize(s);
	return answer;
}

enum cred
backend_sqlite(const struct domain *d, struct str local, struct buf *stored)
{
	enum cred answer = CRED_UNAVAILABLE;
	struct backend_file f;
	static struct statement st;
	sqlite3 *db = NULL;
	char *path;

	if (!backend_file_read(&f, d->passwords_at))
		return CRED_UNAVAILABLE;
	path = f.connect.n > 0 ? strndup(f.connect.p, f.connect.n) : NULL;
	if (path != NULL && statement_of(&st, &f, '?', d, local) &&
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL) ==
	    SQLITE_OK) {
		(void)sqlite3_busy_timeout(db, 3000);
		answer = sqlite_row(db, &st, stored);
	}
	(void)sqlite3_close(db);
	free(path);
	buf_done(&f.text);
	return answer;
}

/* ---- PostgreSQL ---- */

static struct {
	void *lib;
	__typeof__(PQconnectdb) *connect;
	__typeof__(PQstatus) *status;
	__typeof__(PQexecParams) *exec;
	__typeof__(PQresultStatus) *result;
	__typeof__(PQntuples) *rows;
	__typeof__(PQnfields) *columns;
	__typeof__(PQgetvalue) *value;
	__typeof__(PQgetisnull) *is_null;
	__typeof__(PQclear) *clear;
	__typeof__(PQfinish) *finish;
} pq;

#define GET(field, name) \
	((pq.field = (__typeof__(pq.field))(uintptr_t)dlsym(pq.lib, name)) != NULL)

static bool
pq_load(void)
{
	if (pq.finish != NULL)
		return true;
	pq.lib = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	return pq.lib != NULL && GET(connect, "PQconnectdb") && GET(status, "PQstatus") &&
	    GET(exec, "PQexecParams") && GET(result, "PQresultStatus") && GET(rows, "PQntuples") &&
	    GET(columns, "PQnfields") && GET(value, "PQgetvalue") && GET(is_null, "PQgetisnull") &&
	    GET(clear, "PQclear") && GET(finish, "PQfinish");
}

static enum cred
pq_row(PGconn *c, const struct statement *st, struct buf *stored)
{
	PGresult *r = pq.exec(c, st->sql, st->n, NULL, st->param, NULL, NULL, 0);
	enum cred answer = CRED_UNAVAILABLE;

	if (r != NULL && pq.result(r) == PGRES_TUPLES_OK && pq.columns(r) >= 1) {
		if (pq.rows(r) == 0 || (pq.rows(r) == 1 && pq.is_null(r, 0, 0)))
			answer = CRED_UNKNOWN;
		else if (pq.rows(r) == 1)
			answer = buf_put(stored, str_of(pq.value(r, 0, 0))) ? CRED_OK :
			    CRED_UNAVAILABLE;
	}
	pq.clear(r);
	return answer;
}

enum cred
backend_postgresql(const struct domain *d, struct str local, struct buf *stored)
{
	static PGconn *conn;
	static const struct domain *of;
	enum cred answer = CRED_UNAVAILABLE;
	struct backend_file f;
	static struct statement st;
	bool kept = conn != NULL && of == d;
	char *text;

	if (!pq_load() || !backend_file_read(&f, d->passwords_at))
		return CRED_UNAVAILABLE;
	text = f.connect.n > 0 ? strndup(f.connect.p, f.connect.n) : NULL;
	if (text != NULL && statement_of(&st, &f, '$', d, local)) {
		if (kept)
			answer = pq_row(conn, &st, stored);
		if (answer == CRED_UNAVAILABLE) {	/* the server may have been restarted */
			if (conn != NULL)
				pq.finish(conn);
			conn = pq.connect(text);
			of = d;
			buf_reset(stored);
			if (conn != NULL && pq.status(conn) == CONNECTION_OK)
				answer = pq_row(conn, &st, stored);
		}
	}
	if (text != NULL)
		explicit_bzero(text, f.connect.n);
	free(text);
	buf_done(&f.text);
	return answer;
}
