/* SPDX-License-Identifier: ISC */
/*
 * proxy: the header of the PROXY protocol, versions 1 and 2, as a pure parser.
 *
 * Read only from peers that the listener names, and then required: see session.c.  Takes the
 * bytes from the front of a connection; nothing of them is ever a command.
 * Standard: the PROXY protocol, versions 1 & 2 (HAProxy), 2.1 and 2.2.
 */
#ifndef SMTPD_PROXY_H
#define SMTPD_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

enum proxy { PROXY_OK, PROXY_MORE, PROXY_BAD };

/* The longest header taken: version 2 with its additions. */
enum { PROXY_MAX = 2048 };

struct proxy_header {
	bool local;			/* LOCAL or UNKNOWN: the proxy speaks for itself */
	struct ip src, dst;
	uint16_t src_port, dst_port;
};

/* PROXY_OK: *used bytes were the header.  PROXY_MORE: more bytes are needed to tell. */
enum proxy proxy_parse(struct str bytes, struct proxy_header *out, size_t *used);

#endif
