# SPDX-License-Identifier: ISC
"""DNS through libunbound against a real nsd: signed, unsigned and forged zones, every kind of answer."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]
import lab  # noqa: E402
from dnslab import Nsd  # noqa: E402

PLAIN = '''
@       IN MX 20 b
@       IN MX 10 a
@       IN TXT "v=spf1 mx" " -all"
a       IN A 192.0.2.1
b       IN A 192.0.2.2
b       IN AAAA 2001:db8::2
none    IN MX 0 .
alias   IN CNAME a
only    IN A 192.0.2.3
literal IN MX 10 192.0.2.9.
'''
SIGNED = '''
@       IN MX 10 mx
mx      IN A 192.0.2.10
bad     IN A 192.0.2.11
_25._tcp.mx IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
'''


@pytest.fixture(scope='module')
def ask(tmp_path_factory):
    path = tmp_path_factory.mktemp('dns')
    ns = Nsd(path / 'nsd', port=lab.free_port())
    ns.zone('plain.test', PLAIN).zone('signed.test', SIGNED, signed=True, break_signature='bad.signed.test')
    ns.start()
    conf = path / 'postern.conf'
    conf.write_text('hostname mail.me.test\nlisten mx 127.0.0.1:%d\ndomain me.test { users system; deliver discard; }\n' % lab.free_port() + ns.conf())

    def call(*args):
        p = subprocess.run([lab.BINARY, 'dns', *args, '--config', str(conf)], capture_output=True, text=True,
                           timeout=40)
        assert p.returncode == 0, p.stderr
        return json.loads(p.stdout)
    yield call
    ns.stop()


@pytest.mark.parametrize('name,kind,result,secure,records', [
    ('a.plain.test', 'A', 'ok', False, ['192.0.2.1']),
    ('b.plain.test', 'AAAA', 'ok', False, ['2001:db8::2']),
    ('alias.plain.test', 'A', 'ok', False, ['192.0.2.1']),
    ('plain.test', 'TXT', 'ok', False, ['v=spf1 mx -all']),
    ('a.plain.test', 'MX', 'nodata', False, []),
    ('x.plain.test', 'A', 'nxdomain', False, []),
    ('mx.signed.test', 'A', 'ok', True, ['192.0.2.10']),
    ('x.signed.test', 'A', 'nxdomain', True, []),
    ('mx.signed.test', 'AAAA', 'nodata', True, []),
    ('bad.signed.test', 'A', 'bogus', False, []),
])
def test_D1_answers(ask, name, kind, result, secure, records):
    got = ask('ask', name, kind)
    assert (got['result'], got['secure'], got['records']) == (result, secure, records)


def test_D1_tlsa(ask):
    got = ask('ask', '_25._tcp.mx.signed.test', 'TLSA')
    assert got['secure'] and got['records'][0]['usage'] == 3 and got['records'][0]['data'].startswith('0123')


@pytest.mark.parametrize('domain,want', [
    ('plain.test', ['192.0.2.1', '2001:db8::2', '192.0.2.2']),
    ('only.plain.test', ['192.0.2.3']),
    ('none.plain.test', '5.1.10'),
    ('x.plain.test', '5.1.2'),
    ('literal.plain.test', '5.4.4'),
])
def test_A15_plan(ask, domain, want):
    got = ask('plan', domain)
    assert ([t['ip'] for t in got['targets']] if got['result'] == 'ok' else got['status']) == want


def test_A15_self_dropped(ask):
    assert ask('plan', 'plain.test', '--own-ip', '192.0.2.1')['status'] == '5.4.6'
    assert [t['ip'] for t in ask('plan', 'plain.test', '--own-ip', '192.0.2.2')['targets']] == ['192.0.2.1']
