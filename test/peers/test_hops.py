# SPDX-License-Identifier: ISC
"""Next hops found through MX records of a real nsd in a network namespace: a second postern, a real Postfix,
Postfix's smtp-sink; unbound as the forwarder; null, implicit, failing and looping MX; address literals; IPv6."""
import os
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from dnslab import Nsd
from netlab import Net
from peerlab import House, Program, parse, postfix_tool, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0 or lab.AS != 'root', reason='network namespaces and port 25 need root')

ADDRESSES = ['10.99.0.%d/24' % n for n in (10, 20, 30, 40, 50)] + ['fd99::20/64']
ZONE = '''
second    IN MX 10 mx.second
mx.second IN A 10.99.0.10
fix       IN MX 5 nobody.fix
fix       IN MX 10 mx.fix
nobody.fix IN A 10.99.0.99
mx.fix    IN A 10.99.0.20
sink      IN A 10.99.0.30
alias     IN CNAME sink
six       IN MX 10 mx.six
mx.six    IN AAAA fd99::20
mx.six    IN A 10.99.0.40
null      IN MX 0 .
loop      IN MX 10 me
loop      IN MX 20 mx.second
me        IN A 10.99.0.1
worse     IN MX 5 mx.second
worse     IN MX 10 me
both      IN MX 10 down.both
both      IN MX 20 up.both
down.both IN A 10.99.0.50
up.both   IN A 10.99.0.30
none      IN TXT "no address at all"
*.wild    IN MX 10 sink
'''


class Sink(Program):
    """Postfix's smtp-sink; each message becomes a file with its envelope in front."""

    def __init__(self, net, path, address, *options):
        tool, env = postfix_tool('smtp-sink')
        path.mkdir()
        self.dir = path
        super().__init__([tool, *options, '-u', 'root', '-d', str(path) + '/m.', '%s:25' % address, '100'],
                         lambda: net.accepts(address.strip('[]'), 25), net.prefix('there'), path / 'out', env=env)

    def mails(self):
        return [p.read_text(errors='replace') for p in sorted(self.dir.glob('m.*'))]


class Outside:
    """The network, its DNS, and a house in it; hops are started by the tests."""

    def __init__(self, path, forwarder=False, **opt):
        self.path, self.forwarder, self.opt, self.ends = path, forwarder, opt, []

    def __enter__(self):
        try:
            self.net = Net(ADDRESSES)
            self.net.__enter__()
            self.ends.append(lambda: self.net.__exit__())
            self.nsd = Nsd(self.path / 'nsd', address='10.99.0.1', port=53, prefix=self.net.prefix())
            self.nsd.zone('out.test', ZONE)
            for sender in ('example.test', 'stranger.example'):         # whose mail is taken must be answerable
                self.nsd.zone(sender, '@ IN MX 10 mx\nmx IN A 10.99.0.1\n')
            self.nsd.start()
            self.ends.append(self.nsd.stop)
            if self.forwarder:
                self.unbound()
                dns = 'dns {\n    server 127.0.0.1:5353\n    query-localhost yes\n    validate no\n}\n'
            else:
                dns = self.nsd.conf(validate=False)
            self.house = House(self.path / 'h', prefix=self.net.prefix(), address='10.99.0.1', port=25,
                               extra=dns + self.opt.pop('extra', ''), hostname='me.out.test', limits=['dns-time 3s'], **self.opt)
            self.house.start()
            self.ends.append(self.house.__exit__)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.ends:
            self.ends.pop()()

    def unbound(self):
        """A forwarder in between, as a site's own resolver is."""
        conf = self.path / 'unbound.conf'
        conf.write_text('''server:
    interface: 127.0.0.1@5353
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "%s"
    pidfile: "%s/unbound.pid"
    use-syslog: no
    module-config: "iterator"
    do-not-query-localhost: no
    local-zone: "test." nodefault
    access-control: 127.0.0.0/8 allow
stub-zone:
    name: "out.test"
    stub-addr: 10.99.0.1@53
remote-control:
    control-enable: no
''' % (self.path, self.path))
        program = Program(['unbound', '-c', conf], lambda: self.net.accepts('127.0.0.1', 5353, 'here'),
                          self.net.prefix(), self.path / 'unbound.out')
        self.ends.append(program.stop)

    def add(self, program):
        self.ends.append(program.stop)
        return program

    def send(self, *to, sender='alice@example.test', args=()):
        self.house.sendmail('-f', sender, *args, *to, text='Subject: to %s\n\n.dot\nbody\n' % to[0])

    def sink(self, address='10.99.0.30', *options):
        return self.add(Sink(self.net, self.path / ('sink-' + address.replace(':', '-')), address, *options))


