/* SPDX-License-Identifier: ISC */
/*
 * verb_trust: what the verbs of sender authentication share.
 */
#ifndef MAIN_VERB_TRUST_H
#define MAIN_VERB_TRUST_H

#include <jansson.h>
#include <openssl/types.h>

#include "trust/dmarc.h"

struct dkim;

/* The signatures as a list. */
json_t *verb_dkim_json(const struct dkim *d);
/* list and rotate, of `postern dkim` */
int verb_dkim_keys(int argc, char **argv);
/* From a PEM file; NULL: said on standard error. */
EVP_PKEY *verb_dkim_key(const char *file);

/* "none", "quarantine", "reject" */
const char *verb_dmarc_policy(enum dmarc_policy p);
json_t *verb_dmarc_json(const struct dmarc_result *r);

/* An aggregate report on standard input, as JSON; answers the exit status. */
int verb_dmarc_report(void);

#endif
