/* SPDX-License-Identifier: ISC */
/*
 * backend_pam: is it that password? by PAM: authenticate, then account (expired, locked).
 *
 * Echo-off prompts get the password, everything else nothing; a module that asks for more fails.
 * libpam is loaded when first needed.
 */
#include "sasl/nurse.h"

#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdlib.h>

#include "base/num.h"

static struct {
	void *lib;
	__typeof__(pam_start) *start;
	__typeof__(pam_end) *end;
	__typeof__(pam_set_item) *set_item;
	__typeof__(pam_authenticate) *authenticate;
	__typeof__(pam_acct_mgmt) *account;
} api;

#define GET(field, name) \
	((api.field = (__typeof__(api.field))(uintptr_t)dlsym(api.lib, name)) != NULL)

static bool
load(void)
{
	if (api.account != NULL)
		return true;
	api.lib = dlopen("libpam.so.0", RTLD_NOW | RTLD_LOCAL);
	return api.lib != NULL && GET(start, "pam_start") && GET(end, "pam_end") &&
	    GET(set_item, "pam_set_item") && GET(authenticate, "pam_authenticate") &&
	    GET(account, "pam_acct_mgmt");
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **out, void *arg)
{
	const char *password = arg;
	struct pam_response *r = n > 0 && n <= PAM_MAX_NUM_MSG ?
	    calloc((size_t)n, sizeof *r) : NULL;

	if (r == NULL)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++)
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			r[i].resp = strdup(password);
	*out = r;
	return PAM_SUCCESS;
}

static enum cred
meaning(int rc)
{
	switch (rc) {
	case PAM_SUCCESS:
		return CRED_OK;
	case PAM_USER_UNKNOWN:
		return CRED_UNKNOWN;
	case PAM_AUTH_ERR:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_CRED_EXPIRED:
	case PAM_CRED_INSUFFICIENT:
		return CRED_FAILED;
	default:
		return CRED_UNAVAILABLE;
	}
}

enum cred
backend_pam(const struct domain *d, struct str local, struct str password, const struct ip *peer)
{
	char *service = strndup(d->passwords_at.p, d->passwords_at.n);
	char *user = strndup(local.p, local.n), *secret = strndup(password.p, password.n);
	struct pam_conv conv = { converse, secret };
	char text[IP_TEXT_MAX + 1] = {};
	pam_handle_t *h = NULL;
	int rc = PAM_SYSTEM_ERR;
	struct str ip = ip_format(*peer, text);

	if (service != NULL && user != NULL && secret != NULL && load())
		rc = api.start(service, user, &conv, &h);
	if (rc == PAM_SUCCESS && h != NULL) {
		text[MIN(ip.n, sizeof text - 1)] = '\0';
		(void)api.set_item(h, PAM_RHOST, text);
		rc = api.authenticate(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
		if (rc == PAM_SUCCESS)
			rc = api.account(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
		(void)api.end(h, rc);
	}
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
	free(user);
	free(service);
	return meaning(rc);
}
