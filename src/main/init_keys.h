/* SPDX-License-Identifier: ISC */
/*
 * init_keys: the keys of a new instance: a self-signed certificate and a DKIM key.
 *
 * Files are made new (never overwritten), secrets with mode 600.  On failure why names the file.
 */
#ifndef MAIN_INIT_KEYS_H
#define MAIN_INIT_KEYS_H

#include <openssl/types.h>

#include "base/buf.h"

/* Creates path with that mode and text; false with a reason when it exists or cannot be made. */
bool init_write(const char *path, unsigned mode, struct str text, struct buf *why);

/* P-256, valid for hostname for two years. */
bool init_certificate(const char *chain, const char *key, const char *hostname, struct buf *why);

/* RSA-2048 or Ed25519; the record's text ("v=DKIM1; k=rsa; p=...") is appended to record. */
bool init_dkim(const char *path, bool ed25519, struct buf *record, struct buf *why);
/* The record of a key that is there.  False: of a kind that DKIM does not have. */
bool init_dkim_record(EVP_PKEY *key, struct buf *record);

#endif
