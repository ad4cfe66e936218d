/* SPDX-License-Identifier: ISC */
/*
 * milter_fuzz: any bytes as what a milter says, and what it asks for as changes of a header.
 *
 * Whatever it names, the header section stays one: it ends where it ended, and no field appears
 * that was not asked for by name.
 */
#include <stdlib.h>

#include "mail/header.h"
#include "smtpd/edit.h"
#include "smtpd/milter_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct str head = STR_INIT("From: a@b.example\r\nSubject: x\r\n y\r\n"
    "To: c@d.example\r\n");

/* Still a header section of whole fields, and at most one field more or fewer. */
static void
check_head(struct str text, struct arena *a)
{
	struct header h;

	if (!header_parse(text, a, 0, &h))
		return;
	if (h.junk || h.size != text.n || h.n < 2 || h.n > 4)
		abort();
}

static void
change(const struct milter_answer *m, struct arena *a)
{
	struct edit e = { .name = m->name, .value = m->value };
	struct buf b;

	buf_init(&b, 1 << 20);
	(void)buf_put(&b, head);
	if (m->code == MA_ADD_HEADER)
		(void)edit_add(&b, &e);
	else if (m->code == MA_INSERT_HEADER)
		(void)edit_insert(&b, m->index, &e);
	else if (m->code == MA_CHANGE_HEADER)
		(void)edit_change(&b, m->index, &e);
	check_head(buf_str(&b), a);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = str_from(p, n), data;
	struct arena a;
	size_t need;
	char code;

	arena_init(&a, 4 << 20);
	while (bytes.n > 0 && milter_frame(bytes, &code, &data, &need) == MILTER_FRAME) {
		struct milter_answer m;
		const char *why = NULL;

		if (data.n + 5 > bytes.n || need > bytes.n)
			abort();
		if (milter_answer_read(code, data, &a, &m, &why))
			change(&m, &a);
		else if (why == NULL)
			abort();
		bytes = str_skip(bytes, data.n + 5);
	}
	arena_done(&a);
	return 0;
}
