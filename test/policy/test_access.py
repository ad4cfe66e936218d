# SPDX-License-Identifier: ISC
"""sendmail's access map in the running server: rows A49 to A54, and what a reload does."""
import pytest

from polab import House, Nsd, wait_for
from lab import free_port

EXAMPLE = '''cyberpromo.com	REJECT
sendmail.org	RELAY
spam@buyme.com	ERROR:"550 Spammers shan't see sunlight here"
From:a@b.com	REJECT
To:c@d.com	REJECT
193.140		RELAY
'''
MORE = '''Connect:198.51.100.77	REJECT
Connect:198.51.100.78	ERROR:4.7.1:450 come back later
Connect:198.51.100.79	DISCARD
Connect:198.51.100.80	QUARANTINE:looked at by hand
From:quiet@list.example	DISCARD
From:watch.example	QUARANTINE:seen
From:unres.example	OK
To:bob@example.test	ERROR:5.7.1:550 "not here"
To:old@	REJECT
To:partner.test	RELAY
To:whole@other.test	RELAY
Connect:203.0.113	REJECT
Connect:203.0.113.7	OK
Connect:IPv6:2001:db8:7	REJECT
TLS_Clt:198.51.100.81	VERIFY:112
TLS_Clt:198.51.100.82	PERM+ENCR:112
TLS_Srv:secure.example.com ENCR:112
TLS_Clt:laptop.example.com VERIFY:112
'''
ZONES = {
    '140.193.in-addr.arpa': '1.1 IN PTR far.example.test.\n',
    '113.0.203.in-addr.arpa': '', '141.193.in-addr.arpa': '', '7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': '',
    '0.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa': '',
    '100.51.198.in-addr.arpa': '10 IN PTR relay.sendmail.org.\n11 IN PTR forged.sendmail.org.\n'
                               '12 IN PTR evilsendmail.org.\n66 IN PTR client.example.\n',
    'sendmail.org': 'relay IN A 198.51.100.10\nforged IN A 198.51.100.99\n',
    'evilsendmail.org': '@ IN A 198.51.100.12\n',
    'client.example': '@ IN A 198.51.100.66\n', 'cyberpromo.com': '@ IN A 192.0.2.1\n',
    'buyme.com': '@ IN A 192.0.2.1\n', 'b.com': '@ IN A 192.0.2.1\n', 'other.example': '@ IN A 192.0.2.1\n',
    'nullmx.example': '@ IN MX 0 .\n', 'list.example': '@ IN A 192.0.2.1\n', 'watch.example': '@ IN A 192.0.2.1\n',
    'half.example': 'x IN A 192.0.2.1\n', 'gone.example': '',
}


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    base = tmp_path_factory.mktemp('access')
    ns = Nsd(base / 'nsd', port=free_port())
    for name, body in ZONES.items():
        ns.zone(name, body)
    with_ns = ns.start()
    dead = free_port()
    conf = ns.conf(validate=False).replace('\n}', '\n    stub dark.example 127.0.0.1:%d\n}' % dead)
    server = House(base / 'server', extra='access file access\n' + conf, tables={'access': EXAMPLE + MORE})
    try:
        yield server.start()
    finally:
        server.stop()
        with_ns.stop()


def test_A54_example_map(house):
    """The six lines verbatim, six dialogues."""
    assert house.reply('x@cyberpromo.com', 'alice@example.test').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'y@far.test', ip='198.51.100.10').startswith('250')
    assert house.reply('spam@buyme.com', 'alice@example.test') == "550 5.7.1 Spammers shan't see sunlight here"
    assert house.reply('ham@buyme.com', 'alice@example.test').startswith('250')
    assert house.reply('a@b.com', 'alice@example.test').startswith('550 5.7.1')
    assert house.reply('c@b.com', 'alice@example.test').startswith('250')
    assert house.reply('x@other.example', 'c@d.com', ip='193.140.1.1').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'e@d.com', ip='193.140.1.1').startswith('250')
    assert house.reply('x@other.example', 'e@d.com', ip='193.141.1.1').startswith('550 5.7.1')


def test_A54_relay_by_name_needs_both_directions(house):
    assert house.reply('x@other.example', 'y@far.test', ip='198.51.100.11').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'y@far.test', ip='198.51.100.12').startswith('550 5.7.1')
    assert house.reply('x@sendmail.org', 'y@far.test').startswith('550 5.7.1')
    # an untagged RELAY is also a destination, and sub-domains with it
    assert house.reply('x@other.example', 'y@sub.sendmail.org').startswith('250')
    assert house.reply('x@other.example', 'y@evilsendmail.org').startswith('550 5.7.1')


