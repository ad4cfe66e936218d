/* SPDX-License-Identifier: ISC */
/*
 * check: what single statements cannot see: what is missing, and what contradicts.
 *
 * Also settles what depends on several statements (TLS of listeners, where mail of system users
 * goes) and builds the index of domains.  Pure: whether files exist is the affair of
 * `postern check`.
 */
#include "base/map.h"
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

static unsigned
line_of(const struct config *cfg, const void *field)
{
	for (const struct origin *o = cfg->origins->first; o != NULL; o = o->next)
		if (o->field == field)
			return o->line;
	return 0;
}

static void
check_names(struct reader *r)
{
	struct config *cfg = r->cfg;

	if (cfg->hostname.n == 0)
		conf_error_add(r->errs, 0, 0,
		    "hostname is missing: write: hostname mail.example.org");
	else if (str_chr(cfg->hostname, '.') < 0 && !cfg->test.on)
		conf_error_add(r->errs, line_of(cfg, &cfg->hostname), 1,
		    "hostname '" STR_F "' is not fully qualified", STR_A(cfg->hostname));
	if (cfg->data_dir.n == 0)
		cfg->data_dir = str_cat(r->a, cfg->spool_dir, STR("/data"));
}

static bool
same_place(const struct listener *a, const struct listener *b)
{
	if (a->path.n > 0 || b->path.n > 0)
		return str_eq(a->path, b->path);
	return a->port == b->port && (ip_eq(a->ip, b->ip) ||
	    (a->ip.v6 == b->ip.v6 && (ip_is_any(a->ip) || ip_is_any(b->ip))));
}

static void
check_listener_tls(struct reader *r, struct listener *l)
{
	const struct config *cfg = r->cfg;
	bool said = line_of(cfg, &l->tls) > 0, loopback = l->path.n > 0 || ip_is_loopback(l->ip);

	if (cfg->ncert == 0 && l->tls != LTLS_OFF) {
		if (said || (l->kind == L_SUBMISSION && !loopback))
			conf_error_add(r->errs, l->line, 1,
			    "listener '" STR_F "' needs a certificate", STR_A(l->name));
		l->tls = LTLS_OFF;
	}
	if (said && l->kind == L_SUBMISSION && l->tls == LTLS_OFF && !loopback)
		conf_error_add(r->errs, line_of(cfg, &l->tls), 1,
		    "submission without TLS is possible on loopback addresses only");
}

static void
check_client_certs(struct reader *r, const struct listener *l)
{
	if (l->client_certs == CERTS_OFF)
		return;
	if (l->tls == LTLS_OFF)
		conf_error_add(r->errs, l->line, 1,
		    "listener '" STR_F "': client-certificates without TLS", STR_A(l->name));
	if (l->client_certs == CERTS_REQUIRE && l->client_ca.n == 0)
		conf_error_add(r->errs, l->line, 1,
		    "listener '" STR_F "': client-certificates require needs client-ca",
		    STR_A(l->name));
}

static void
check_listeners(struct reader *r)
{
	struct config *cfg = r->cfg;

	if (cfg->nlistener == 0)
		conf_error_add(r->errs, 0, 0, "listen is missing: nothing would be received");
	for (size_t i = 0; i < cfg->nlistener; i++) {
		struct listener *l = &cfg->listener[i];

		for (size_t k = 0; k < i; k++) {
			if (same_place(l, &cfg->listener[k]))
				conf_error_add(r->errs, l->line, 1,
				    "the same place as in line %u", cfg->listener[k].line);
			else if (str_eq(l->name, cfg->listener[k].name))
				conf_error_add(r->errs, l->line, 1,
				    "the same name as in line %u", cfg->listener[k].line);
		}
		if (cfg->test.on && l->path.n == 0 && !ip_is_loopback(l->ip))
			conf_error_add(r->errs, l->line, 1,
			    "not a loopback address, but there is a test block (line %u)",
			    line_of(cfg, &cfg->test));
		check_listener_tls(r, l);
		check_client_certs(r, l);
	}
}

static void
check_domain(struct reader *r, struct domain *d)
{
	const struct config *cfg = r->cfg;
	bool users_said = line_of(cfg, &d->users) > 0, nobody = d->users == USERS_NONE;

	if (!users_said)
		conf_error_add(r->errs, d->line, 1, "domain " STR_F ": users is missing",
		    STR_A(d->name));
	else if (nobody && d->aliases_file.n == 0 && d->virtusers_file.n == 0 &&
	    d->catch_all.n == 0)
		conf_error_add(r->errs, d->line, 1,
		    "domain " STR_F ": nobody can receive: no users, aliases or catch-all",
		    STR_A(d->name));
	if (line_of(cfg, &d->deliver) == 0) {
		if (d->users == USERS_FILE)
			conf_error_add(r->errs, d->line, 1, "domain " STR_F ": deliver is missing",
			    STR_A(d->name));
		d->deliver = DLV_MAILDIR;
		d->maildir = STR("{home}/Maildir");
	}
}

