/* SPDX-License-Identifier: ISC */
/*
 * map_test: both tables against a plain array, and SipHash against its reference vectors.
 *
 * Many puts and deletes in a small key space, so that runs wrap and shift back.
 */
#include "base/map.h"
#include "base/test.h"

enum { KEYS = 500 };

static void
test_map(void **state)
{
	static char text[KEYS][8];
	static void *want[KEYS];
	struct map m = {};
	uint32_t seed = 1;
	size_t n = 0, at = 0;
	struct str key;
	void *value;

	(void)state;
	for (int i = 0; i < KEYS; i++)
		(void)snprintf(text[i], sizeof text[i], "k%d", i);
	for (int step = 0; step < 20'000; step++) {
		size_t k;

		seed = seed * 1664525 + 1013904223;
		k = (seed >> 8) % KEYS;
		if (seed >> 30 != 0 && step < 15'000) {
			t_true(map_put(&m, str_of(text[k]), text[k]) == want[k]);
			want[k] = text[k];
		} else {
			t_true(map_del(&m, str_of(text[k])) == want[k]);
			want[k] = NULL;
		}
	}
	for (int i = 0; i < KEYS; i++) {
		t_true(map_get(&m, str_of(text[i])) == want[i]);
		n += want[i] != NULL;
	}
	t_int(m.n, n);
	while (map_next(&m, &at, &key, &value)) {
		t_str(key, value);
		n--;
	}
	t_int(n, 0);
	map_done(&m);
	t_true(map_get(&m, STR("k1")) == NULL);
	t_true(map_del(&m, STR("k1")) == NULL);
}

static void
test_idmap(void **state)
{
	static int thing[KEYS];
	static void *want[KEYS];
	struct idmap m = {};
	uint32_t seed = 7;
	size_t n = 0, at = 0;
	uint64_t key;
	void *value;

	(void)state;
	for (int step = 0; step < 20'000; step++) {
		size_t k;

		seed = seed * 1664525 + 1013904223;
		k = (seed >> 8) % KEYS;
		if (seed >> 30 != 0) {
			t_true(idmap_put(&m, k << 40, &thing[k]) == want[k]);
			want[k] = &thing[k];
		} else {
			t_true(idmap_del(&m, k << 40) == want[k]);
			want[k] = NULL;
		}
	}
	for (size_t i = 0; i < KEYS; i++) {
		t_true(idmap_get(&m, i << 40) == want[i]);
		n += want[i] != NULL;
	}
	t_int(m.n, n);
	while (idmap_next(&m, &at, &key, &value)) {
		t_true(value == &thing[key >> 40]);
		n--;
	}
	t_int(n, 0);
	for (size_t i = 0; i < KEYS; i++)
		(void)idmap_del(&m, i << 40);
	t_true(m.slot == NULL);
}

static void
test_siphash(void **state)
{
	/* Key 00..0f; computed with an independent implementation of SipHash-1-3. */
	static const struct {
		size_t n;
		uint64_t want;
	} v[] = {
		{ 0, UINT64_C(0xabac0158050fc4dc) }, { 1, UINT64_C(0xc9f49bf37d57ca93) },
		{ 2, UINT64_C(0x82cb9b024dc7d44d) }, { 3, UINT64_C(0x8bf80ab8e7ddf7fb) },
		{ 7, UINT64_C(0xd3927d989bb11140) }, { 8, UINT64_C(0x369095118d299a8e) },
		{ 15, UINT64_C(0xd320d86d2a519956) }, { 16, UINT64_C(0xcc4fdd1a7d908b66) },
	};
	const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	char in[64];

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)i;
	for (size_t i = 0; i < COUNT(v); i++)
		t_int(siphash13(key, (struct str){ in, v[i].n }), v[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map), cmocka_unit_test(test_idmap),
		cmocka_unit_test(test_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
