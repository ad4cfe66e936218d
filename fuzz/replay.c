/* SPDX-License-Identifier: ISC */
/*
 * replay: runs one fuzz target over the corpus files named on the command line, so that every
 * build, with any compiler, replays what the fuzzers have found.  Exit 0 when all were taken;
 * a finding ends the program by a signal or an assertion, as under libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { INPUT_MAX = 1 << 20 };

static int
replay_file(const char *name, uint8_t *bytes)
{
	FILE *f = fopen(name, "rb");

	if (f == NULL) {
		perror(name);
		return 1;
	}
	size_t n = fread(bytes, 1, INPUT_MAX, f);

	(void)fclose(f);
	return LLVMFuzzerTestOneInput(bytes, n);
}

int
main(int argc, char **argv)
{
	uint8_t *bytes = malloc(INPUT_MAX);
	int failed = bytes == NULL;

	for (int i = 1; i < argc && !failed; i++)
		failed = replay_file(argv[i], bytes);
	free(bytes);
	return failed;
}
