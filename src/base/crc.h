/* SPDX-License-Identifier: ISC */
/*
 * crc: CRC-32C (Castagnoli), as the spool's records carry it.
 *
 * crc32c(crc32c(0, a), b) is the CRC of a followed by b.  Uses the processor's instruction where
 * there is one (SSE4.2, ARMv8 CRC), asked at run time; a table otherwise.
 */
#ifndef BASE_CRC_H
#define BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t seed, const void *p, size_t n);

/* The table version, for comparison in tests. */
uint32_t crc32c_table(uint32_t seed, const void *p, size_t n);

#endif
