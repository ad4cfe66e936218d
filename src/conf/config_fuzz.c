/* SPDX-License-Identifier: ISC */
/*
 * config_fuzz: any bytes as a configuration file.
 *
 * What must hold: a text gives a snapshot or at least one mistake, never both and never neither;
 * and what `config show` prints of a snapshot is read back as the same snapshot.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/config.h"
#include "conf/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf_errors errs = {};
	struct config *cfg = config_parse((struct str){ (const char *)p, n }, "/etc/f", &errs);

	assert((cfg == NULL) == (errs.n > 0));
	if (cfg != NULL) {
		struct buf text;

		buf_init(&text, 64 << 20);
		config_print(cfg, &text);
		struct config *again = config_parse(buf_str(&text), "/etc/f", &errs);

		assert(again != NULL || text.failed);
		config_free(again);
		buf_done(&text);
	}
	config_free(cfg);
	conf_errors_done(&errs);
	return 0;
}