def test_A52_A53_keys_and_actions(house):
    assert house.reply('x@other.example', 'alice@example.test', ip='198.51.100.77').startswith('554 5.7.1')
    assert house.reply('x@other.example', 'alice@example.test', ip='198.51.100.78') == '450 4.7.1 come back later'
    assert house.reply('x@other.example', 'bob@example.test') == '550 5.7.1 not here'
    assert house.reply('x@other.example', 'old@example.test').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'any@partner.test').startswith('250')
    assert house.reply('x@other.example', 'whole@other.test').startswith('250')
    assert house.reply('x@other.example', 'half@other.test').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'alice@example.test', ip='203.0.113.6').startswith('554 5.7.1')
    assert house.reply('x@other.example', 'alice@example.test', ip='203.0.113.7').startswith('250')
    # OK is no grant
    assert house.reply('x@other.example', 'y@far.test', ip='203.0.113.7').startswith('550 5.7.1')
    assert house.reply('x@other.example', 'alice@example.test', ip='2001:db8:7::1').startswith('554 5.7.1')
    assert house.reply('x@other.example', 'alice@example.test', ip='2001:db8:70::1').startswith('250')


def test_A53_discard_and_quarantine(house):
    before = len(house.mails())
    with house.client() as c:
        assert c.message('quiet@list.example', 'alice@example.test').startswith('250 2.0.0 queued as')
    with house.client(ip='198.51.100.79') as c:
        assert c.message('x@other.example', 'alice@example.test').startswith('250 2.0.0 queued as')
        assert c.mail_rcpt('x@other.example', 'y@far.test').startswith('550 5.7.1')
    wait_for(lambda: house.log().count('discarded') >= 2)
    with house.client() as c:
        assert c.message('x@watch.example', 'alice@example.test').startswith('250 2.0.0')
    with house.client(ip='198.51.100.80') as c:
        assert c.message('x@other.example', 'alice@example.test').startswith('250 2.0.0')
    wait_for(lambda: house.verb('queue', 'list').stdout.count('held') >= 2)
    with house.client() as c:
        assert c.message('x@other.example', 'alice@example.test').startswith('250 2.0.0')
    wait_for(lambda: len(house.mails()) == before + 1)
    house.verb('queue', 'release', '--all', check=False)


def test_A50_sender_domains(house):
    assert house.reply('x@gone2.half.example', 'alice@example.test').startswith('550 5.1.8')
    assert house.reply('x@half.example', 'alice@example.test').startswith('550 5.1.8')
    assert house.reply('x@nullmx.example', 'alice@example.test').startswith('550 5.7.27')
    assert house.reply('x@dark.example', 'alice@example.test').startswith('451 4.1.8')
    assert house.reply('', 'alice@example.test').startswith('250')
    with house.client() as c:
        assert c.docmd('MAIL', 'FROM:<bob>')[0] == 553


def test_A66_A67_tls_levels(house):
    """Without TLS no level is met; the lines of row A67 are in the map and do not trouble others."""
    assert house.reply('x@other.example', 'alice@example.test', ip='198.51.100.81').startswith('403 4.7.0')
    assert house.reply('x@other.example', 'alice@example.test', ip='198.51.100.82').startswith('503 5.7.0')


def test_A49_change_without_restart(house):
    pids = house.roles()
    house.rewrite('access', EXAMPLE + MORE + 'From:new.half.example REJECT\nFrom:x.half.example OK\n')
    wait_for(lambda: house.reply('y@new.half.example', 'alice@example.test').startswith('550 5.7.1'))
    # a bad map: the last good one stays, with an alarm that names the line
    house.rewrite('access', 'From:ours.example RELAY\n')
    wait_for(lambda: 'open relay' in house.log() and 'last_good_kept=true' in house.log().replace('yes', 'true'))
    assert house.reply('y@new.half.example', 'alice@example.test').startswith('550 5.7.1')
    (house.dir / 'access').unlink()
    assert house.reply('y@new.half.example', 'alice@example.test').startswith('550 5.7.1')
    house.rewrite('access', EXAMPLE + MORE)
    wait_for(lambda: house.reply('y@x.half.example', 'alice@example.test').startswith('250'))
    assert house.roles() == pids


def test_A51_cannot_be_expressed(house, tmp_path):
    bad = tmp_path / 'access'
    for line, why in (('From:ours.example RELAY', 'open relay'), ('193 RELAY', 'open relay'), ('com RELAY', 'open relay'),
                      ('everyone@ RELAY', 'open relay')):
        bad.write_text(line + '\n')
        r = house.run('map', 'check', '--access', str(bad), '--check', 'from', '--address', 'a@b.example', check=False)
        assert r.returncode == 65 and why in r.stderr, (line, r.stderr)
