/* SPDX-License-Identifier: ISC */
/*
 * verb_parse: the diagnosis verbs that only read a text: JSON on standard output, exit 0 when the
 * question was answered, 64 for wrong usage, 65 for input that cannot be handled.
 */
#ifndef MAIN_VERB_PARSE_H
#define MAIN_VERB_PARSE_H

int verb_address(int argc, char **argv);	/* address parse --smtp|--header [--utf8] */
int verb_header(int argc, char **argv);		/* header parse --type T */
int verb_message(int argc, char **argv);	/* message parse */
int verb_mtasts(int argc, char **argv);		/* mta-sts record|policy */
int verb_tlsrpt(int argc, char **argv);		/* tls-rpt record */

#endif
