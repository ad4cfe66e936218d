/* SPDX-License-Identifier: ISC */
/*
 * accounts: see accounts.h.
 */
#include "local/accounts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "ipc/ipc.h"
#include "rt/clock.h"

enum { KEEP_MS = 30'000, ASK_MS = 20'000, REMEMBERED_MAX = 20'000, KEY_MAX = 512 };

struct remembered {
	enum account_answer answer;
	struct account account;		/* home follows the key in memory */
	int64_t until;
	size_t key_n;
	char text[];			/* key, then home */
};

struct accounts {
	const struct config *cfg;
	struct ipc *lookup;
	struct map map;
};

struct accounts *
accounts_new(const struct config *cfg)
{
	struct accounts *as = calloc(1, sizeof *as);

	if (as != NULL)
		as->cfg = cfg;
	return as;
}

static void
forget_all(struct accounts *as)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(&as->map, &at, &key, &value))
		free(value);
	map_done(&as->map);
}

void
accounts_free(struct accounts *as)
{
	if (as->lookup != NULL)
		ipc_close(as->lookup);
	forget_all(as);
	free(as);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch;
	(void)type;
	(void)call_id;
	(void)m;
	if (fd != -1)
		(void)close(fd);	/* lookup only answers */
}

static void
on_close(struct ipc *ch)
{
	struct accounts *as = ipc_arg(ch);

	if (as->lookup == ch)
		as->lookup = NULL;
	ipc_close(ch);
}

void
accounts_peer(struct accounts *as, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };
	struct ipc *old = as->lookup;

	as->lookup = ipc_new(fd, name, &ops, as);
	if (old != NULL)
		ipc_close(old);
}

static struct str
key_of(char room[KEY_MAX], const struct domain *d, struct str user)
{
	size_t n = 0;

	if (user.n + d->name.n + 1 > KEY_MAX)
		return (struct str){};
	memcpy(room, user.p, user.n);
	n = user.n;
	room[n++] = '@';
	memcpy(room + n, d->name.p, d->name.n);
	return (struct str){ room, n + d->name.n };
}

static const struct remembered *
recall(struct accounts *as, struct str key)
{
	const struct remembered *r = key.n != 0 ? map_get(&as->map, key) : NULL;

	return r != NULL && r->until > now_ms() ? r : NULL;
}

static void
remember(struct accounts *as, struct str key, enum account_answer answer,
    const struct account *account)
{
	if (as->map.n >= REMEMBERED_MAX)
		forget_all(as);
	struct remembered *old = map_del(&as->map, key), *r;

	free(old);
	r = malloc(sizeof *r + key.n + account->home.n);
	if (r == NULL)
		return;
	*r = (struct remembered){
		.answer = answer, .account = *account, .until = now_ms() + KEEP_MS, .key_n = key.n,
	};
	memcpy(r->text, key.p, key.n);
	if (account->home.n > 0)
		memcpy(r->text + key.n, account->home.p, account->home.n);
	r->account.home = (struct str){ r->text + key.n, account->home.n };
	(void)map_put(&as->map, (struct str){ r->text, key.n }, r);
}

/* Does this domain's user need a question at all? */
static bool
needs_asking(const struct domain *d)
{
	return d->users != USERS_NONE;
}

static enum account_answer
ask(struct accounts *as, const struct domain *d, struct str user, struct arena *a,
    struct account *out)
{
	struct msg_account_ask q = { .domain = d->name, .user = user };
	struct msg_account_answer ans;

	if (as->lookup == NULL || ipc_call(as->lookup, MSG_account_ask, &q, MSG_account_answer,
	    &ans, a, now_ms() + ASK_MS) != IO_OK)
		return ACCOUNT_LATER;
	if (ans.answer > ACCOUNT_LATER)
		return ACCOUNT_LATER;
	*out = (struct account){ .uid = ans.uid, .gid = ans.gid, .home = ans.home };
	return (enum account_answer)ans.answer;
}

enum account_answer
accounts_find(struct accounts *as, const struct domain *d, struct str user, struct arena *a,
    struct account *out)
{
	char room[KEY_MAX];
	struct str key = key_of(room, d, user);
	const struct remembered *r = recall(as, key);
	enum account_answer answer;

	if (!needs_asking(d))
		return ACCOUNT_VIRTUAL;
	if (r != NULL) {
		*out = r->account;
		out->home = str_dup(a, r->account.home);
		return r->answer;
	}
	answer = ask(as, d, user, a, out);
	if (answer != ACCOUNT_LATER && key.n != 0)
		remember(as, key, answer, out);
	return answer;
}

bool
accounts_at_hand(struct accounts *as, const struct config *cfg, const struct job *job)
{
	char room[KEY_MAX];

	for (size_t i = 0; i < job->nrcpt; i++) {
		const struct domain *d;
		struct str user;

		if (!mailbox_address(cfg, job->rcpt[i].addr, &user, &d))
			continue;		/* unknown, whatever lookup says */
		if (needs_asking(d) && recall(as, key_of(room, d, user)) == NULL)
			return false;
	}
	return true;
}
