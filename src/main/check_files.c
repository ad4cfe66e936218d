/* SPDX-License-Identifier: ISC */
/*
 * check_files: see check_files.h.
 */
#include "main/check_files.h"

#include <errno.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "conf/errors.h"
#include "route/ask.h"
#include "table/sources.h"
#include "tls/check.h"
#include "tls/provider.h"

static void
mistake(struct check *c, struct str text)
{
	conf_error_add(c->errs, 0, 0, STR_F, STR_A(text));
}

/* The file behind links (certbot's certificates are links), as a C string to be freed. */
static char *
real(struct str path)
{
	char *z = strndup(path.p, path.n), *whole = z != NULL ? realpath(z, NULL) : NULL;

	if (whole == NULL)
		return z;
	free(z);
	return whole;
}

static bool
check_secret(struct check *c, struct str path)
{
	struct file_rules rules = { .secret = true };
	struct buf why;
	char *z = real(path);
	bool good;

	if (z == NULL)
		return false;
	buf_init(&why, 1024);
	good = file_check(z, &rules, &why) == FILE_OK;
	if (!good)
		mistake(c, buf_str(&why));
	buf_done(&why);
	free(z);
	return good;
}

static FILE *
open_file(struct check *c, struct str path)
{
	char *z = real(path);
	FILE *f = z != NULL ? fopen(z, "re") : NULL;

	if (f == NULL)
		conf_error_add(c->errs, 0, 0, STR_F " %s", STR_A(path), errno == ENOENT ?
		    "does not exist" : "cannot be read");
	free(z);
	return f;
}

static EVP_PKEY *
read_key(struct check *c, struct str path)
{
	FILE *f = check_secret(c, path) ? open_file(c, path) : NULL;
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f != NULL && key == NULL)
		conf_error_add(c->errs, 0, 0, STR_F " is no private key in PEM", STR_A(path));
	if (f != NULL)
		(void)fclose(f);
	return key;
}

/* What keeper would find when it starts. */
static void
hear(void *ctx, const struct tls_finding *f)
{
	struct check *c = ctx;

	if (f->level >= TLS_EXPIRED)
		conf_error_add(c->errs, 0, 0, STR_F ": " STR_F, STR_A(f->path), STR_A(f->text));
	else
		(void)buf_putf(c->notes, STR_F ": " STR_F "\n", STR_A(f->path), STR_A(f->text));
}

static void
check_certificates(struct check *c)
{
	struct tls_checker checker = {
		.say = hear, .ctx = c, .source = { .read = tls_read_path }, .now_s = time(NULL),
	};

	for (size_t i = 0; i < c->cfg->ncert; i++)
		(void)check_secret(c, c->cfg->cert[i].key);
	if (!tls_init())
		mistake(c, STR("OpenSSL cannot be used"));
	else
		(void)tls_check(c->cfg, &checker);
}

