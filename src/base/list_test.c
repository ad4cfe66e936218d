/* SPDX-License-Identifier: ISC */
/*
 * list_test: order, removal, emptiness.
 *
 * Elements live on the test's stack.
 */
#include "base/list.h"
#include "base/test.h"

struct item {
	int v;
	struct link link;
};

static void
test_list(void **state)
{
	struct link head;
	struct item it[5];
	int sum = 0;

	(void)state;
	link_init(&head);
	t_true(list_empty(&head));
	t_true(list_pop(&head) == NULL);
	for (int i = 0; i < 5; i++)
		it[i].v = i;
	list_push(&head, &it[1].link);
	list_push(&head, &it[2].link);
	list_push_front(&head, &it[0].link);
	list_push(&head, &it[3].link);
	list_remove(&it[2].link);
	list_remove(&it[2].link);
	t_false(link_linked(&it[2].link));
	t_true(link_linked(&it[3].link));
	LIST_EACH(l, &head) {
		sum = sum * 10 + CONTAINER_OF(l, struct item, link)->v;
		if (CONTAINER_OF(l, struct item, link)->v == 1)
			list_remove(l);
	}
	t_int(sum, 13);
	t_int(CONTAINER_OF(list_pop(&head), struct item, link)->v, 0);
	t_int(CONTAINER_OF(list_first(&head), struct item, link)->v, 3);
	(void)list_pop(&head);
	t_true(list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
