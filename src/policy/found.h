/* SPDX-License-Identifier: ISC */
/*
 * found: spool_env.flags: what the end of DATA found out about a message.
 *
 * Without FOUND_JUDGED nothing was looked at (mail of our own users, of this host, notices), and
 * the other bits say nothing.  Written by smtpd with the verdict; read by queue (forwarding,
 * bounces) and local (the folder).  In a file of its own for those who know neither facts nor
 * verdicts.
 */
#ifndef POLICY_FOUND_H
#define POLICY_FOUND_H

enum found {
	FOUND_JUDGED = 1,
	FOUND_JUNK = 2,			/* to the junk folder; never forwarded */
	FOUND_SENDER_SPF = 4,		/* SPF passed for the envelope sender's domain */
	FOUND_SENDER_DKIM = 8,		/* a signature of the envelope sender's domain passed */
	FOUND_AUTHOR_DKIM = 16,		/* an aligned signature of the author passed: it survives
					 * forwarding */
	FOUND_AUTHOR_STRICT = 32,	/* the author's domain asks for quarantine or reject */
};

#endif