/* RFC 8301 3.2, RFC 8463 3: what others take. */
static void
check_dkim_key(struct check *c, struct str path)
{
	EVP_PKEY *key = read_key(c, path);
	bool rsa = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

	if (key != NULL && !rsa && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
		conf_error_add(c->errs, 0, 0,
		    STR_F " is no key for DKIM: it takes RSA and Ed25519", STR_A(path));
	else if (rsa && (bits < 1024 || bits > 4096))
		conf_error_add(c->errs, 0, 0,
		    STR_F " has %d bits: others take RSA keys of 1024 to 4096", STR_A(path), bits);
	else if (rsa && bits < 2048)
		(void)buf_putf(c->notes,
		    STR_F " has %d bits: weak, postern dkim rotate makes one of 2048\n",
		    STR_A(path), bits);
	EVP_PKEY_free(key);
}

void
check_secrets(struct check *c)
{
	check_certificates(c);
	for (size_t i = 0; i < c->cfg->ndomain; i++)
		for (size_t k = 0; k < c->cfg->domain[i].ndkim; k++)
			check_dkim_key(c, c->cfg->domain[i].dkim[k].file);
	for (size_t i = 0; i < c->cfg->ndomain; i++) {
		const struct domain *d = &c->cfg->domain[i];
		struct stat st;
		char *z = d->users == USERS_FILE ? real(d->users_file) : NULL;

		if (z != NULL && stat(z, &st) == 0 && (st.st_mode & (S_IRWXO)) != 0)
			conf_error_add(c->errs, 0, 0,
			    "%s is a secret that others can read: chmod 640 '%s'", z, z);
		free(z);
	}
}

/* The directory, or where it does not exist yet, the nearest one above it. */
static void
check_directory(struct check *c, struct str path, const char *what)
{
	char *z = strndup(path.p, path.n), *slash;
	struct stat st;

	if (z == NULL)
		abort();
	while (stat(z, &st) != 0 && errno == ENOENT && (slash = strrchr(z,
	    '/')) != NULL && slash != z)
		*slash = '\0';
	if (stat(z, &st) != 0 || !S_ISDIR(st.st_mode))
		conf_error_add(c->errs, 0, 0, "%s " STR_F ": %s is not a directory", what,
		    STR_A(path), z);
	else if (access(z, W_OK | X_OK) != 0)
		conf_error_add(c->errs, 0, 0, "%s " STR_F ": %s is not writable for uid %u: "
		    "chown %u '%s'", what, STR_A(path), z, geteuid(), geteuid(), z);
	else if ((st.st_mode & S_IWOTH) != 0 && strlen(z) == path.n)
		conf_error_add(c->errs, 0, 0, "%s is writable by everybody: chmod o-w '%s'", z, z);
	free(z);
}

void
check_directories(struct check *c)
{
	check_directory(c, c->cfg->spool_dir, "spool");
	check_directory(c, c->cfg->run_dir, "run");
	if (!str_starts(c->cfg->data_dir, c->cfg->spool_dir))
		check_directory(c, c->cfg->data_dir, "data");
}

/* A server of this configuration is running already: its ports are taken by itself. */
static bool
is_running(const struct config *cfg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path, sizeof un.sun_path, STR_F "/control", STR_A(cfg->run_dir));
	int fd = n > 0 && n < (int)sizeof un.sun_path ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
	    0)
	    : -1;
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)&un, sizeof un) == 0;

	if (!yes && fd >= 0 && errno == EPROTOTYPE)
		yes = true;				/* there, but of another socket type */
	if (fd >= 0)
		(void)close(fd);
	return yes;
}

static void
check_port(struct check *c, const struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(l->ip, l->port, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	char ip[IP_TEXT_MAX];
	struct str text = ip_format(l->ip, ip);

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&ss, n) == 0 && listen(fd, 1) == 0) {
		(void)close(fd);
		return;
	}
	if (errno == EADDRINUSE)
		conf_error_add(c->errs, l->line, 1,
		    "port %u of " STR_F " is in use by another program: "
		    "stop it, or listen elsewhere", l->port, STR_A(text));
	else if (errno == EACCES)
		conf_error_add(c->errs, l->line, 1,
		    "port %u needs root to be opened: start as root, "
		    "or listen on a port above 1023", l->port);
	else
		conf_error_add(c->errs, l->line, 1, STR_F " is no address of this machine",
		    STR_A(text));
	(void)close(fd);
}

void
check_ports(struct check *c)
{
	if (is_running(c->cfg)) {
		buf_puts(c->notes, "a server of this configuration is running\n");
		return;
	}
	for (size_t i = 0; i < c->cfg->nlistener; i++)
		if (c->cfg->listener[i].path.n == 0)
			check_port(c, &c->cfg->listener[i]);
}

static void
check_postmaster(struct check *c, const struct tables *t)
{
	const struct domain *d = &c->cfg->domain[0];
	struct user_entry u;
	struct str packed;

	if (c->cfg->ndomain == 0 || d->users != USERS_FILE || d->catch_all.n > 0)
		return;
	if ((d->aliases_file.n == 0 ||
	    tables_alias(t, d->aliases_file, STR("postmaster"), &packed) != FIND_YES) &&
	    tables_user(t, d->users_file, STR("postmaster"), &u) != FIND_YES)
		buf_putf(c->notes, "nobody is postmaster of " STR_F ": its mail goes to the "
		    "first user\n",
		    STR_A(d->name));
}

void
check_tables(struct check *c)
{
	struct sources all = { .owner = c->cfg->role[ROLE_KEEPER].uid };
	struct conf_errors found = {};
	struct tables t = {};
	int fd;

	sources_of(&all, c->cfg);
	(void)sources_look(&all, &found);
	for (size_t i = 0; i < found.n; i++) {
		struct str one = found.e[i].text;

		if (str_find(one, STR(": note: ")) >= 0)
			buf_putf(c->notes, STR_F "\n", STR_A(one));
		else
			conf_error_add(c->errs, 0, 0, STR_F, STR_A(one));
	}
	conf_errors_done(&found);
	fd = sources_image(&all);
	if (fd >= 0 && tables_take(&t, fd, 1))
		check_postmaster(c, &t);
	tables_done(&t);
	sources_done(&all);
}
