/* SPDX-License-Identifier: ISC */
/*
 * verb_user: `postern user add|passwd|del|list`: the users files, changed as a whole.
 *
 * Passwords are printed when made here, or read from standard input.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "main/conf_load.h"
#include "main/password.h"
#include "main/replace.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "table/lines.h"
#include "table/users.h"

enum { EX_DATAERR_ = 65, EX_NOUSER_ = 67, EX_CANTCREAT_ = 73, EX_CONFIG_ = 78 };

static const char usage_text[] =
    "user add|passwd NAME[@DOMAIN] [--stdin] [--config F]\n"
    "       postern user del NAME[@DOMAIN] [--config F]\n"
    "       postern user list [DOMAIN] [--json] [--config F]\n\n"
    "add and passwd print a new password, or with --stdin read one line of standard input.\n";

static int
usage(FILE *to)
{
	(void)fprintf(to, "usage: postern %s", usage_text);
	return to == stdout ? 0 : 64;
}

struct job {
	const char *what, *name, *config;
	bool from_stdin, json;
	struct config *cfg;
	const struct domain *domain;
	struct str user;
	char path[PATH_MAX];
	struct buf before, after;
};

static bool
take_words(struct job *j, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--stdin") == 0)
			j->from_stdin = true;
		else if (strcmp(argv[i], "--json") == 0)
			j->json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			j->config = argv[++i];
		else if (argv[i][0] == '-')
			return false;
		else if (j->what == NULL)
			j->what = argv[i];
		else if (j->name == NULL)
			j->name = argv[i];
		else
			return false;
	}
	return j->what != NULL;
}

/* Which file: of the domain named, or of the main one. */
static int
find_file(struct job *j, struct str domain)
{
	j->domain = domain.n > 0 ? config_domain(j->cfg, domain) :
	    j->cfg->ndomain > 0 ? &j->cfg->domain[0] : NULL;
	if (j->domain == NULL || j->domain->users != USERS_FILE) {
		(void)fprintf(stderr, "postern user: " STR_F " has no users file\n",
		    STR_A(domain.n > 0 ? domain : STR("the main domain")));
		return EX_CONFIG_;
	}
	(void)snprintf(j->path, sizeof j->path, STR_F, STR_A(j->domain->users_file));
	return 0;
}

static bool
line_is(const struct job *j, struct str line)
{
	struct str rest = line, name = str_split(&rest, ':'), domain = name;

	name = str_split(&domain, '@');
	return str_ieq(name, j->user) && (domain.n == 0 || str_ieq(domain, j->domain->name));
}

static bool
put_verifier(const struct job *j, struct buf *out)
{
	char password[PASSWORD_TEXT];
	static char typed[1024];

	if (!j->from_stdin) {
		if (!password_new(password) || !password_verifier(str_of(password), out))
			return false;
		(void)printf("user " STR_F "@" STR_F " password %s\n", STR_A(j->user),
		    STR_A(j->domain->name), password);
		return true;
	}
	if (fgets(typed, sizeof typed, stdin) == NULL)
		return false;
	typed[strcspn(typed, "\r\n")] = '\0';
	return typed[0] != '\0' && password_verifier(str_of(typed), out);
}

/* Copies the file with the change; *found: the user was there. */
static bool
change(struct job *j, bool *found)
{
	struct str rest = buf_str(&j->before);
	bool add = strcmp(j->what, "add") == 0, del = strcmp(j->what, "del") == 0;

	*found = false;
	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n'), tail = line, name;

		if (!line_is(j, line)) {
			buf_put(&j->after, line);
			buf_putc(&j->after, '\n');
			continue;
		}
		*found = true;
		if (del)
			continue;
		if (add)
			return true;
		name = str_split(&tail, ':');
		(void)str_split(&tail, ':');			/* the old password */
		buf_put(&j->after, name);
		buf_putc(&j->after, ':');
		if (!put_verifier(j, &j->after))
			return false;
		buf_putc(&j->after, ':');
		buf_put(&j->after, tail);
		buf_putc(&j->after, '\n');
	}
	if (add) {
		buf_put(&j->after, j->user);
		buf_putc(&j->after, ':');
		if (!put_verifier(j, &j->after))
			return false;
		buf_puts(&j->after, "::::::\n");
	}
	return !j->after.failed;
}

