/* SPDX-License-Identifier: ISC */
/*
 * access_build: see access_build.c; called by table_build for TABLE_ACCESS alone.
 */
#ifndef TABLE_ACCESS_BUILD_H
#define TABLE_ACCESS_BUILD_H

#include "table/tables.h"

/* False: a mistake, and nothing of the file may be used. */
bool access_build(struct image_builder *b, struct str file, struct str text,
    struct conf_errors *errs);

#endif
