# SPDX-License-Identifier: ISC
"""MX records of a real name server between two hosts (network namespaces): where mail goes and why it does not.

The server lives in one namespace and asks its resolver role, which asks nsd in the other; mail goes to port 25 of
the other's addresses.  Needs root for the namespaces, and says so when it is not.
"""
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent.parent / 'bench')]
from dnslab import Nsd  # noqa: E402
from outlab import FarServer, Hosts, Sink, lab, opened  # noqa: E402

ZONE = '''
first   IN MX 20 two
first   IN MX 10 one
dead    IN MX 10 nobody
dead    IN MX 20 two
equal   IN MX 10 one
equal   IN MX 10 two
none    IN MX 0 .
self    IN MX 10 mail.me.test.
selfip  IN MX 10 us
backup  IN MX 10 one
backup  IN MX 20 us
backup  IN MX 30 two
literal IN MX 10 192.0.2.11.
alias   IN CNAME first
six     IN MX 10 sixhost
implicit IN A 192.0.2.12
loop    IN MX 10 localhost.mx.test.
nowhere IN MX 10 noaddr
relay   IN MX 10 sinkhost
one     IN A 192.0.2.11
two     IN A 192.0.2.12
us      IN A 192.0.2.1
nobody  IN A 192.0.2.99
sixhost IN AAAA 2001:db8::11
sinkhost IN A 192.0.2.14
localhost.mx.test. IN A 127.0.0.1
'''
ONE, TWO, SIX = '192.0.2.11:25', '192.0.2.12:25', '2001:db8::11:25'


@pytest.fixture(scope='module')
def far(tmp_path_factory):
    path = opened(tmp_path_factory.mktemp('mx'))
    hosts = Hosts(['192.0.2.53/24', '192.0.2.11/24', '192.0.2.12/24', '192.0.2.14/24', '2001:db8::11/64'])
    there = hosts.at_there()
    ns = server = sink = None
    try:
        ns = Nsd(path / 'nsd', address='192.0.2.53', prefix=there).zone('mx.test', ZONE)
        ns.zone('signed.test', 'bad IN MX 10 badmx\nbadmx IN A 192.0.2.11\ngood IN MX 10 goodmx\n'
                'goodmx IN A 192.0.2.12\n', signed=True, break_signature='badmx.signed.test').start()
        sink = Sink(path / 'mail.json', ONE, TWO, '[2001:db8::11]:25', prefix=there)
        server = FarServer(path / 'server', prefix=hosts.at_here(), extra=ns.conf().replace(
            '\n}', '\n    stub broken.test 192.0.2.53:53\n}')).start()
        server.sink, server.hosts, server.path = sink, hosts, path
        yield server
        assert server.stop() == 0
    finally:
        if server and server.process:
            server.stop()
        for s in (sink, ns):
            if s:
                s.stop()
        hosts.done()


def arrived(far, word, n=1):
    def found():
        got = [m for m in far.sink.mails() if word.encode() in m['body']]
        return got if len(got) >= n else None
    return lab.wait_for(found, 30)


@pytest.mark.parametrize('domain,where', [
    ('first.mx.test', ONE), ('alias.mx.test', ONE), ('implicit.mx.test', TWO), ('six.mx.test', SIX),
    ('dead.mx.test', TWO), ('backup.mx.test', ONE), ('[192.0.2.12]', TWO), ('[IPv6:2001:db8::11]', SIX),
    ('good.signed.test', TWO),
])
def test_A15_goes_to(far, domain, where):
    word = 'to-%s.' % domain.strip('[]').replace(':', '-')
    far.send('Subject: %s\r\n\r\nx\r\n' % word, to=['bob@' + domain])
    assert [m['to'] for m in arrived(far, word)] == [where]


@pytest.mark.parametrize('domain,status', [
    ('none.mx.test', '5.1.10'), ('missing.mx.test', '5.1.2'), ('self.mx.test', '5.4.6'), ('selfip.mx.test', '5.4.6'),
    ('loop.mx.test', '5.4.6'), ('literal.mx.test', '5.4.4'), ('nowhere.mx.test', '5.4.4'),
])
def test_A15_never_goes(far, domain, status):
    far.send('Subject: x\r\n\r\nx\r\n', to=['never@' + domain])
    report = lab.wait_for(lambda: [b for b in far.bounces() if ('never@' + domain).encode() in b], 30)[0]
    assert ('Status: ' + status).encode() in report


@pytest.mark.parametrize('domain', ['x.broken.test', 'bad.signed.test'])
def test_A15_dns_trouble_defers(far, domain):
    far.send('Subject: x\r\n\r\nx\r\n', to=['bob@' + domain])
    line = lab.wait_for(lambda: far.events('deferred', to=domain), 40)[0]
    assert 'class=dns' in line and 'status=4.4.3' in line
    if 'signed' in domain:
        assert far.events('dns_bogus', name='badmx.signed.test')


def test_A15_random_within_equal(far):
    """Each message makes its own choice once connections have ended; both hosts get some."""
    for i in range(24):
        far.send('Subject: equal-%d.\r\n\r\nx\r\n' % i, to=['b%d@equal.mx.test' % i])
    assert {m['to'] for m in arrived(far, 'equal-', 24)} <= {ONE, TWO}


def test_relay_to_smtp_sink(far):
    """Postfix's own test server as the next hop; it counts what it took."""
    import postfix
    try:
        root = postfix.unpack()
    except (OSError, subprocess.CalledProcessError, StopIteration) as e:
        pytest.fail('Postfix cannot be had from the distribution: %s' % e)
    out = far.path / 'sink'
    out.mkdir()
    out.chmod(0o777)
    user = 'nobody'
    p = subprocess.Popen([*far.hosts.at_there(), 'env', 'LD_LIBRARY_PATH=%s' % (root / 'usr/lib/postfix'),
                          str(root / 'usr/sbin/smtp-sink'), '-u', user, '-d', str(out) + '/%M.', '192.0.2.14:25', '100'],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for i in range(20):
            far.send('Subject: sunk-%d\r\n\r\n.\r\n..x\r\n' % i, to=['s%d@relay.mx.test' % i])
        lab.wait_for(lambda: p.poll() is not None or len(list(out.iterdir())) >= 20, 40)
        assert p.poll() is None, p.stderr.read().decode()
        texts = [f.read_text() for f in out.iterdir()]
        assert len({t for t in texts if 'Subject: sunk-' in t}) == 20
    finally:
        p.terminate()
        p.wait(10)
