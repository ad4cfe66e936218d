/* SPDX-License-Identifier: ISC */
/*
 * ipc_fuzz: a taken-over peer sends any bytes: datagrams are walked and messages unpacked within
 * their bounds, and what unpacks packs to the same bytes again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/chan_io.h"
#include "ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_message(enum msg_type type, struct str bytes, struct arena *a)
{
	static char again[IPC_FRAME_MAX];
	size_t room = sizeof(again);
	union msg m;

	if (!msg_unpack(type, bytes, &m, a))
		return;
	if (!msg_put(type, &m, again, &room))
		abort();
	if (room != bytes.n || (room > 0 && memcmp(again, bytes.p, room) != 0))
		abort();
}

static void
walk(struct str d, struct arena *a)
{
	const char *why;
	struct frame f;
	uint32_t seq = 0;

	if (d.n >= 8)
		memcpy(&seq, d.p + 4, sizeof(seq));	/* so that bytes get past the head */
	if (!dgram_open(&d, &seq, &why))
		return;
	while (d.n > 0 && dgram_next(&d, &f, &why)) {
		try_message(f.type, f.bytes, a);
		arena_reset(a);
	}
}

/* The first byte chooses: 0 a datagram, else that message type's payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	if (n == 0 || n > DGRAM_MAX)
		return 0;
	arena_init(&a, 8u << 20);
	if (p[0] == 0)
		walk(str_from(p + 1, n - 1), &a);
	else
		try_message((enum msg_type)p[0], str_from(p + 1, n - 1), &a);
	arena_done(&a);
	return 0;
}
