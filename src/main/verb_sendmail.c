/* SPDX-License-Identifier: ISC */
/*
 * verb_sendmail: sendmail(1), mailq(1) and newaliases(1), for the programs that call them.
 *
 * No setuid: the server sees who calls by the socket's peer credentials, the drop directory by the
 * file's owner.  Exit codes are those of sysexits.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/config.h"
#include "main/conf_load.h"
#include "main/sendmail_args.h"
#include "main/sendmail_compose.h"
#include "main/sendmail_submit.h"
#include "main/verb.h"

enum { INPUT_MAX = 1 << 30, ARENA_MAX = 1 << 30 };

static bool
read_input(struct buf *b)
{
	for (;;) {
		char *to = buf_reserve(b, 65536);
		ssize_t n = to != NULL ? read(0, to, 65536) : -1;

		if (n == -1 && to != NULL && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		if (n == 0)
			return true;
		buf_add(b, (size_t)n);
	}
}

static struct caller
caller_now(const struct config *cfg, struct arena *a)
{
	struct caller who = { .hostname = cfg->hostname, .now = (int64_t)time(NULL) };
	const struct passwd *pw = getpwuid(getuid());
	struct tm local;

	if (getrandom(&who.chance, sizeof who.chance, 0) == -1)
		who.chance = (uint64_t)getpid();
	if (localtime_r(&(time_t){ who.now }, &local) != NULL)
		who.zone = (int)(local.tm_gmtoff / 60);
	if (pw == NULL) {
		who.login = str_fmt(a, "uid%u", (unsigned)getuid());
		return who;
	}
	who.login = str_dup(a, str_of(pw->pw_name));
	who.full_name = str_dup(a, str_sub(str_of(pw->pw_gecos), 0, strcspn(pw->pw_gecos, ",")));
	return who;
}

static int
deliver(const struct config *cfg, const struct submit_place *at,
    const struct sendmail_args *args)
{
	struct arena a;
	struct composed c;
	struct buf input;
	const char *error = "cannot read the message";
	int code = EX_IOERR;

	arena_init(&a, ARENA_MAX);
	buf_init(&input, INPUT_MAX);
	/* -bv asks about addresses: there is no message */
	if (args->mode == SM_VERIFY || read_input(&input)) {
		struct caller who = caller_now(cfg, &a);

		if (sendmail_compose(args, &who, buf_str(&input), &a, &c, &error)) {
			code = sendmail_submit(at, &c, args);
			error = NULL;
		} else {
			code = strcmp(error, "no recipient") == 0 ? EX_USAGE : EX_DATAERR;
		}
	}
	if (error != NULL)
		(void)fprintf(stderr, "sendmail: %s\n", error);
	buf_done(&input);
	arena_done(&a);
	return code;
}

/* The verbs of postern that do what mailq and `sendmail -q` do. */
static int
queue_verb(const struct config *cfg, const struct sendmail_args *args, const char *op)
{
	char *argv[8] = { (char *)(uintptr_t)"queue", (char *)(uintptr_t)op,
		(char *)(uintptr_t)"--config", strndup(cfg->file.p, cfg->file.n) };
	int argc = 4, code;
	static const struct { char letter; const char *flag; } filters[] = {
		{ 'I', "--id" }, { 'R', "--recipient" }, { 'S', "--sender" },
	};

	for (size_t i = 0; i < 3 && args->queue_filter != NULL; i++)
		if (args->queue_filter[0] == filters[i].letter) {
			argv[argc++] = (char *)(uintptr_t)filters[i].flag;
			argv[argc++] = (char *)(uintptr_t)(args->queue_filter + 1);
		}
	code = verb_queue(argc, argv);
	free(argv[3]);
	return code;
}

static int
act(const struct config *cfg, const struct sendmail_args *args)
{
	struct submit_place at;
	int code = EX_UNAVAILABLE;

	if (!conf_local_places(cfg, &at.socket, &at.drop))
		return EX_OSERR;
	switch (args->mode) {
	case SM_DELIVER:
	case SM_VERIFY:
		code = deliver(cfg, &at, args);
		break;
	case SM_SMTP:
		code = sendmail_smtp(&at);
		break;
	case SM_QUEUE_LIST:
		code = queue_verb(cfg, args, "list");
		break;
	case SM_QUEUE_RUN:
		code = queue_verb(cfg, args, "flush");
		break;
	case SM_ALIASES:
		/* alias files are read as they are; a change is seen without a build step */
		code = EX_OK;
		break;
	case SM_DAEMON:
		(void)fprintf(stderr, "sendmail: the server is started with `postern run`\n");
		break;
	}
	free((void *)(uintptr_t)at.socket);
	free((void *)(uintptr_t)at.drop);
	return code;
}

int
verb_sendmail(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct sendmail_args args;
	struct config *cfg;
	int code;

	sendmail_args_parse(argc, argv, slash != NULL ? slash + 1 : argv[0], &args);
	if (args.error != NULL) {
		(void)fprintf(stderr, "sendmail: %s %s\n", args.error_at, args.error);
		return EX_USAGE;
	}
	cfg = conf_load(args.config, stderr);
	if (cfg == NULL)
		return EX_CONFIG;
	code = act(cfg, &args);
	config_free(cfg);
	return code;
}
