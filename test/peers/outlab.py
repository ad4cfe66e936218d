# SPDX-License-Identifier: ISC
"""What the tests of outgoing mail share: sinks as processes, a server with routes, two hosts as network namespaces."""
import base64
import json
import os
import re
import smtplib
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]
import lab  # noqa: E402

SINK = Path(__file__).resolve().parent / 'sink.py'


def opened(path):
    """The directory, with a way to it for the roles' own users."""
    for p in [path, *path.parents]:
        if len(p.parts) > 2:
            p.chmod(p.stat().st_mode | 0o711)
    return path


class Sink:
    """sink.py on the given places; .mails() are the messages it took."""

    def __init__(self, path, *where, mode='ok', lmtp=False, plain=False, prefix=()):
        self.out = Path(path)
        self.where = list(where) or ['127.0.0.1:%d' % lab.free_port()]
        args = [*prefix, '/usr/bin/python3', str(SINK), '--out', str(self.out), '--mode', mode,
                *(['--lmtp'] if lmtp else []), *(['--plain'] if plain else []), *self.where]
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b'ready\n', 'the sink did not start'

    @property
    def hop(self):
        host, _, port = self.where[0].rpartition(':')
        return '[%s]:%s' % (host.strip('[]'), port)

    def records(self):
        text = self.out.read_text() if self.out.exists() else ''
        return [json.loads(ln) for ln in text.split('\n')[:-1]]       # the last line may be half written

    def mails(self):
        found = self.records()
        assert not any('wrong' in r for r in found), found
        for r in found:
            r['body'] = base64.b64decode(r['data'])
        return found

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


class Server(lab.Postern):
    """An instance whose every client may relay, with routes; `alice@me.test` is its only user."""

    def __init__(self, path, routes='', extra='', prefix=()):
        self.dir, self.prefix, self.process = Path(path), list(prefix), None
        self.dir.mkdir(parents=True)
        self.domain, self.port = 'me.test', lab.free_port()
        self.conf, self.log_file = self.dir / 'postern.conf', self.dir / 'server.out'
        (self.dir / 'users').write_text('alice:{PLAIN}secret:::::\n')
        self.conf.write_text(
            'hostname mail.me.test\nlisten mx 127.0.0.1:%d\nspool spool\nrun run\ndata data\nclients 1\nworkers 1\n'
            'domain me.test { users file users; deliver maildir mail/{domain}/{user} }\n'
            'test { relay-from 127.0.0.0/8; check-senders no }\n%s%s\n' % (self.port, routes, extra))
        opened(self.dir.parent)
        if lab.AS == 'user':
            lab.own(self.dir, lab.NOBODY)

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended at start:\n' + self.log()[-3000:])
        return ' event=ready ' in self.log() and super().ready()

    def send(self, *args, **kw):
        """As a client does: a server that says 452 while it prepares its first segments is asked again."""
        def taken():
            try:
                return super(Server, self).send(*args, **kw) == {}
            except smtplib.SMTPDataError as e:
                if e.smtp_code != 452:
                    raise
                return False
        lab.wait_for(taken)

    def events(self, event, **fields):
        """Log lines of that event whose fields begin with these texts."""
        lines = [ln for ln in self.log().splitlines() if ' event=%s ' % event in ln]
        return [ln for ln in lines if all(re.search(r' %s="?%s' % (k, re.escape(v)), ln) for k, v in fields.items())]

    def queued(self):
        return self.events('queued')

    def bounces(self):
        return [m.read_bytes() for m in self.mails('alice')]


class Hosts:
    """Two hosts: `here` for the server, `there` with the addresses of name server and sinks, and a wire between them."""

    def __init__(self, addresses):
        if os.getuid() != 0:
            raise AssertionError('network namespaces need root: run this test as root')
        n = os.getpid() % 100000
        self.here, self.there = 'pa%d' % n, 'pb%d' % n
        self.ip('netns', 'add', self.here)
        self.ip('netns', 'add', self.there)
        self.ip('-n', self.here, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', self.there)
        for ns, addrs in ((self.here, ['192.0.2.1/24', '2001:db8::1/64']), (self.there, addresses)):
            for a in addrs:
                self.ip('-n', ns, 'addr', 'add', a, 'dev', 'wire', *(['nodad'] if ':' in a else []))
            self.ip('-n', ns, 'link', 'set', 'lo', 'up')
            self.ip('-n', ns, 'link', 'set', 'wire', 'up')

    @staticmethod
    def ip(*args):
        subprocess.run(['ip', *args], check=True, capture_output=True, text=True, timeout=20)

    def at_here(self):
        return ['ip', 'netns', 'exec', self.here]

    def at_there(self):
        return ['ip', 'netns', 'exec', self.there]

    def done(self):
        for ns in (self.here, self.there):
            subprocess.run(['ip', 'netns', 'del', ns], capture_output=True, timeout=20)


class FarServer(Server):
    """A Server inside a namespace: reached by programs run there."""

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended at start:\n' + self.log()[-3000:])
        return ' event=ready ' in self.log()

    def send(self, text='Subject: t\r\n\r\nhello\r\n', sender='alice@me.test', to=None):
        code = ('import smtplib,sys,json; a=json.load(sys.stdin); s=smtplib.SMTP("127.0.0.1",%d,timeout=20); '
                's.sendmail(a[0],a[1],a[2]); s.quit()' % self.port)
        subprocess.run([*self.prefix, '/usr/bin/python3', '-c', code], input=json.dumps([sender, to, text]), text=True,
                       check=True, timeout=60)
