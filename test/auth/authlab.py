# SPDX-License-Identifier: ISC
"""A server with TLS on a submission listener, and clients for the tests of AUTH."""
import base64
import hashlib
import hmac
import os
import re
import smtplib
import socket
import ssl
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

HOST = 'mx.victim.example'

CONF = '''hostname mx.victim.example
listen mx 127.0.0.1:{mx} {{
    name world
}}
listen submission 127.0.0.1:{starttls} {{
    name starttls
    tls starttls
    client-certificates request
    client-ca {dir}/ca.pem
}}
listen submission 127.0.0.1:{implicit}
certificate {dir}/chain.pem {dir}/key.pem
spool {dir}/spool
run {dir}/run
domain victim.example {{
    users file {dir}/users
    aliases file {dir}/aliases
    deliver discard
    {passwords}
}}
relay from authenticated
{more}
limits {{
    error-delay 0
    auth-delay {delay}
    {limits}
}}
test {{
    accepted-file {dir}/accepted.jsonl
    check-senders no
}}
'''


def scram_entry(password, algo='sha256', iterations=4096, salt=b'0123456789abcdef'):
    salted = hashlib.pbkdf2_hmac(algo, password.encode(), salt, iterations)
    client = hmac.digest(salted, b'Client Key', algo)
    stored, server = hashlib.new(algo, client).digest(), hmac.digest(salted, b'Server Key', algo)
    b64 = [base64.b64encode(x).decode() for x in (salt, stored, server)]
    return '{SCRAM-SHA-%s}%d,%s' % ('1' if algo == 'sha1' else '256', iterations, ','.join(b64))


USERS = {'alice': '{PLAIN}secret', 'bob': scram_entry('secret-b'), 'victim': '{PLAIN}other'}


def certificates(path, extra=()):
    def run(*argv):
        subprocess.run(argv, check=True, capture_output=True, timeout=30)
    curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    run('openssl', 'req', '-x509', *curve, '-subj', '/CN=' + HOST, '-addext', 'subjectAltName=DNS:' + HOST, '-days', '2',
        '-keyout', str(path / 'key.pem'), '-out', str(path / 'chain.pem'))
    run('openssl', 'req', '-x509', *curve, '-subj', '/CN=Users CA', '-days', '2', '-keyout', str(path / 'ca.key'),
        '-out', str(path / 'ca.pem'))
    for user in extra:
        run('openssl', 'req', *curve, '-subj', '/CN=' + user, '-addext', 'subjectAltName=email:' + user, '-keyout',
            str(path / (user + '.key')), '-out', str(path / (user + '.csr')))
        run('openssl', 'x509', '-req', '-in', str(path / (user + '.csr')), '-CA', str(path / 'ca.pem'), '-CAkey',
            str(path / 'ca.key'), '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out',
            str(path / (user + '.pem')))
    (path / 'key.pem').chmod(0o600)


# No guard against guessing: for tests that guess.
UNGUARDED = ('auth-failures-per-address 100000\n    auth-failures-per-network 100000\n    auth-failures-per-user 100000\n'
             '    auth-errors 100\n    auth-spray 1000000')


class House(lab.Postern):
    """Started at once; .submission speaks STARTTLS, .implicit TLS from the first byte."""

    @classmethod
    def make(cls, path, users=None, passwords='', more='', limits='', delay='0', certs=(), start=True, before=None):
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        lab.open_way(path)
        (path / 'users').write_text(''.join('%s:%s::::::\n' % kv for kv in (users or USERS).items()))
        (path / 'aliases').write_text('postmaster: alice\n')
        os.chmod(path / 'users', 0o640)
        certificates(path, certs)
        ports = {n: lab.free_port() for n in ('mx', 'starttls', 'implicit')}
        conf = path / 'postern.conf'
        conf.write_text(CONF.format(dir=path, passwords=passwords.replace('DIR', str(path)),
                                    more=more.replace('DIR', str(path)), limits=limits, delay=delay, **ports))
        self = cls.bare(path, ports['mx'], conf)
        self.submission, self.implicit = ports['starttls'], ports['implicit']
        if before:
            before(path)
        if start:
            self.start()
            lab.wait_for(lambda: lab.accepts(self.implicit))
        return self

    def tls(self, port=None, cert=None):
        """An smtplib session inside TLS, after EHLO."""
        context = ssl.create_default_context(cafile=self.dir / 'chain.pem')
        context.check_hostname = False
        if cert:
            context.load_cert_chain(self.dir / (cert + '.pem'), self.dir / (cert + '.key'))
        s = smtplib.SMTP('127.0.0.1', port or self.submission, timeout=30, local_hostname='client.example')
        s.starttls(context=context)
        s.ehlo()
        return s

    def auth(self, mechanism, initial=None, answers=(), port=None, cert=None):
        """The last reply to one AUTH exchange: (code, text)."""
        with self.tls(port, cert) as s:
            code, text = s.docmd('AUTH ' + mechanism + ('' if initial is None else ' ' + initial))
            for a in answers:
                if code != 334:
                    break
                code, text = s.docmd(a(text) if callable(a) else a)
            return code, text.decode()

    def plain(self, user, password, authzid=''):
        return self.auth('PLAIN', b64(('%s\0%s\0%s' % (authzid, user, password)).encode()))

    def mechanisms(self, port=None):
        with self.tls(port) as s:
            return s.esmtp_features.get('auth', '').split()


def b64(octets):
    return base64.b64encode(octets if isinstance(octets, bytes) else octets.encode()).decode()


class Scram:
    """A SCRAM client that can be told to do everything wrong."""

    def __init__(self, user, password, algo='sha256', gs2='n,,', binding=b'', nonce='abcdefghij', authzid=None):
        self.user, self.password, self.algo, self.binding = user, password, algo, binding
        self.gs2 = gs2 if authzid is None else gs2[:-1] + 'a=' + authzid + ','
        self.nonce = nonce
        self.bare = 'n=%s,r=%s' % (user.replace('=', '=3D').replace(',', '=2C'), nonce)
        self.challenge = None

    def first(self):
        return b64(self.gs2 + self.bare)

    def final(self, text):
        self.challenge = base64.b64decode(text).decode()
        attr = dict(a.split('=', 1) for a in self.challenge.split(','))
        assert attr['r'].startswith(self.nonce) and len(attr['r']) > len(self.nonce) + 10
        salted = hashlib.pbkdf2_hmac(self.algo, self.password.encode(), base64.b64decode(attr['s']), int(attr['i']))
        key = hmac.digest(salted, b'Client Key', self.algo)
        without = 'c=%s,r=%s' % (b64(self.gs2.encode() + self.binding), attr['r'])
        message = ','.join([self.bare, self.challenge, without]).encode()
        sig = hmac.digest(hashlib.new(self.algo, key).digest(), message, self.algo)
        self.server = hmac.digest(hmac.digest(salted, b'Server Key', self.algo), message, self.algo)
        return b64('%s,p=%s' % (without, b64(bytes(a ^ b for a, b in zip(key, sig)))))

    def check(self, text):
        assert base64.b64decode(text) == b'v=' + base64.b64encode(self.server)
        return ''

    def answers(self):
        return [self.final, self.check]


def feature(text, name):
    return re.search(r'(?m)^250[ -]%s\b(.*)' % name, text)


def raw(port):
    s = socket.create_connection(('127.0.0.1', port), timeout=20)
    return s, s.makefile('rwb')
