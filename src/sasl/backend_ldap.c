/* SPDX-License-Identifier: ISC */
/*
 * backend_ldap: is it that password? by a bind as the user.
 *
 * user_dn is a template of the user's name; or base and filter find it, after a bind as bind_dn.
 * An empty password never gets here: a bind with one would be anonymous, and succeed (RFC 4513
 * 5.1.2). libldap is loaded when first needed.
 */
#include "sasl/nurse.h"

#include <dlfcn.h>
#include <ldap.h>
#include <stdlib.h>
#include <sys/time.h>

enum { DN_MAX = 4096, NET_S = 5 };

static struct {
	void *lib;
	__typeof__(ldap_initialize) *initialize;
	__typeof__(ldap_set_option) *set_option;
	__typeof__(ldap_sasl_bind_s) *bind;
	__typeof__(ldap_start_tls_s) *start_tls;
	__typeof__(ldap_search_ext_s) *search;
	__typeof__(ldap_first_entry) *first;
	__typeof__(ldap_next_entry) *next;
	__typeof__(ldap_get_dn) *get_dn;
	__typeof__(ldap_msgfree) *msgfree;
	__typeof__(ldap_memfree) *memfree;
	__typeof__(ldap_unbind_ext_s) *unbind;
} api;

#define GET(field, name) \
	((api.field = (__typeof__(api.field))(uintptr_t)dlsym(api.lib, name)) != NULL)

static bool
load(void)
{
	if (api.unbind != NULL)
		return true;
	api.lib = dlopen("libldap-2.5.so.0", RTLD_NOW | RTLD_LOCAL);
	if (api.lib == NULL)
		api.lib = dlopen("libldap.so.2", RTLD_NOW | RTLD_LOCAL);
	return api.lib != NULL && GET(initialize, "ldap_initialize") &&
	    GET(set_option, "ldap_set_option") && GET(bind, "ldap_sasl_bind_s") &&
	    GET(start_tls, "ldap_start_tls_s") && GET(search, "ldap_search_ext_s") &&
	    GET(first, "ldap_first_entry") && GET(next, "ldap_next_entry") &&
	    GET(get_dn, "ldap_get_dn") && GET(msgfree, "ldap_msgfree") &&
	    GET(memfree, "ldap_memfree") && GET(unbind, "ldap_unbind_ext_s");
}

/* RFC 4514 2.4 */
static bool
put_dn_value(struct buf *out, struct str v)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (!ascii_isalnum((char)c) && c != '.' && c != '-' && c != '_' && c != '@') {
			(void)buf_putc(out, '\\');
			(void)buf_putc(out, hex[c >> 4]);
			c = (unsigned char)hex[c & 15];
		}
		(void)buf_putc(out, (char)c);
	}
	return !out->failed;
}

/* RFC 4515 3 */
static bool
put_filter_value(struct buf *out, struct str v)
{
	return put_dn_value(out, v);		/* the same escapes, in a filter's meaning */
}

static int
bind_as(LDAP *ld, const char *dn, struct str password)
{
	struct berval cred = { .bv_len = password.n, .bv_val = (char *)(uintptr_t)password.p };

	return api.bind(ld, dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
}

static LDAP *
dial(const struct backend_file *f)
{
	int version = LDAP_VERSION3;
	struct timeval limit = { .tv_sec = NET_S };
	char *uri = strndup(f->uri.p, f->uri.n);
	LDAP *ld = NULL;

	if (uri == NULL || api.initialize(&ld, uri) != LDAP_SUCCESS)
		ld = NULL;
	free(uri);
	if (ld == NULL)
		return NULL;
	(void)api.set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	(void)api.set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &limit);
	(void)api.set_option(ld, LDAP_OPT_TIMEOUT, &limit);
	(void)api.set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	if (str_eq(f->starttls, STR("yes")) && api.start_tls(ld, NULL, NULL) != LDAP_SUCCESS) {
		(void)api.unbind(ld, NULL, NULL);
		return NULL;
	}
	return ld;
}

/* The one entry that the filter finds. */
static enum cred
search(LDAP *ld, const struct backend_file *f, const struct domain *d, struct str local,
    struct buf *dn)
{
	static char none[] = "1.1";
	char *attrs[] = { none, NULL }, *base = strndup(f->base.p, f->base.n), *name;
	struct timeval limit = { .tv_sec = NET_S };
	enum cred answer = CRED_UNAVAILABLE;
	LDAPMessage *res = NULL, *entry;
	struct buf filter;
	int rc;

	buf_init(&filter, DN_MAX);
	if (base != NULL && backend_expand(&filter, f->filter, local, d->name, put_filter_value) &&
	    buf_putc(&filter, '\0')) {
		rc = api.search(ld, base, LDAP_SCOPE_SUBTREE, filter.p, attrs, 0, NULL, NULL,
		    &limit, 2, &res);
		entry = rc == LDAP_SUCCESS ? api.first(ld, res) : NULL;
		if (rc == LDAP_SUCCESS || rc == LDAP_NO_SUCH_OBJECT)
			answer = CRED_UNKNOWN;
		if (entry != NULL && api.next(ld, entry) == NULL) {
			name = api.get_dn(ld, entry);
			answer = name != NULL && buf_put(dn, str_of(name)) ? CRED_OK :
			    CRED_UNAVAILABLE;
			api.memfree(name);
		}
	}
	api.msgfree(res);
	buf_done(&filter);
	free(base);
	return answer;
}

static enum cred
find_dn(LDAP *ld, const struct backend_file *f, const struct domain *d, struct str local,
    struct buf *dn)
{
	char *who;
	int rc = LDAP_SUCCESS;

	if (f->user_dn.n > 0)
		return backend_expand(dn, f->user_dn, local, d->name, put_dn_value) ? CRED_OK :
		    CRED_UNAVAILABLE;
	if (f->filter.n == 0)
		return CRED_UNAVAILABLE;
	who = strndup(f->bind_dn.p ? f->bind_dn.p : "", f->bind_dn.n);
	if (f->bind_dn.n > 0 && who != NULL)
		rc = bind_as(ld, who, f->bind_password);
	free(who);
	return rc == LDAP_SUCCESS ? search(ld, f, d, local, dn) : CRED_UNAVAILABLE;
}

static enum cred
try_password(LDAP *ld, struct buf *dn, struct str password)
{
	if (!buf_putc(dn, '\0') || password.n == 0)
		return CRED_UNAVAILABLE;
	switch (bind_as(ld, dn->p, password)) {
	case LDAP_SUCCESS:
		return CRED_OK;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_UNWILLING_TO_PERFORM:
		return CRED_FAILED;
	default:
		return CRED_UNAVAILABLE;
	}
}

enum cred
backend_ldap(const struct domain *d, struct str local, struct str password)
{
	enum cred answer = CRED_UNAVAILABLE;
	struct backend_file f;
	struct buf dn;
	LDAP *ld;

	if (!load() || !backend_file_read(&f, d->passwords_at))
		return CRED_UNAVAILABLE;
	buf_init(&dn, DN_MAX);
	ld = f.uri.n > 0 ? dial(&f) : NULL;
	if (ld != NULL) {
		answer = find_dn(ld, &f, d, local, &dn);
		if (answer == CRED_UNKNOWN) {		/* one more round trip, as for the others */
			(void)buf_puts(&dn, "cn=nobody,dc=invalid");
			(void)try_password(ld, &dn, password);
		}
		if (answer == CRED_OK)
			answer = try_password(ld, &dn, password);
		(void)api.unbind(ld, NULL, NULL);
	}
	buf_done(&dn);
	buf_done(&f.text);
	return answer;
}
