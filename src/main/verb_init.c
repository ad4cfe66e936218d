/* SPDX-License-Identifier: ISC */
/*
 * verb_init: `postern init DOMAIN --dir D [--user NAME]...`: a complete instance, ready to run.
 *
 * Writes a commented configuration of at most 15 effective lines, a self-signed certificate, a DKIM
 * key with its DNS records, users with printed random passwords, and aliases.  Nothing that is
 * there is ever overwritten.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf/value.h"
#include "main/init_keys.h"
#include "main/password.h"
#include "main/verb.h"
#include "table/users.h"

enum { EX_OK_ = 0, EX_USAGE_ = 64, EX_CANTCREAT_ = 73, USERS_MAX = 100 };

struct init {
	const char *domain, *dir, *hostname, *mx, *submission;
	const char *user[USERS_MAX];
	size_t nuser;
	char selector[16];
	char root[PATH_MAX];		/* dir, absolute */
	bool system;			/* /etc/postern: state goes to /var and /run */
	struct buf why;
};

static const char usage_text[] =
    "usage: postern init DOMAIN [--dir D] [--user NAME]... [--hostname NAME]\n"
    "                   [--listen-mx ADDRESS:PORT] [--listen-submission ADDRESS:PORT]\n\n"
    "Writes a configuration, keys and users for DOMAIN below D (default /etc/postern) and prints\n"
    "the users' passwords.  Nothing that exists is overwritten.\n";

static bool
take_option(struct init *in, const char *name, const char *value)
{
	if (strcmp(name, "--dir") == 0)
		in->dir = value;
	else if (strcmp(name, "--hostname") == 0)
		in->hostname = value;
	else if (strcmp(name, "--listen-mx") == 0)
		in->mx = value;
	else if (strcmp(name, "--listen-submission") == 0)
		in->submission = value;
	else if (strcmp(name, "--user") == 0 && in->nuser < USERS_MAX)
		in->user[in->nuser++] = value;
	else
		return false;
	return true;
}

static bool
take_options(struct init *in, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' && in->domain == NULL)
			in->domain = argv[i];
		else if (i + 1 >= argc || !take_option(in, argv[i], argv[i + 1]))
			return false;
		else
			i++;
	}
	return in->domain != NULL;
}

static bool
options_good(struct init *in)
{
	struct arena a;
	struct str name;
	struct ip ip;
	uint16_t port;
	const char *bad;

	arena_init(&a, 4096);
	if ((bad = value_domain(str_of(in->domain), &a, &name)) != NULL)
		buf_putf(&in->why, "'%s' %s", in->domain, bad);
	else if (in->hostname != NULL && (bad = value_domain(str_of(in->hostname), &a,
	    &name)) != NULL)
		buf_putf(&in->why, "'%s' %s", in->hostname, bad);
	else if ((bad = value_ip_port(str_of(in->mx), &ip, &port)) != NULL)
		buf_putf(&in->why, "'%s' %s", in->mx, bad);
	else if ((bad = value_ip_port(str_of(in->submission), &ip, &port)) != NULL)
		buf_putf(&in->why, "'%s' %s", in->submission, bad);
	for (size_t i = 0; i < in->nuser && bad == NULL; i++)
		if (!user_name_good(str_of(in->user[i])) || strchr(in->user[i], '@') != NULL) {
			buf_putf(&in->why, "'%s' is no name for a user", in->user[i]);
			bad = "";
		}
	arena_done(&a);
	return bad == NULL;
}

static const char *
below(const struct init *in, const char *name)
{
	static char path[4][PATH_MAX + 512];	/* the last four stay valid */
	static unsigned turn;

	turn = (turn + 1) % 4;
	(void)snprintf(path[turn], sizeof path[turn], "%s/%s", in->root, name);
	return path[turn];
}

static bool
make_dir(struct init *in, const char *path, mode_t mode)
{
	if ((mkdir(path, mode) == 0 && chmod(path, mode) == 0) || errno == EEXIST)
		return true;
	buf_putf(&in->why, "directory %s cannot be made", path);
	return false;
}

static bool
make_dirs(struct init *in)
{
	if (!make_dir(in, in->dir, 0755))
		return false;
	if (realpath(in->dir, in->root) == NULL) {
		buf_putf(&in->why, "directory %s cannot be used", in->dir);
		return false;
	}
	in->system = strcmp(in->root, "/etc/postern") == 0;
	if (access(below(in, "postern.conf"), F_OK) == 0) {
		buf_putf(&in->why, "%s is there already", below(in, "postern.conf"));
		return false;
	}
	if (!make_dir(in, below(in, "tls"), 0755) || !make_dir(in, below(in, "dkim"), 0755))
		return false;
	return in->system || (make_dir(in, below(in, "spool"), 0751) &&
	    make_dir(in, below(in, "run"), 0755) && make_dir(in, below(in, "mail"), 0750));
}