static int
change_locked(struct job *j)
{
	bool add = strcmp(j->what, "add") == 0, found;

	if (!replace_read("user", j->path, &j->before))
		return EX_CONFIG_;
	if (!change(j, &found)) {
		(void)fputs("postern user: no password\n", stderr);
		return EX_DATAERR_;
	}
	if (found == add) {
		(void)fprintf(stderr, "postern user: " STR_F "@" STR_F " %s\n", STR_A(j->user),
		    STR_A(j->domain->name), add ? "is there already" : "does not exist");
		return add ? EX_CANTCREAT_ : EX_NOUSER_;
	}
	if (!replace_write(j->path, buf_str(&j->after))) {
		(void)fprintf(stderr, "postern user: %s cannot be replaced\n", j->path);
		return EX_CANTCREAT_;
	}
	return 0;
}

static int
run_change(struct job *j)
{
	struct str domain, name = str_of(j->name);
	int code, lock;

	domain = name;
	name = str_split(&domain, '@');
	if ((code = find_file(j, domain)) != 0)
		return code;
	j->user = name;
	if (!user_name_good(name)) {
		(void)fprintf(stderr, "postern user: '%s' is no name for a user\n", j->name);
		return EX_DATAERR_;
	}
	lock = replace_lock(j->path);
	code = change_locked(j);
	if (lock >= 0)
		(void)close(lock);
	return code;
}

static int
run_list(struct job *j)
{
	json_t *list = json_array();
	struct lines l;
	struct str line;
	unsigned number;
	int code = find_file(j, j->name != NULL ? str_of(j->name) : STR(""));

	if (code == 0 && !replace_read("user", j->path, &j->before))
		code = EX_CONFIG_;
	l = lines_of(buf_str(&j->before));
	l.whole = true;
	while (code == 0 && lines_next(&l, &line, &number)) {
		struct perr err = {};
		struct user_entry u;

		if (!user_line_parse(line, &u, &err)) {
			(void)fprintf(stderr, "%s:%u: %s\n", j->path, number, err.what);
			continue;
		}
		if (!j->json) {
			(void)printf(STR_F "%s\n", STR_A(u.name), u.disabled ? " disabled" : "");
			continue;
		}
		json_t *one = json_object();

		(void)json_object_set_new(one, "user", verb_json_str(u.name));
		(void)json_object_set_new(one, "domain", verb_json_str(j->domain->name));
		(void)json_object_set_new(one, "scheme", verb_json_str(u.scheme));
		(void)json_object_set_new(one, "disabled", json_boolean(u.disabled));
		(void)json_array_append_new(list, one);
	}
	if (code != 0 || !j->json) {
		json_decref(list);
		return code;
	}
	return verb_json_end(list);
}

int
verb_user(int argc, char **argv)
{
	static struct job j;
	bool list;
	int code;

	j = (struct job){};
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (!take_words(&j, argc, argv))
		return usage(stderr);
	list = strcmp(j.what, "list") == 0;
	if (!list && ((strcmp(j.what, "add") != 0 && strcmp(j.what, "passwd") != 0 &&
	    strcmp(j.what, "del") != 0) || j.name == NULL))
		return usage(stderr);
	j.cfg = conf_load(j.config, stderr);
	if (j.cfg == NULL)
		return EX_CONFIG_;
	buf_init(&j.before, 1 << 30);
	buf_init(&j.after, 1 << 30);
	code = list ? run_list(&j) : run_change(&j);
	buf_done(&j.before);
	buf_done(&j.after);
	config_free(j.cfg);
	return code;
}
