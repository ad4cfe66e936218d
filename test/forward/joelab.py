# SPDX-License-Identifier: ISC
"""The scenario of 2005: mike@somedomain.com writes to joe@forwardtome.com, who reads his mail elsewhere.

A namespace for each of: mike's server (and the name server), the forwarder, joe's provider, a strict stranger, a liar;
one bridge between them, DNS by nsd, port 25 everywhere.
"""
import base64
import email.utils
import json
import os
import subprocess
import sys
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dnslab import Nsd
from netlab import ip
from peerlab import House, Program, wait_for

PLACES = {'mike': '10.98.0.1', 'forwarder': '10.98.0.2', 'joe': '10.98.0.3', 'strict': '10.98.0.4', 'liar': '10.98.0.66'}
HOST = '@ IN MX 10 mx\nmx IN A %s\nmx IN TXT "v=spf1 a -all"\n@ IN TXT "v=spf1 ip4:%s -all"\n'


class Internet:
    """The namespaces, joined by a bridge in one of their own."""
    count = 0

    def __enter__(self):
        Internet.count += 1
        self.tag = 'pj%d-%d' % (os.getpid() % 100000, Internet.count)
        try:
            self.add('sw')
            ip('-n', self.ns('sw'), 'link', 'add', 'br0', 'type', 'bridge')
            ip('-n', self.ns('sw'), 'link', 'set', 'br0', 'up')
            for place, address in PLACES.items():
                self.add(place)
                ip('-n', self.ns(place), 'link', 'add', 'e0', 'type', 'veth', 'peer', 'name', place[:8], 'netns',
                   self.ns('sw'))
                ip('-n', self.ns('sw'), 'link', 'set', place[:8], 'master', 'br0', 'up')
                ip('-n', self.ns(place), 'addr', 'add', address + '/24', 'dev', 'e0')
                ip('-n', self.ns(place), 'link', 'set', 'e0', 'up')
        except subprocess.CalledProcessError as e:
            self.__exit__()
            raise AssertionError('no network namespace: ' + e.stderr) from e
        return self

    def ns(self, place):
        return '%s-%s' % (self.tag, place)

    def add(self, place):
        ip('netns', 'add', self.ns(place))
        ip('-n', self.ns(place), 'link', 'set', 'lo', 'up')

    def __exit__(self, *_):
        for place in ['sw', *PLACES]:
            ip('netns', 'del', self.ns(place), check=False)

    def prefix(self, place):
        return ['ip', 'netns', 'exec', self.ns(place)]

    def accepts(self, place, port=25):
        code = 'import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)'
        return subprocess.run([*self.prefix(place), '/usr/bin/python3', '-c', code, PLACES[place], str(port)],
                              capture_output=True, timeout=20).returncode == 0


class Key:
    """mike's signature, made and published with other people's tools."""

    def __init__(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                     serialization.NoEncryption())
        public = base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER,
                                                                serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
        half = len(public) // 2
        self.record = 's._domainkey IN TXT "v=DKIM1; k=rsa; p=%s" "%s"\n' % (public[:half], public[half:])

    def sign(self, message, domain='somedomain.com'):
        return dkim.sign(message, b's', domain.encode(), self.pem, canonicalize=(b'relaxed', b'relaxed')) + message


def letter(tag, sender='mike@somedomain.com', to='joe@forwardtome.com'):
    return ('From: Mike <%s>\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@somedomain.com>\r\n'
            'MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nDear Joe,\r\n\r\n  two  spaces \r\n\r\n' % (
                sender, to, tag, email.utils.formatdate(), tag)).encode()