@pytest.fixture
def out(tmp_path):
    lab.open_way(tmp_path)
    with Outside(tmp_path) as o:
        yield o


def test_A15_second_postern(out):
    """MX of a domain of another postern: relayed, and in its Maildir with both Received fields; its refusal bounces."""
    two = House(out.path / 'two', domain='second.out.test', prefix=out.net.prefix('there'), address='10.99.0.10', port=25,
                extra=out.nsd.conf(validate=False))
    two.start()
    out.ends.append(two.__exit__)
    out.send('bob@second.out.test', 'nobody@second.out.test')
    m = two.wait_mail('bob')[0]
    assert m['Return-Path'] == '<alice@example.test>' and m.get_content().splitlines() == ['.dot', 'body']
    received = m.get_all('Received')
    assert len(received) == 2 and 'by mx.second.out.test' in received[0] and 'by me.out.test' in received[1]
    bounce = out.house.wait_mail()[0]
    assert 'Final-Recipient: rfc822; nobody@second.out.test' in bounce.as_string()
    out.house.wait_empty()


def test_A15_real_postfix(out):
    """The first MX does not answer, the second is a Postfix: it takes the message and keeps it in its queue."""
    import postfix
    class There(postfix.Postfix):
        def start(self):
            self.write()
            master = self.dir / 'etc' / 'master.cf'
            master.write_text(master.read_text().replace('127.0.0.1:25 ', '10.99.0.20:25 '))
            main = self.dir / 'etc' / 'main.cf'
            mine = ['inet_interfaces = 10.99.0.20', 'mydestination = fix.out.test', 'defer_transports = local',
                    'mynetworks = 127.0.0.0/8']
            # No setting twice: postlogd would tell itself about it before it reads, and wait for ever.
            lines = [ln for ln in main.read_text().splitlines() if ln.split(' = ')[0] not in
                     [m.split(' = ')[0] for m in mine]]
            main.write_text('\n'.join(lines + mine) + '\n')
            self.out = open(self.dir / 'master.out', 'wb')
            self.process = subprocess.Popen([*out.net.prefix('there'), self.root / 'usr/lib/postfix/sbin/master', '-c',
                                             self.dir / 'etc', '-d'], env=self.env, stdout=self.out, stderr=self.out,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
            wait_for(lambda: out.net.accepts('10.99.0.20', 25), 20)
            return self
    fix = There(out.path / 'fix', 25).start()
    out.ends.append(fix.stop)
    out.send('root@fix.out.test')
    out.house.wait_log('event=relayed', 'root@fix.out.test', limit=60)
    log = lambda: (fix.dir / 'maillog').read_text(errors='replace')     # noqa: E731
    wait_for(lambda: 'from=<alice@example.test>' in log())
    assert 'client=unknown[10.99.0.1]' in log() or '[10.99.0.1]' in log()
    out.house.wait_empty()


def test_A15_implicit_mx_and_cname(out):
    """No MX: the address itself; a CNAME is followed; the recipient is not rewritten."""
    sink = out.sink()
    out.send('a@sink.out.test')
    out.send('b@alias.out.test')
    out.send('c@x.wild.out.test')
    wait_for(lambda: len(sink.mails()) == 3)
    text = '\n'.join(sink.mails())
    assert 'a@sink.out.test' in text and 'b@alias.out.test' in text and 'c@x.wild.out.test' in text
    out.house.wait_empty()


def test_A15_through_unbound(tmp_path):
    """The site's resolver between us and the zone."""
    lab.open_way(tmp_path)
    with Outside(tmp_path, forwarder=True) as o:
        sink = o.sink()
        o.send('a@sink.out.test')
        wait_for(lambda: len(sink.mails()) == 1)
        o.send('x@null.out.test')
        assert '5.1.10' in o.house.wait_mail()[0].as_string()


@pytest.mark.parametrize('to,status', [('x@null.out.test', '5.1.10'), ('x@missing.out.test', '5.1.2'),
                                       ('x@none.out.test', '5.1.2'), ('x@loop.out.test', '5.4.6')])
def test_A15_dead_ends(out, to, status):
    """RFC 7505 null MX, no such domain, no address, best MX is us: returned at once with the right status."""
    out.send(to)
    bounce = out.house.wait_mail()[0].as_string()
    assert 'Status: ' + status in bounce, bounce
    out.house.wait_empty()


def test_A15_we_are_a_backup(out):
    """We stand in the MX list behind another: only those before us are tried."""
    sink = out.sink('10.99.0.10')
    out.send('x@worse.out.test')
    wait_for(lambda: len(sink.mails()) == 1)
    out.house.wait_empty()


def test_A15_second_mx_when_the_first_is_down(out):
    sink = out.sink()
    out.send('x@both.out.test')
    wait_for(lambda: len(sink.mails()) == 1)
    out.house.wait_empty()


def test_A15_servfail_defers(out):
    """DNS away: nothing is returned, everything goes when it is back."""
    sink = out.sink()
    out.nsd.stop()
    out.send('a@sink.out.test')
    out.house.wait_log('class=dns', limit=60)
    assert not out.house.mails() and out.house.queued()
    out.nsd.start()
    out.house.wait_empty(60)
    assert len(sink.mails()) == 1


def test_A15_ipv6(out):
    """A host with both families; only its IPv6 address answers."""
    sink = out.sink('[fd99::20]')
    out.send('x@six.out.test')
    wait_for(lambda: len(sink.mails()) == 1)


def test_address_literals(out):
    sink = out.sink()
    out.send('x@[10.99.0.30]')
    wait_for(lambda: len(sink.mails()) == 1)
    six = out.sink('[fd99::20]')
    out.send('x@[IPv6:fd99::20]')
    wait_for(lambda: len(six.mails()) == 1)
    out.house.wait_empty()


@pytest.mark.parametrize('options', [('-q', 'RCPT'), ('-Q', 'DATA'), ('-r', 'rcpt'), ('-f', 'MAIL'), ('-e',),
                                     ('-p',), ('-8',)])
def test_P17_smtp_sink_misbehaves(out, options):
    """smtp-sink breaks off, refuses, speaks no ESMTP: temporary things are tried again, permanent ones returned."""
    sink = out.sink('10.99.0.30', *options)
    out.send('x@sink.out.test')
    if options[0] == '-f':
        assert 'Action: failed' in out.house.wait_mail()[0].as_string()
        return
    if options[0] in ('-e', '-p', '-8'):
        wait_for(lambda: len(sink.mails()) == 1)
        return out.house.wait_empty()
    out.house.wait_log('event=deferred', 'attempt=2')
    assert not out.house.mails() and out.house.queued()
    sink.stop()
    again = Sink(out.net, out.path / 'again', '10.99.0.30')
    out.ends.append(again.stop)
    out.house.queue('flush')
    out.house.wait_empty()
    assert len(again.mails()) == 1


def test_many_messages_to_one_hop(out):
    """20 messages of ten recipients each: every one arrives once."""
    sink = out.sink()
    for i in range(20):
        out.house.sendmail('-f', 'alice@example.test', *['u%d@sink.out.test' % n for n in range(10)],
                           text='Subject: %d\n\nx\n' % i)
    wait_for(lambda: len(sink.mails()) == 20, 30)
    out.house.wait_empty()
    assert len(sink.mails()) == 20


def test_relay_to_a_domain_from_outside(tmp_path):
    """relay to domain: strangers may send there and nowhere else."""
    lab.open_way(tmp_path)
    with Outside(tmp_path, extra='relay to domain sink.out.test\n') as o:
        sink = o.sink()
        code = '''
import smtplib, sys
s = smtplib.SMTP('10.99.0.1', 25, timeout=10)
print(s.helo('stranger.example')[0], s.mail('s@stranger.example')[0], s.rcpt('a@sink.out.test')[0],
      s.rcpt('b@second.out.test')[0], s.data('Subject: x\\r\\n\\r\\nx\\r\\n')[0])
'''
        r = subprocess.run([*o.net.prefix('there'), sys.executable, '-c', code], capture_output=True, text=True,
                           timeout=30)
        assert r.stdout.split() == ['250', '250', '250', '550', '250'], r.stderr
        wait_for(lambda: len(sink.mails()) == 1)
