/* SPDX-License-Identifier: ISC */
/*
 * verify: what is known of the peer's certificate, in sendmail's words (its ${verify}).
 *
 * One word for each connection, the same in the log, in Received, in policy and in the counters.
 * Zero is NONE: no TLS.  Which word means what:
 *
 *	OK		a certificate that an authority we were told to trust vouches for
 *	NO		we asked, the peer has none
 *	NOT		we did not ask
 *	FAIL		one that could not be verified
 *	NONE		TLS was not begun
 *	TEMP		not now: our own side could not do it (vault away, no memory)
 *	PROTOCOL	the SMTP around STARTTLS was wrong
 *	SOFTWARE	the handshake failed
 *	TRUSTED		verified by DANE;  DANE_FAIL: not;  DANE_TEMP: could not be looked up;
 *	DANE_NOTLS	DANE asks for TLS, the peer has none
 *	CLEAR		TLS was left out on purpose
 *	CONFIG		our configuration for this peer cannot be carried out
 */
#ifndef TLS_VERIFY_H
#define TLS_VERIFY_H

#include <stdbool.h>

#include "base/str.h"

enum tls_verify {
	TV_NONE, TV_OK, TV_NO, TV_NOT, TV_FAIL, TV_TEMP, TV_PROTOCOL, TV_SOFTWARE,
	TV_TRUSTED, TV_DANE_FAIL, TV_DANE_TEMP, TV_DANE_NOTLS, TV_CLEAR, TV_CONFIG,
	TV_COUNT
};

struct str tls_verify_name(enum tls_verify v);
[[nodiscard]] bool tls_verify_parse(struct str word, enum tls_verify *out);

/* Of a handshake that succeeded: did we ask, is there a certificate, OpenSSL's result for it. */
enum tls_verify tls_verify_of(bool asked, bool present, long result);

#endif
