/* SPDX-License-Identifier: ISC */
/*
 * ip_test: texts of addresses and networks, membership, socket addresses.
 *
 * A NULL output means: must be refused.
 */
#include "base/ip.h"
#include "base/test.h"

static const struct {
	const char *in, *out;
	bool loopback, private;
} addrs[] = {
	{ "127.0.0.1", "127.0.0.1", true, false },
	{ "192.168.1.2", "192.168.1.2", false, true },
	{ "8.8.8.8", "8.8.8.8", false, false },
	{ "100.64.0.1", "100.64.0.1", false, true },
	{ "::1", "::1", true, false },
	{ "::ffff:127.0.0.1", "127.0.0.1", true, false },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", false, false },
	{ "fe80::1", "fe80::1", false, true },
	{ "fd00::1", "fd00::1", false, true },
	{ "::", "::", false, false },
	{ "1.2.3", NULL, false, false }, { "1.2.3.4.5", NULL, false, false },
	{ "01.2.3.4", NULL, false, false }, { "256.1.1.1", NULL, false, false },
	{ " 1.2.3.4", NULL, false, false }, { "fe80::1%eth0", NULL, false, false },
	{ "::1::", NULL, false, false }, { "", NULL, false, false }, { ":", NULL, false, false },
};

static void
test_addr(void **state)
{
	char text[IP_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(addrs); i++) {
		struct ip ip, back;
		struct sockaddr_storage ss;
		uint16_t port = 0;

		T_CASE(addrs[i].in);
		t_int(ip_parse(str_of(addrs[i].in), &ip), addrs[i].out != NULL);
		if (!addrs[i].out)
			continue;
		t_str(ip_format(ip, text), addrs[i].out);
		t_int(ip_is_loopback(ip), addrs[i].loopback);
		t_int(ip_is_private(ip), addrs[i].private);
		t_true(ip_to_sockaddr(ip, 25, &ss) > 0);
		t_true(ip_from_sockaddr(&ss, &back, &port));
		t_true(ip_eq(ip, back));
		t_int(port, 25);
	}
}

static const struct {
	const char *net, *ip;
	int has;		/* -1: the net must be refused */
} nets[] = {
	{ "10.0.0.0/8", "10.255.0.1", 1 }, { "10.0.0.0/8", "11.0.0.0", 0 },
	{ "10.0.0.0/9", "10.128.0.1", 0 }, { "10.0.0.0/9", "10.127.0.1", 1 },
	{ "0.0.0.0/0", "1.2.3.4", 1 }, { "0.0.0.0/0", "::1", 0 }, { "::/0", "1.2.3.4", 0 },
	{ "2001:db8::/33", "2001:db8:7fff::1", 1 }, { "2001:db8::/33", "2001:db8:8000::1", 0 },
	{ "192.0.2.7", "192.0.2.7", 1 }, { "192.0.2.7", "192.0.2.8", 0 },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", 1 }, { "::ffff:0.0.0.0/90", "1.1.1.1", -1 },
	{ "10.0.0.1/8", "10.0.0.1", -1 }, { "10.0.0.0/33", "10.0.0.1", -1 },
	{ "10.0.0.0/", "10.0.0.1", -1 }, { "10.0.0.0/-1", "10.0.0.1", -1 }, { "::/129", "::1", -1 },
};

static void
test_net(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(nets); i++) {
		struct net net;
		struct ip ip;

		T_CASE(nets[i].net);
		t_true(ip_parse(str_of(nets[i].ip), &ip));
		t_int(net_parse(str_of(nets[i].net), &net), nets[i].has >= 0);
		if (nets[i].has >= 0)
			t_int(net_has(net, ip), nets[i].has);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr), cmocka_unit_test(test_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
