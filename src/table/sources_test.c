/* SPDX-License-Identifier: ISC */
/*
 * sources_test: files change, turn bad, disappear: the last good state stays and the reason is
 * told once.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "conf/errors.h"
#include "table/sources.h"

static char dir[] = "/tmp/sources_test.XXXXXX";
static char aliases_path[64], include_path[64], config_text[512];

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);

	t_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
}

static enum find
has(const struct sources *all, const char *name)
{
	struct tables t = {};
	struct str packed;
	enum find f;

	t_true(tables_take(&t, sources_image(all), 1));
	f = tables_alias(&t, str_of(aliases_path), str_of(name), &packed);
	tables_done(&t);
	return f;
}

static void
test_life(void **state)
{
	struct conf_errors errs = {};
	struct config *cfg = config_parse(str_of(config_text), "/etc/x", &errs);
	struct sources all = {};

	(void)state;
	t_true(cfg != NULL);
	sources_of(&all, cfg);
	t_int(all.n, 1);
	t_false(sources_look(&all, &errs));		/* not there yet */
	t_true(all.s[0].bad_now && all.s[0].fresh_news && errs.n == 1);
	t_int(has(&all, "a"), FIND_LATER);
	put(aliases_path, "a: b\n");
	t_true(sources_look(&all, NULL));
	t_true(all.s[0].good && !all.s[0].bad_now && all.s[0].fresh_news);
	t_int(has(&all, "a"), FIND_YES);
	t_false(sources_look(&all, NULL));		/* unchanged */
	t_false(all.s[0].fresh_news);
	put(aliases_path, "a: b\nbroken line\nc: d\n");
	t_false(sources_look(&all, NULL));
	t_true(all.s[0].bad_now && all.s[0].fresh_news);
	t_int(all.s[0].line, 2);
	t_int(has(&all, "a"), FIND_YES);		/* the last good one */
	t_int(has(&all, "c"), FIND_NO);
	t_false(sources_look(&all, NULL));
	t_false(all.s[0].fresh_news);			/* told once */
	(void)unlink(aliases_path);
	t_false(sources_look(&all, NULL));
	t_int(has(&all, "a"), FIND_YES);
	char text[128];

	(void)snprintf(text, sizeof text, "i: :include:%s\n", include_path);
	put(include_path, "x\n");
	put(aliases_path, text);
	t_true(sources_look(&all, NULL));
	t_int(all.n, 2);				/* the include was found and read */
	t_true(all.s[1].good);
	t_int(has(&all, "a"), FIND_NO);
	conf_errors_done(&errs);
	sources_done(&all);
	config_free(cfg);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(aliases_path, sizeof aliases_path, "%s/aliases", dir);
	(void)snprintf(include_path, sizeof include_path, "%s/list", dir);
	(void)snprintf(config_text, sizeof config_text, "hostname mx.a.example\n"
	    "listen mx 127.0.0.1:25\ndomain a.example { users none; aliases file %s }\n",
	    aliases_path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(aliases_path);
	(void)unlink(include_path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_life) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