static bool
write_config(struct init *in)
{
	struct buf b;
	bool good;

	buf_init(&b, 16384);
	buf_putf(&b,
	    "# postern.conf: mail for %s.  Made by postern init; see postern.conf(5).\n"
	    "# Paths that do not begin with / are below the directory of this file.\n"
	    "# After a change: postern check --config FILE, then postern reload --config FILE.\n\n"
	    "# The name other servers see.  It must have an address in the DNS that leads back "
	    "here.\n"
	    "hostname   %s\n\n"
	    "# Mail from other servers; mail of our own users; mail of programs on this machine.\n"
	    "listen     mx          %s\n"
	    "listen     submission  %s\n"
	    "listen     local       %s\n\n"
	    "# Self-signed: replace it by one of a public authority when you have it.\n"
	    "certificate tls/fullchain.pem tls/privkey.pem\n\n"
	    "# Where promised mail is kept, and where the control socket is.\n"
	    "spool      %s\n"
	    "run        %s\n\n",
	    in->domain, in->hostname, in->mx, in->submission,
	    in->system ? "/run/postern/submit" : "run/submit",
	    in->system ? "/var/spool/postern" : "spool", in->system ? "/run/postern" : "run");
	buf_putf(&b,
	    "domain %s {\n"
	    "    # One line a user; postern user add NAME makes one.\n"
	    "    users    file users\n"
	    "    # postmaster, lists, other names: sendmail's format.\n"
	    "    aliases  file aliases\n"
	    "    deliver  maildir %s/{domain}/{user}\n"
	    "    # Its DNS record, and the others this domain needs, are in dns.txt.\n"
	    "    dkim     %s dkim/%s.%s.pem\n"
	    "}\n\n"
	    "# Who may send to other servers: our users, and the programs on this machine.\n"
	    "relay      from authenticated\n"
	    "relay      from local-uid any\n",
	    in->domain, in->system ? "/var/mail" : "mail", in->selector, in->domain, in->selector);
	good = !b.failed && init_write(below(in, "postern.conf"), 0644, buf_str(&b), &in->why);
	buf_done(&b);
	return good;
}

static bool
write_users(struct init *in)
{
	struct buf users, aliases, shown;
	bool good = true;

	buf_init(&users, 1 << 20);
	buf_init(&aliases, 1 << 20);
	buf_init(&shown, 1 << 20);
	for (size_t i = 0; i < in->nuser && good; i++) {
		char password[PASSWORD_TEXT];

		good = password_new(password);
		buf_putf(&users, "%s:", in->user[i]);
		good = good && password_verifier(str_of(password), &users);
		buf_puts(&users, "::::::\n");
		buf_putf(&shown, "user %s@%s password %s\n", in->user[i], in->domain, password);
	}
	buf_putf(&aliases, "# name: user, user@other.example, :include:/path, ...\n"
	    "postmaster: %s\nabuse: postmaster\nroot: postmaster\nMAILER-DAEMON: postmaster\n",
	    in->user[0]);
	good = good && !users.failed &&
	    init_write(below(in, "users"), 0600, buf_str(&users), &in->why) &&
	    init_write(below(in, "aliases"), 0644, buf_str(&aliases), &in->why);
	if (good)
		(void)fwrite(shown.p, 1, shown.n, stdout);
	buf_done(&users);
	buf_done(&aliases);
	buf_done(&shown);
	return good;
}

/* A TXT record's strings hold 255 octets each. */
static void
put_txt(struct buf *b, struct str text)
{
	while (text.n > 0) {
		struct str part = str_sub(text, 0, 200);

		buf_putf(b, " \"" STR_F "\"", STR_A(part));
		text = str_skip(text, part.n);
	}
	buf_putc(b, '\n');
}

static bool
write_keys(struct init *in)
{
	const char *chain = below(in, "tls/fullchain.pem"), *key = below(in, "tls/privkey.pem");
	char name[400];
	struct buf record, dns;
	bool good;

	buf_init(&record, 4096);
	buf_init(&dns, 16384);
	(void)snprintf(name, sizeof name, "dkim/%s.%s.pem", in->domain, in->selector);
	good = init_certificate(chain, key, in->hostname, &in->why) &&
	    init_dkim(below(in, name), false, &record, &in->why);
	buf_putf(&dns, "; Records for %s, to be published in its zone.\n"
	    "%s. IN MX 10 %s.\n%s. IN TXT \"v=spf1 mx -all\"\n"
	    "_dmarc.%s. IN TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@%s\"\n"
	    "%s._domainkey.%s. IN TXT", in->domain, in->domain, in->hostname, in->domain,
	    in->domain, in->domain, in->selector, in->domain);
	put_txt(&dns, buf_str(&record));
	good = good && init_write(below(in, "dns.txt"), 0644, buf_str(&dns), &in->why);
	buf_done(&record);
	buf_done(&dns);
	return good;
}

int
verb_init(int argc, char **argv)
{
	struct init *in = calloc(1, sizeof *in);
	char hostname[300];
	struct tm tm;
	time_t now = time(NULL);
	int code = EX_CANTCREAT_;

	if (in == NULL)
		abort();
	buf_init(&in->why, 2048);
	in->dir = "/etc/postern";
	in->mx = "0.0.0.0:25";
	in->submission = "0.0.0.0:465";
	if (!take_options(in, argc, argv)) {
		bool help = argc > 1 && strcmp(argv[1], "--help") == 0;

		(void)fputs(usage_text, help ? stdout : stderr);
		code = help ? EX_OK_ : EX_USAGE_;
	} else if (!options_good(in)) {
		code = EX_USAGE_;
	} else {
		if (in->hostname == NULL) {
			(void)snprintf(hostname, sizeof hostname, "mail.%s", in->domain);
			in->hostname = hostname;
		}
		if (in->nuser == 0)
			in->user[in->nuser++] = "postmaster";
		(void)snprintf(in->selector, sizeof in->selector, "s%d",
		    gmtime_r(&now, &tm) != NULL ? tm.tm_year + 1900 : 1);
		if (make_dirs(in) && write_keys(in) && write_users(in) && write_config(in)) {
			(void)printf("configuration %s\nnext: postern check --config %s\n",
			    below(in, "postern.conf"), below(in, "postern.conf"));
			code = EX_OK_;
		}
	}
	if (in->why.n > 0)
		(void)fprintf(stderr, "postern init: " STR_F "\n", STR_A(buf_str(&in->why)));
	buf_done(&in->why);
	free(in);
	return code;
}
