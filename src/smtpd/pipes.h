/* SPDX-License-Identifier: ISC */
/*
 * pipes: a stream that reads from one descriptor and writes to another: standard input and output.
 *
 * Takes both descriptors.  They may be the same (a socket).
 */
#ifndef SMTPD_PIPES_H
#define SMTPD_PIPES_H

#include "rt/stream.h"

struct stream *pipes_new(int in, int out);

#endif
