# SPDX-License-Identifier: ISC
"""postern explain says what the server does, and names the rule and the line."""
import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from polab import House, Nsd, OUTSIDE, wait_for  # noqa: E402
from lab import free_port  # noqa: E402

EXTRA = ('access file access\nrelay from network 203.0.113.0/24 sending-as example.test\n'
         'may-send alice sales@example.test @shop.example\n')
TABLES = {'access': 'Connect:192.0.2.66 REJECT\nFrom:spam@evil.example REJECT\n',
          'users': 'alice:{PLAIN}secret\nbob:{PLAIN}secret\n',
          'aliases': 'postmaster: alice\nhelp: bob\nteam: alice, bob\n'}

# client, sender, recipient: what is asked of server and explanation alike
ASKED = [
    (OUTSIDE, 'joe@other.example', 'alice@example.test'),
    (OUTSIDE, 'joe@other.example', 'nobody@example.test'),
    (OUTSIDE, 'joe@other.example', 'far@other.example'),
    (OUTSIDE, 'spam@evil.example', 'alice@example.test'),
    (OUTSIDE, 'alice@example.test', 'far@other.example'),
    ('192.0.2.66', 'joe@other.example', 'alice@example.test'),
    ('203.0.113.5', 'alice@example.test', 'far@other.example'),
    ('203.0.113.5', 'joe@other.example', 'far@other.example'),
]


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    base = tmp_path_factory.mktemp('explain')
    ns = Nsd(base / 'nsd', port=free_port())
    for name in ('other.example', 'evil.example', 'example.test'):
        ns.zone(name, '@ IN A 192.0.2.1\n')
    ns.start()
    h = House(base / 'h', extra=EXTRA + ns.conf(validate=False), tables=TABLES)
    h.zone = h.dir / 'zone'
    h.zone.write_text('other.example A 192.0.2.1\nevil.example A 192.0.2.1\nexample.test A 192.0.2.1\n')
    h.start()
    yield h
    h.stop()
    ns.stop()


def explain(h, *args, code=None):
    r = h.run('explain', '--config', str(h.conf), *args, check=False)
    assert code is None or r.returncode == code, r.stdout + r.stderr
    return r


@pytest.mark.parametrize('ip,sender,rcpt', ASKED)
def test_X1_the_reply_is_the_servers(house, ip, sender, rcpt):
    h = house
    real = h.reply(sender, rcpt, ip=ip)
    r = explain(h, '--ip', ip, '--helo', 'client.example', '--from', sender, '--rcpt', rcpt, '--zone', str(h.zone), '--json')
    lines = [json.loads(ln) for ln in r.stdout.splitlines()]
    told = [x['reply'] for x in lines if 'reply' in x]
    assert told[-1].split('\n')[0][:9] == real.split('\n')[0][:9], (told, real)
    assert r.returncode == (0 if real.startswith('250') else 1)
    if not real.startswith('250'):              # a refusal has its rule's name
        assert [x for x in lines if x.get('says') in ('refuses', 'defers')], lines


def test_X1_grants_and_table_lines_are_named(house):
    h = house
    zone = ('--zone', str(h.zone))
    r = explain(h, '--ip', '203.0.113.5', '--from', 'alice@example.test', '--rcpt', 'far@other.example', *zone, code=0)
    line = next(n for n, ln in enumerate(h.conf.read_text().splitlines(), 1) if '203.0.113.0/24' in ln)
    assert re.search(r'rcpt +relay-granted +lets relay \(.*postern.conf:%d\)' % line, r.stdout), r.stdout
    r = explain(h, '--ip', '192.0.2.66', *zone, code=1)
    assert re.search(r'access-connect +refuses \(.*access.*1\)', r.stdout), r.stdout


def test_X1_a_login_is_bound_to_its_addresses(house):
    h = house
    who = ('--listener', 'submission', '--ip', OUTSIDE, '--auth', 'alice', '--zone', str(h.zone), '--rcpt', 'far@other.example')
    explain(h, *who, '--from', 'sales@example.test', code=0)
    r = explain(h, *who, '--from', 'bob@example.test', code=1)
    assert 'sender-binding' in r.stdout and '553 5.7.1' in r.stdout


def test_X1_the_message_is_judged_too(house, tmp_path):
    h = house
    mail = tmp_path / 'm.eml'
    mail.write_text('From: bob@example.test\nDate: Fri, 27 Nov 2026 10:00:00 +0000\nSubject: t\n\n.dot\n')
    who = ('--listener', 'submission', '--ip', OUTSIDE, '--auth', 'alice', '--zone', str(h.zone), '--from', 'alice@example.test')
    r = explain(h, *who, '--rcpt', 'far@other.example', '--message', str(mail), code=1)
    assert 'the message' in r.stdout and re.search(r'end +\S+ +refuses', r.stdout), r.stdout
    mail.write_text(mail.read_text().replace('bob@', 'alice@'))
    explain(h, *who, '--rcpt', 'far@other.example', '--message', str(mail), code=0)


def test_X1_all_tells_the_rules_that_do_not_fit(house):
    h = house
    args = ('--ip', OUTSIDE, '--from', 'joe@other.example', '--rcpt', 'alice@example.test', '--zone', str(h.zone))
    assert explain(h, *args, '--all', code=0).stdout.count('does not fit') > 10
    assert 'does not fit' not in explain(h, *args, code=0).stdout


def test_X2_who(house):
    h = house
    r = explain(h, '--who', 'alice', '--json', code=0)
    got = {x['address'] for x in json.loads(r.stdout)['writes_as']}
    assert got == {'alice@example.test', 'postmaster@example.test', 'sales@example.test', '@shop.example'}
    assert json.loads(r.stdout)['relays'], r.stdout
    assert 'help@example.test' in explain(h, '--who', 'bob', code=0).stdout
    assert 'nobody' in explain(h, '--who', 'stranger@other.example', code=0).stdout or \
        'stranger@other.example' in explain(h, '--who', 'stranger@other.example', code=0).stdout


def test_X3_recorded(house):
    h = house
    with h.client(OUTSIDE) as c:
        reply = c.message('joe@other.example', 'alice@example.test', 'From: joe@other.example\r\n\r\nhello\r\n')
    assert reply.startswith('250'), reply
    line = wait_for(lambda: next((ln for ln in h.log().splitlines()
                                  if 'accepted' in ln and 'joe@other.example' in ln and ' id=' in ln), None))
    ident = re.search(r' id=(\S+)', line).group(1)
    log = h.dir / 'copy.log'
    log.write_text(h.log())
    r = explain(h, ident, '--log', str(log), '--zone', str(h.zone), code=0)
    assert 'MAIL FROM:<joe@other.example>' in r.stdout and 'own-domain' in r.stdout
    r = explain(h, 'ZZZZZZZZZZZZZ', '--log', str(log))
    assert r.returncode != 0


def test_X1_bad_options(house):
    explain(house, '--from', 'a@b\r\nRCPT TO:<x@y>', code=64)
    explain(house, '--rcpt', 'alice@example.test', code=64)
    explain(house, '--ip', 'no-address', '--from', '<>', code=64)
