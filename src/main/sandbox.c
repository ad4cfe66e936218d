/* SPDX-License-Identifier: ISC */
/*
 * sandbox: the layers of user, capabilities, privileges and limits; see sandbox.h for the order.
 *
 * Started by a caller that is not root, users and capabilities are what they are (capabilities are
 * dropped all the same); everything else holds as for root.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/config.h"
#include "main/sandbox.h"
#include "rt/log.h"

static bool
failed(const char *layer)
{
	log_begin(LOG_ERROR, "sandbox_failed");
	log_s("layer", layer);
	log_i("errno", errno);
	log_end();
	log_flush();
	return false;
}

/* ---- user and capabilities ---- */

static bool
set_groups(const struct role_env *env, const struct sandbox_spec *spec)
{
	gid_t pool = env->cfg->role[ROLE_POOL].gid;

	return setgroups(spec->spool_group ? 1 : 0, spec->spool_group ? &pool : NULL) == 0;
}

static bool
keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {};

	for (unsigned i = 0; i < 2; i++) {
		d[i].permitted = (uint32_t)(keep >> (32 * i));
		d[i].effective = d[i].permitted;
	}
	return syscall(SYS_capset, &h, d) == 0;
}

static void
drop_bounding(void)
{
	for (unsigned long c = 0; c < 64; c++)
		(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool
enter_user(const struct role_env *env, const struct sandbox_spec *spec)
{
	const struct role_id *id = &env->cfg->role[env->role];
	bool root = geteuid() == 0;
	uint64_t keep = root ? spec->capabilities : 0;

	if (root) {
		/* Being uid 0 means nothing any more, here and in children. */
		(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0);
		drop_bounding();
		(void)prctl(PR_SET_KEEPCAPS, keep ? 1 : 0, 0, 0, 0);
		if (!set_groups(env, spec) || setresgid(id->gid, id->gid, id->gid) == -1 ||
		    setresuid(id->uid, id->uid, id->uid) == -1)
			return failed("user");
	}
	if (!keep_capabilities(keep))
		return failed("capabilities");
	return true;
}

/* ---- limits ---- */

static void
limit(__rlimit_resource_t what, uint64_t n)
{
	struct rlimit r;

	if (getrlimit(what, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max = MIN((rlim_t)n, r.rlim_max);
	(void)setrlimit(what, &r);
}

static void
enter_limits(const struct sandbox_spec *spec)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, spec->open_files ? spec->open_files : 1024);
	if (!spec->makes_files)
		limit(RLIMIT_FSIZE, 0);		/* pipes and sockets are not files */
	(void)umask(027);
}

bool
sandbox_enter(const struct role_env *env)
{
	const struct sandbox_spec *spec = sandbox_spec(env->role);
	int ruleset;

	if (!landlock_prepare(env, spec, &ruleset))
		return failed("landlock rules");
	if (!enter_user(env, spec))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return failed("no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return failed("dumpable");
	/* Again: a change of user clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return failed("pdeathsig");
	enter_limits(spec);
	if (!landlock_enter(ruleset))
		return failed("landlock");
	return true;
}

bool
sandbox_filter(const struct role_env *env)
{
	struct sandbox_spec spec = *sandbox_spec(env->role);

	if (spec.filters && env->cfg->nfilter > 0)
		spec.calls |= CALLS_CONNECT;
	return seccomp_enter(&spec) || failed("seccomp");
}
