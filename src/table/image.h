/* SPDX-License-Identifier: ISC */
/*
 * image: an immutable map from bytes to bytes in one sealed memfd.
 *
 * 1. Built once, sealed against every change, mapped read-only by any number of processes.
 * 2. Position independent: offsets only.  A reader trusts nothing: the head is checked when the
 *    image is opened, each entry's bounds when it is read; a damaged image answers "not there".
 * 3. image_open refuses a descriptor that is not sealed, so that what was checked stays so.
 *
 * Layout: head, slots (open addressing, 8 bytes each), entries of 8-byte alignment.  Host byte
 * order: an image never leaves the machine.  Slices point into the map and live until image_close.
 */
#ifndef TABLE_IMAGE_H
#define TABLE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct image {
	const char *p;			/* NULL: none; every look-up answers no */
	size_t n;
	uint64_t nslot, nentry;
};

/* Maps fd, which stays the caller's.  False: not a sealed, whole image. */
bool image_open(struct image *img, int fd);
void image_close(struct image *img);
bool image_get(const struct image *img, struct str key, struct str *value);
/* All entries, as they were added; *at begins as 0. */
bool image_next(const struct image *img, uint64_t *at, struct str *key, struct str *value);

struct image_builder;

struct image_builder *image_builder_new(void);
void image_builder_free(struct image_builder *b);
/* Copies both.  False: the key is there already (the first one stays). */
bool image_add(struct image_builder *b, struct str key, struct str value);
/* The sealed memfd, or -1 (no memory); ends the builder. */
int image_finish(struct image_builder *b);

#endif
