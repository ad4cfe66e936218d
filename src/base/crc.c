/* SPDX-License-Identifier: ISC */
/*
 * crc: three ways to the same 32 bits.
 *
 * The instruction has a latency of three cycles and a throughput of one, so long runs are done as
 * three interleaved streams whose results are joined by shifting over the length of a stream
 * (a precomputed operator, as zlib's crc32_combine does it).
 */
#include "base/crc.h"
#include "base/num.h"

#define POLY UINT32_C(0x82f63b78)	/* reversed */

enum { STREAM = 1360 };			/* bytes a stream; three are about one 4 KiB message */

static uint32_t table[8][256];
static uint32_t shift_op[4][256];	/* effect of STREAM zero bytes on each byte of a crc */
static uint32_t (*chosen)(uint32_t, const void *, size_t);

static void
table_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? POLY : 0);
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (size_t k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t
crc32c_table(uint32_t seed, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t c = ~seed;

	if (table[0][1] == 0)
		table_init();
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t v = get_le64(p) ^ c;

		c = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^
		    table[4][v >> 24 & 0xff] ^ table[3][v >> 32 & 0xff] ^
		    table[2][v >> 40 & 0xff] ^ table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
	}
	while (n-- > 0)
		c = c >> 8 ^ table[0][(c ^ *p++) & 0xff];
	return ~c;
}

#if defined(__x86_64__)
#define HAVE_INSTRUCTION 1
#define CRC_TARGET __attribute__((target("sse4.2")))
#define crc_u8(c, v) __builtin_ia32_crc32qi((c), (v))
#define crc_u64(c, v) ((uint32_t)__builtin_ia32_crc32di((c), (v)))

static int
have_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#define HAVE_INSTRUCTION 1
#define CRC_TARGET __attribute__((target("+crc")))
#define crc_u8(c, v) __builtin_aarch64_crc32cb((c), (v))
#define crc_u64(c, v) __builtin_aarch64_crc32cx((c), (v))

static int
have_instruction(void)
{
	return (getauxval(AT_HWCAP) & (1UL << 7)) != 0;		/* HWCAP_CRC32 */
}
#endif

#ifdef HAVE_INSTRUCTION

/* What STREAM zero bytes make of c (not inverted). */
static inline uint32_t
shifted(uint32_t c)
{
	return shift_op[0][c & 0xff] ^ shift_op[1][c >> 8 & 0xff] ^
	    shift_op[2][c >> 16 & 0xff] ^ shift_op[3][c >> 24];
}

static void
shift_init(void)
{
	for (size_t k = 0; k < 4; k++)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i << (8 * k);

			for (int z = 0; z < STREAM; z++)
				c = c >> 8 ^ table[0][c & 0xff];
			shift_op[k][i] = c;
		}
}

CRC_TARGET static uint32_t
crc32c_fast(uint32_t seed, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t c = ~seed;

	for (; n >= 3 * STREAM; n -= 3 * STREAM, p += 3 * STREAM) {
		uint32_t c1 = 0, c2 = 0;

		for (size_t i = 0; i < STREAM; i += 8) {
			c = crc_u64(c, get_le64(p + i));
			c1 = crc_u64(c1, get_le64(p + STREAM + i));
			c2 = crc_u64(c2, get_le64(p + 2 * STREAM + i));
		}
		c = shifted(shifted(c) ^ c1) ^ c2;
	}
	for (; n >= 8; n -= 8, p += 8)
		c = crc_u64(c, get_le64(p));
	while (n-- > 0)
		c = crc_u8(c, *p++);
	return ~c;
}
#endif

static void
choose(void)
{
	table_init();
#ifdef HAVE_INSTRUCTION
	if (have_instruction()) {
		shift_init();
		__atomic_store_n(&chosen, crc32c_fast, __ATOMIC_RELEASE);
		return;
	}
#endif
	__atomic_store_n(&chosen, crc32c_table, __ATOMIC_RELEASE);
}

/* Worker threads call this too: choosing twice writes the same values. */
uint32_t
crc32c(uint32_t seed, const void *p, size_t n)
{
	if (!__atomic_load_n(&chosen, __ATOMIC_ACQUIRE))
		choose();
	return chosen(seed, p, n);
}