class Scene:
    """Started piece by piece by the tests; ended in the reverse order."""

    def __init__(self, path):
        self.path, self.ends, self.key = Path(path), [], Key()

    def __enter__(self):
        try:
            self.net = Internet().__enter__()
            self.ends.append(self.net.__exit__)
            self.dns()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.ends:
            self.ends.pop()()

    def zones(self):
        """somedomain.com asks for rejection; sometimes.example asks for nothing; both have SPF with -all.  The top is
        there because DMARC walks up to it."""
        yield 'com', ''
        yield 'example', ''
        yield 'somedomain.com', HOST % (('10.98.0.1',) * 2) + self.key.record + '_dmarc IN TXT "v=DMARC1; p=reject"\n'
        yield 'sometimes.example', HOST % (('10.98.0.1',) * 2) + self.key.record
        yield 'forwardtome.com', HOST % (('10.98.0.2',) * 2)
        yield 'joes.example', HOST % (('10.98.0.3',) * 2)
        yield 'strict.example', HOST % (('10.98.0.4',) * 2)
        yield 'liar.example', HOST % (('10.98.0.66',) * 2)
        yield 'nospf.example', '@ IN MX 10 mx\nmx IN A 10.98.0.66\n'
        yield '98.10.in-addr.arpa', ''.join('%s.0 IN PTR mx.%s.\n' % (n, d) for n, d in (
            (1, 'somedomain.com'), (2, 'forwardtome.com'), (3, 'joes.example'), (4, 'strict.example'),
            (66, 'liar.example')))

    def dns(self):
        self.nsd = Nsd(self.path / 'nsd', address=PLACES['mike'], port=53, prefix=self.net.prefix('mike'))
        for name, text in self.zones():
            self.nsd.zone(name, text)
        self.nsd.start()
        self.ends.append(self.nsd.stop)

    def house(self, place, domain, extra='', forwards=None, **opt):
        file = self.path / place / 'forwards'
        if forwards is not None:
            opt['in_domain'] = 'forwards file %s' % file
        h = House(self.path / place, prefix=self.net.prefix(place), address=PLACES[place], port=25, domain=domain,
                  hostname='mx.' + domain, check_senders=True, extra=self.nsd.conf(validate=False) + extra, **opt)
        if forwards is not None:
            file.write_text(forwards)
            file.chmod(0o640)
        self.ends.append(h.__exit__)
        return h.start()

    def strict(self):
        out = self.path / 'strict.jsonl'
        program = Program(['/usr/bin/python3', Path(__file__).with_name('strict.py'), PLACES['strict'], PLACES['mike'], out],
                          lambda: self.net.accepts('strict'), self.net.prefix('strict'), self.path / 'strict.out')
        self.ends.append(program.stop)
        return lambda: [json.loads(ln) for ln in out.read_text().splitlines()] if out.exists() else []

    def send(self, place, sender, to, message, server='forwarder'):
        """By hand from that place; the reply to the last command."""
        code = '''
import smtplib, sys
s = smtplib.SMTP(sys.argv[1], 25, local_hostname=sys.argv[2], timeout=20)
try:
    s.sendmail(sys.argv[3], [sys.argv[4]], sys.stdin.buffer.read())
    print('250 ok')
except smtplib.SMTPRecipientsRefused as e:
    print(*next(iter(e.recipients.values())))
except smtplib.SMTPResponseException as e:
    print(e.smtp_code, e.smtp_error)
'''
        names = {'mike': 'mx.somedomain.com', 'liar': 'mx.liar.example', 'forwarder': 'mx.forwardtome.com'}
        r = subprocess.run([*self.net.prefix(place), sys.executable, '-c', code, PLACES[server], names[place], sender, to],
                           input=message, capture_output=True, timeout=60)
        assert r.returncode == 0, r.stderr.decode()
        return r.stdout.decode().strip()

    def postfix(self, aliases):
        """The forwarder of 2005: a Postfix that passes mail on as it is."""
        import postfix
        scene = self

        class There(postfix.Postfix):
            def start(self):
                self.write()
                etc = self.dir / 'etc'
                (etc / 'master.cf').write_text((etc / 'master.cf').read_text().replace(
                    '127.0.0.1:25 ', PLACES['forwarder'] + ':25 '))
                (etc / 'virtual').write_text(''.join('%s %s\n' % a for a in aliases.items()))
                # No setting twice: postlogd would tell itself about it before it reads, and wait for ever.
                values = dict(inet_interfaces=PLACES['forwarder'], myhostname='mx.forwardtome.com', mydestination='',
                              relayhost='', virtual_alias_domains='forwardtome.com', mynetworks='127.0.0.0/8',
                              virtual_alias_maps='texthash:%s/virtual' % etc, smtp_host_lookup='dns',
                              disable_dns_lookups='no', smtp_dns_support_level='enabled', default_transport='smtp')
                lines = (etc / 'main.cf').read_text().splitlines()
                lines = [ln for ln in lines if ln.partition('=')[0].strip() not in values]
                (etc / 'main.cf').write_text('\n'.join(lines + ['%s = %s' % v for v in values.items()]) + '\n')
                self.out = open(self.dir / 'master.out', 'wb')
                (self.dir / 'resolv.conf').write_text('nameserver %s\n' % PLACES['mike'])
                bind = ['sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.dir / 'resolv.conf']
                self.process = subprocess.Popen(
                    [*scene.net.prefix('forwarder'), *bind, self.root / 'usr/lib/postfix/sbin/master', '-c', etc, '-d'],
                    env=self.env, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL, start_new_session=True)
                wait_for(lambda: scene.net.accepts('forwarder'), 20)
                return self
        p = There(self.path / 'postfix', 25).start()
        self.ends.append(p.stop)
        return p
