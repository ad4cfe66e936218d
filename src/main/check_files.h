/* SPDX-License-Identifier: ISC */
/*
 * check_files: what `postern check` looks at outside of the configuration's text.
 *
 * Each function adds mistakes to errs (place 0:0, the text names the file and how to mend it) and
 * remarks, one a line, to notes.
 */
#ifndef MAIN_CHECK_FILES_H
#define MAIN_CHECK_FILES_H

#include "base/buf.h"
#include "conf/config.h"

struct check {
	const struct config *cfg;
	struct conf_errors *errs;
	struct buf *notes;
};

void check_secrets(struct check *c);		/* certificates, keys: readable, safe, matching */
void check_directories(struct check *c);	/* spool and run directory can be written */
void check_ports(struct check *c);		/* free, or ours already */
void check_tables(struct check *c);		/* users, aliases, ... parse; postmaster is there */

#endif