static void
check_domains(struct reader *r)
{
	struct config *cfg = r->cfg;

	for (size_t i = 0; i < cfg->ndomain; i++) {
		struct domain *d = &cfg->domain[i], *before = map_get(cfg->domain_index, d->name);

		if (before != NULL)
			conf_error_add(r->errs, d->line, 1,
			    "domain " STR_F " was already given in line %u", STR_A(d->name),
			    before->line);
		else
			(void)map_put(cfg->domain_index, d->name, d);
		check_domain(r, d);
	}
}

static void
check_ways_out(struct reader *r)
{
	const struct config *cfg = r->cfg;

	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].kind == GRANT_DESTINATION &&
		    config_domain(cfg, cfg->grant[i].domain) != NULL)
			conf_error_add(r->errs, cfg->grant[i].line, 1,
			    STR_F " is a domain of this server: its mail ends here",
			    STR_A(cfg->grant[i].domain));
	for (size_t i = 0; i < cfg->nroute; i++) {
		if (config_domain(cfg, cfg->route[i].domain) != NULL)
			conf_error_add(r->errs, cfg->route[i].line, 1,
			    STR_F " is a domain of this server: a route would never be asked",
			    STR_A(cfg->route[i].domain));
		for (size_t k = 0; k < i && i < 1000; k++)
			if (str_eq(cfg->route[i].domain, cfg->route[k].domain))
				conf_error_add(r->errs, cfg->route[i].line, 1,
				    "a second route for " STR_F " (line %u)",
				    STR_A(cfg->route[i].domain), cfg->route[k].line);
	}
	for (size_t i = 0; i < cfg->dns.nserver; i++)
		if (ip_is_loopback(cfg->dns.server[i].ip) && !cfg->dns.query_localhost)
			conf_error_add(r->errs, 0, 0,
			    "dns server on a loopback address: say query-localhost yes in dns");
	for (size_t i = 0; i < cfg->dns.nstub; i++)
		for (size_t k = 0; k < cfg->dns.stub[i].nserver; k++)
			if (ip_is_loopback(cfg->dns.stub[i].server[k].ip) &&
			    !cfg->dns.query_localhost)
				conf_error_add(r->errs, 0, 0,
				    "stub " STR_F " on a loopback address: "
				    "say query-localhost yes in dns", STR_A(cfg->dns.stub[i].zone));
}

static void
check_order(struct reader *r, const void *a, uint64_t va, uint64_t vb, const char *what)
{
	unsigned line = line_of(r->cfg, a);

	if (va > vb)
		conf_error_add(r->errs, line, line ? 1 : 0, "%s", what);
}

static void
check_limits(struct reader *r)
{
	const struct limits *l = &r->cfg->lim;

	check_order(r, &l->errors_soft, l->errors_soft, l->errors_hard,
	    "limits: soft-errors is above hard-errors");
	check_order(r, &l->dest_parallel_start, l->dest_parallel_start, l->dest_parallel,
	    "limits: destination-start is above destination-connections");
	check_order(r, &l->client_idle_ms, (uint64_t)l->client_idle_ms,
	    (uint64_t)l->client_total_ms,
	    "limits: client-idle is above client-life");
	check_order(r, &l->delay_notice_ms, (uint64_t)l->delay_notice_ms, (uint64_t)l->give_up_ms,
	    "limits: delay-notice is above give-up");
	check_order(r, &l->cmd_stress_ms, (uint64_t)l->cmd_stress_ms, (uint64_t)l->cmd_ms,
	    "limits: stress-timeout is above command-timeout");
	check_order(r, &l->noop_commands, l->noop_commands, l->commands,
	    "limits: noop-commands is above commands");
	check_order(r, &l->dkim_keys, l->dkim_keys, l->dkim_signatures,
	    "limits: dkim-keys is above dkim-signatures");
	check_order(r, &l->sessions_ip, l->sessions_ip, l->sessions_mx,
	    "limits: sessions-per-address is above sessions");
	check_order(r, &l->header_bytes, l->header_bytes, l->message_size,
	    "limits: header-size is above message-size");
	check_order(r, &l->body_line, l->body_line, l->message_size,
	    "limits: body-line is above message-size");
}

static void
check_role_ids(struct reader *r)
{
	const struct config *cfg = r->cfg;

	for (unsigned i = 0; i < ROLE_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			if (cfg->role[i].uid != 0 && cfg->role[i].uid == cfg->role[k].uid)
				conf_error_add(r->errs, line_of(cfg, &cfg->role[i]), 1,
				    "roles: %s and %s have the same uid: each needs its own",
				    role_word((enum role_kind)k), role_word((enum role_kind)i));
}

void
config_check(struct reader *r)
{
	check_names(r);
	check_listeners(r);
	check_domains(r);
	check_auth(r);
	check_ways_out(r);
	check_senders(r);
	check_limits(r);
	check_role_ids(r);
}
