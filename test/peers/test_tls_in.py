# SPDX-License-Identifier: ISC
"""TLS on the way in: STARTTLS and TLS from the first byte, as real clients meet it.

One server with listeners for every case; certificates of a private authority made for the test.
"""
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

import lab

HOST = 'mail.example.test'
SECOND = 'second.example.test'
NAMES = ('tls_request', 'tls_require', 'tls_required', 'submission587', 'pinned')


# ---- certificates ----

def openssl(*args, **kw):
    return subprocess.run(['openssl', *map(str, args)], capture_output=True, check=True, timeout=60, **kw).stdout


class Pki:
    """An authority, and another that nobody trusts."""

    def __init__(self, path):
        self.dir = Path(path)
        self.dir.mkdir(mode=0o755)
        for ca in ('ca', 'other'):
            openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '100',
                    '-subj', '/O=endmail.org/CN=Test %s' % ca, '-out', self.dir / (ca + '.pem'),
                    '-keyout', self.dir / (ca + '.key'))

    def make(self, name, host, kind='ec', ca='ca', days=60, subject=None):
        """name.pem and name.key for host; their paths."""
        cert, key, csr = (self.dir / (name + end) for end in ('.pem', '.key', '.csr'))
        ext = self.dir / (name + '.ext')
        ext.write_text('subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\n' % host)
        how = ['-newkey', 'rsa:2048'] if kind == 'rsa' else ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
        openssl('req', '-new', *how, '-nodes', '-subj', subject or '/O=endmail.org/CN=' + host, '-out', csr,
                '-keyout', key)
        openssl('x509', '-req', '-in', csr, '-CA', self.dir / (ca + '.pem'), '-CAkey', self.dir / (ca + '.key'),
                '-CAcreateserial', '-days', days, '-extfile', ext, '-out', cert)
        os.chmod(key, 0o600)
        return cert, key


def pin(cert):
    key = openssl('x509', '-in', cert, '-pubkey', '-noout')
    der = openssl('pkey', '-pubin', '-outform', 'DER', input=key)
    return openssl('dgst', '-sha256', '-r', input=der).split()[0].decode()


# ---- the server ----

class Server(lab.Postern):
    def __init__(self, path, pki, extra=''):
        self.pki = pki
        self.ports = {name: lab.free_port() for name in NAMES}
        super().__init__(path, edit=lambda text: self.configure(text) + extra)

    def configure(self, text):
        tls = self.dir / 'tls'
        for name in ('ec', 'rsa', 'second'):
            for end in ('.pem', '.key'):
                shutil.copy(self.pki.dir / (name + end), tls / (name + end))
        shutil.copy(self.pki.dir / 'ca.pem', tls / 'ca.pem')
        return text.replace('certificate tls/fullchain.pem tls/privkey.pem',
                            'certificate tls/ec.pem tls/ec.key\ncertificate tls/rsa.pem tls/rsa.key\n'
                            'certificate tls/second.pem tls/second.key') + '''
listen mx 127.0.0.1:{tls_request} {{ name asks
    client-certificates request
    client-ca tls/ca.pem
}}
listen mx 127.0.0.1:{tls_require} {{ name demands
    client-certificates require
    client-ca tls/ca.pem
}}
listen mx 127.0.0.1:{tls_required} {{ name strict
    tls required
}}
listen submission 127.0.0.1:{submission587} {{ name sub587
    tls starttls
}}
listen mx 127.0.0.1:{pinned} {{ name pinned
    client-certificates request
}}
relay from certificate pin sha256:{pin}
log {{
    level info
}}
'''.format(pin=pin(self.pki.dir / 'stranger.pem'), **self.ports)

    def events(self, event):
        """Lines of the log with that event, as dictionaries."""
        out = []
        for line in self.log().splitlines():
            if ' event=%s ' % event in line + ' ':
                out.append({k: q or v for k, q, v in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line)})
        return out

    def seen(self, event, **want):
        """Waits for such an event and gives the last."""
        def look():
            found = [e for e in self.events(event) if all(e.get(k) == v for k, v in want.items())]
            return found and found[-1]
        look.__name__ = '%s %s' % (event, want)
        return lab.wait_for(look, 10)


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    p = Pki(tmp_path_factory.mktemp('pki') / 'p')
    p.make('ec', HOST)
    p.make('rsa', HOST, 'rsa')
    p.make('second', SECOND)
    p.make('client', 'client.example.test', subject='/C=US/O=endmail.org/CN=Darth Mail (Cert)')
    p.make('stranger', 'stranger.example.test', ca='other')
    p.make('foreign', 'foreign.example.test', ca='other')
    return p


@pytest.fixture(scope='module')
def server(tmp_path_factory, pki):
    with Server(tmp_path_factory.mktemp('tls') / 's', pki) as s:
        yield s.start()


def context(pki, cert=None, version=None, check=True):
    ctx = ssl.create_default_context(cafile=str(pki.dir / 'ca.pem'))
    if not check:
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    if cert:
        ctx.load_cert_chain(pki.dir / (cert + '.pem'), pki.dir / (cert + '.key'))
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


class Raw:
    """A line client that says what it is told and nothing else."""

    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout=15)
        self.buf = b''

    def reply(self):
        """One reply: its code and text; '' at the end of the connection."""
        while True:
            m = re.match(rb'(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n', self.buf)
            if m:
                self.buf = self.buf[m.end():]
                return m.group().decode()
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b''
            if not more:
                return self.buf.decode()
            self.buf += more

    def say(self, line):
        self.sock.sendall(line.encode() + b'\r\n')
        return self.reply()

    def hello(self):
        assert self.reply().startswith('220'), 'greeting'
        return self.say('EHLO client.example')

    def starttls(self, ctx, name=HOST):
        assert self.say('STARTTLS').startswith('220')
        assert self.buf == b''
        self.sock = ctx.wrap_socket(self.sock, server_hostname=name)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def arrived(server, word):
    """The text of the mail with that word, lines unfolded, when it has come."""
    def look():
        for m in server.mails():
            text = ' '.join(m.read_text().split())
            if word in text:
                return text
        return None
    look.__name__ = word
    return lab.wait_for(look)


def mail(server, port, ctx, subject, **kw):
    """One message over STARTTLS; the text in the mailbox."""
    with smtplib.SMTP('127.0.0.1', port, timeout=20) as s:
        s._host = HOST
        s.ehlo('client.example')
        s.starttls(context=ctx)
        s.sendmail('ann@client.example', ['alice@example.test'], 'Subject: %s\r\n\r\nx\r\n' % subject, **kw)
    return arrived(server, subject)


# ---- the command ----

def test_A24_parameters(server):
    with Raw(server.port) as c:
        c.hello()
        assert c.say('STARTTLS now').startswith('501 5.5.4')
        assert c.say('NOOP').startswith('250')
    server.seen('tls_failed', verify='PROTOCOL')


def test_A24_second_starttls(server, pki):
    with Raw(server.port) as c:
        c.hello()
        c.starttls(context(pki))
        assert c.say('STARTTLS').startswith('503 5.5.1')
        assert c.say('NOOP').startswith('250')


def test_A25_only_after_ehlo(server):
    with Raw(server.port) as c:
        c.reply()
        assert c.say('STARTTLS').startswith('503')
        assert c.say('HELO client.example').startswith('250')
        assert c.say('STARTTLS').startswith('503')


@pytest.mark.parametrize('behind', ['MAIL FROM:<a@b.example>\r\n', 'x', '\r\n', '\x16\x03\x01'])
def test_P6_STLS_INJ_S(server, behind):
    """CVE-2011-0411: what stands behind STARTTLS in clear is never run, inside or outside of TLS."""
    with Raw(server.port) as c:
        c.hello()
        c.sock.sendall(b'STARTTLS\r\n' + behind.encode('latin-1'))
        assert c.reply().startswith('554 5.5.1')
        assert c.reply() == ''                          # closed


def test_P6_injected_in_the_handshake(server, pki):
    """Clear text after the 220: the handshake fails and nothing is answered in clear."""
    with Raw(server.port) as c:
        c.hello()
        assert c.say('STARTTLS').startswith('220')
        c.sock.sendall(b'EHLO evil.example\r\nMAIL FROM:<a@b.example>\r\n')
        rest = c.buf
        try:
            while True:
                more = c.sock.recv(4096)
                if not more:
                    break
                rest += more
        except ConnectionResetError:
            pass
        assert rest[:1] in (b'', b'\x15'), rest         # an alert at most
        assert b'250' not in rest
    server.seen('tls_failed', verify='SOFTWARE')


def test_A28_all_is_forgotten(server, pki):
    with Raw(server.port) as c:
        before = c.hello()
        assert 'STARTTLS' in before
        assert c.say('MAIL FROM:<ann@client.example>').startswith('250')
        c.starttls(context(pki))
        assert c.say('MAIL FROM:<ann@client.example>').startswith('503')
        after = c.say('EHLO client.example')
        assert after.startswith('250') and 'STARTTLS' not in after
        assert c.say('RCPT TO:<alice@example.test>').startswith('503')
        assert c.say('MAIL FROM:<ann@client.example>').startswith('250')


def test_A26_mx_takes_mail_in_clear_and_strict_does_not(server, pki):
    server.send('Subject: clear-text\r\n\r\nx\r\n')
    text = arrived(server, 'clear-text')
    assert 'version=' not in text and ' with ESMTP ' in text
    server.seen('accepted', verify='NONE')
    for name in ('tls_required', 'submission587'):
        with Raw(server.ports[name]) as c:
            c.hello()
            assert c.say('MAIL FROM:<ann@client.example>').startswith('530 5.7.0'), name
    with Raw(server.ports['tls_required']) as c:
        c.hello()
        c.starttls(context(pki))
        c.say('EHLO client.example')
        assert c.say('MAIL FROM:<ann@client.example>').startswith('250')


def test_A26_check_warns_of_an_mx_that_requires_tls(tmp_path, pki):
    s = Server(tmp_path / 's', pki)
    text = re.sub(r'(?ms)^test \{.*?^\}\n', '', s.conf.read_text())      # such a block is for loopback alone
    s.conf.write_text(text.replace('listen mx 127.0.0.1:%d { name strict' % s.ports['tls_required'],
                                   'listen mx 0.0.0.0:%d { name strict' % s.ports['tls_required']))
    r = subprocess.run(s.command('check', '--config', str(s.conf)), capture_output=True, text=True, timeout=60)
    assert 'strict' in r.stdout and 'a public server must take mail without it' in r.stdout, r.stdout


def test_implicit_tls(server, pki):
    """RFC 8314: TLS from the first byte, the greeting inside."""
    ctx = context(pki)
    with socket.create_connection(('127.0.0.1', server.submission), timeout=15) as raw:
        with ctx.wrap_socket(raw, server_hostname=HOST) as s:
            assert s.recv(1000).startswith(b'220 ' + HOST.encode())
            s.sendall(b'EHLO client.example\r\n')
            got = s.recv(4000)
            assert got.startswith(b'250') and b'STARTTLS' not in got
            s.sendall(b'MAIL FROM:<alice@example.test>\r\n')
            assert s.recv(1000).startswith(b'530 5.7.0')
            s.sendall(b'QUIT\r\n')
            assert s.recv(1000).startswith(b'221')


def test_implicit_tls_answers_nothing_in_clear(server):
    with Raw(server.submission) as c:
        c.sock.sendall(b'EHLO client.example\r\n')
        got = c.sock.recv(1000)
        assert not got.startswith(b'2') and b'ESMTP' not in got


# ---- certificates of clients; words ----

@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize('port,cert,word', [
    ('port', 'client', 'NOT'), ('tls_request', None, 'NO'), ('tls_request', 'client', 'OK'),
    ('tls_request', 'foreign', 'FAIL')])
def test_A63_words(server, pki, port, cert, word, version):
    """The same word in the log, in Received and in the record of the message."""
    subject = 'words-%s-%s-%s' % (port, cert, version.name)
    text = mail(server, server.ports.get(port, server.port), context(pki, cert, version), subject)
    got = re.search(r'\(version=(\S+)\s+cipher=(\S+)\s+bits=(\d+)\s+verify=(\S+)\)', text)
    assert got, text
    assert got.group(1) == {'TLSv1_2': 'TLSv1.2', 'TLSv1_3': 'TLSv1.3'}[version.name]
    assert int(got.group(3)) >= 128 and got.group(4) == word
    server.seen('accepted', verify=word, tls=got.group(1), cipher=got.group(2))
    if word == 'OK':
        server.seen('tls', verify='OK', cert_subject='/C=US/O=endmail.org/CN=Darth+20Mail+20+28Cert+29')


def test_A63_NONE(server):
    server.send('Subject: none\r\n\r\nx\r\n')
    server.seen('accepted', verify='NONE')


def test_A63_PROTOCOL(server):
    with Raw(server.port) as c:
        c.hello()
        c.say('STARTTLS x')
    server.seen('tls_failed', verify='PROTOCOL', why='STARTTLS has no argument')


def test_A63_SOFTWARE(server):
    with Raw(server.port) as c:
        c.hello()
        assert c.say('STARTTLS').startswith('220')
        c.sock.sendall(b'\x16\x03\x01\x00\x05hello')
        assert c.sock.recv(100)[:1] in (b'\x15', b'')
    server.seen('tls_failed', verify='SOFTWARE')


def test_A63_TEMP(tmp_path, pki):
    """vault does not answer: the handshake ends at its limit, and other sessions go on."""
    with Server(tmp_path / 's', pki, 'limits {\n    tls-timeout 2s\n}\n') as s:
        s.start()
        vault = lab.wait_for(lambda: s.roles().get('vault 0'))
        os.kill(vault, signal.SIGSTOP)
        try:
            with Raw(s.port) as c:
                c.hello()
                with pytest.raises((ssl.SSLError, OSError)):
                    c.starttls(context(pki))
            s.seen('tls_failed', verify='TEMP')
            with Raw(s.port) as c:
                assert 'STARTTLS' in c.hello()
                assert c.say('MAIL FROM:<ann@client.example>').startswith('250')
        finally:
            os.kill(vault, signal.SIGCONT)
        assert mail(s, s.port, context(pki), 'again')


def test_vault_is_restarted(tmp_path, pki):
    """A vault that dies is replaced, and handshakes wait for it."""
    with Server(tmp_path / 's', pki) as s:
        s.start()
        old = s.roles()['vault 0']
        os.kill(old, signal.SIGKILL)
        assert mail(s, s.port, context(pki), 'after-death')
        assert s.roles()['vault 0'] != old


@pytest.mark.parametrize('cert,worthy', [(None, False), ('foreign', False), ('client', True)])
def test_A27_certificate_is_required(server, pki, cert, worthy):
    with Raw(server.ports['tls_require']) as c:
        c.hello()
        assert c.say('MAIL FROM:<ann@client.example>').startswith('530')      # and not before TLS
        c.starttls(context(pki, cert))
        got = c.say('EHLO client.example')
        if worthy:
            assert got.startswith('250')
            assert c.say('MAIL FROM:<ann@client.example>').startswith('250')
            return
        assert got.startswith('554 5.7.0')
        for line in ('MAIL FROM:<ann@client.example>', 'RSET', 'VRFY alice', 'HELP', 'DATA'):
            assert c.say(line).startswith('554 5.7.0'), line
        assert c.say('NOOP').startswith('250')
        assert c.say('QUIT').startswith('221')


def test_pinned_certificate_is_an_identity_and_others_are_not(server, pki):
    for cert, code in (('stranger', '250'), ('foreign', '550'), ('client', '550')):
        with Raw(server.ports['pinned']) as c:
            c.hello()
            c.starttls(context(pki, cert))
            c.say('EHLO client.example')
            c.say('MAIL FROM:<alice@example.test>')     # without sending-as: our own domains
            assert c.say('RCPT TO:<bob@elsewhere.example>').startswith(code), cert


# ---- real clients ----

def s_client(port, *args, send=b'QUIT\n', starttls=True):
    how = ['-starttls', 'smtp'] if starttls else []
    r = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' % port, *how, '-crlf', '-ign_eof', *args],
                       input=send, capture_output=True, timeout=30)
    return r.returncode, (r.stdout + r.stderr).decode(errors='replace')


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
@pytest.mark.parametrize('sigalgs,kind', [('ECDSA+SHA256', 'ECDSA'), ('RSA-PSS+SHA256', 'RSA-PSS'),
                                          ('RSA+SHA256:RSA-PSS+SHA384', 'RSA')])
def test_A62_keys_in_vault(server, pki, version, sigalgs, kind):
    """RSA and ECDSA, TLS 1.2 and 1.3; the chain verifies."""
    code, out = s_client(server.port, version, '-sigalgs', sigalgs + ':ECDSA+SHA384' if kind == 'ECDSA' else sigalgs,
                         '-CAfile', str(pki.dir / 'ca.pem'), '-verify_return_error', '-servername', HOST,
                         '-verify_hostname', HOST)
    assert code == 0 and 'Verify return code: 0' in out, out
    assert re.search(r'Peer signature type: %s' % kind, out), out


@pytest.mark.parametrize('name,shown', [(HOST, HOST), (SECOND, SECOND), ('nobody.example', HOST), (None, HOST)])
def test_A62_sni(server, name, shown):
    for args in (['-servername', name] if name else ['-noservername'],):
        for port, starttls in ((server.port, True), (server.submission, False)):
            out = s_client(port, *args, starttls=starttls)[1]
            assert 'CN = ' + shown in out.split('---')[1], out


@pytest.mark.parametrize('version', ['-tls1', '-tls1_1'])
def test_A24_old_versions_are_off(server, version):
    code, out = s_client(server.port, version, '-cipher', 'ALL:@SECLEVEL=0')
    assert code != 0 or 'Cipher is (NONE)' in out
    assert 'alert' in out or 'no protocols' in out or 'NONE' in out


def test_P8_renegotiation_is_off(server):
    out = s_client(server.port, '-tls1_2', send=b'QUIT\n')[1]
    assert 'Secure Renegotiation IS supported' in out
    # Without -ign_eof the letter asks for a second handshake.
    r = subprocess.run(['openssl', 's_client', '-connect', '127.0.0.1:%d' % server.port, '-starttls', 'smtp',
                        '-tls1_2'], input=b'R\n', capture_output=True, timeout=30)
    assert b'no renegotiation' in r.stderr or b'handshake failure' in r.stderr or r.returncode != 0, r.stderr


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_P8_ticket(server, tmp_path, version):
    """A ticket is good on its own listener, whichever worker, and refused on every other."""
    ticket = str(tmp_path / 'ticket')
    # The server's ticket comes with its first bytes after the handshake: let it speak.
    hello = b'QUIT\n'
    assert 'New, TLS' in s_client(server.port, version, '-sess_out', ticket, send=hello)[1]
    for _ in range(6):
        assert 'Reused, TLS' in s_client(server.port, version, '-sess_in', ticket, send=hello)[1]
    for port, starttls in ((server.submission, False), (server.ports['tls_request'], True),
                           (server.ports['submission587'], True)):
        out = s_client(port, version, '-sess_in', ticket, send=hello, starttls=starttls)[1]
        assert 'New, TLS' in out and 'Reused' not in out, out


def test_P8_one_ticket(server):
    out = s_client(server.port, '-tls1_3', '-msg', send=b'QUIT\n')[1]
    assert len(re.findall(r'<<<.*NewSessionTicket', out)) == 1, out


@pytest.mark.parametrize('alpn,ok', [('h2,http/1.1', False), ('http/1.1', False), ('smtp', True), ('smtp,h2', True),
                                     (None, True)])
def test_P8_alpn(server, alpn, ok):
    """A client that speaks only other protocols is not ours (ALPACA)."""
    for port, starttls in ((server.port, True), (server.submission, False)):
        code, out = s_client(port, *(['-alpn', alpn] if alpn else []), starttls=starttls)
        assert (code == 0 and 'Cipher is TLS' in out) == ok, out


def test_openssl_binding_data(server):
    """The exporter works on both sides (channel binding)."""
    out = s_client(server.port, '-keymatexport', 'EXPORTER-Channel-Binding', '-keymatexportlen', '32')[1]
    assert 'Keying material' in out


def test_curl_with_certificate(server, pki, tmp_path):
    (tmp_path / 'm').write_text('Subject: curl-cert\r\n\r\nx\r\n')
    r = subprocess.run(['curl', '-sS', '--ssl-reqd', '--cacert', pki.dir / 'ca.pem', '--cert', pki.dir / 'client.pem',
                        '--key', pki.dir / 'client.key', '--connect-to', '%s::127.0.0.1:' % HOST, '--mail-from',
                        'ann@client.example', '--mail-rcpt', 'alice@example.test', '-T', tmp_path / 'm',
                        'smtp://%s:%d/client.example' % (HOST, server.ports['tls_require'])],
                       capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, r.stderr
    text = arrived(server, 'curl-cert')
    assert 'verify=OK' in text and 'with ESMTPS ' in text


def test_msmtp_with_certificate(server, pki, tmp_path):
    r = subprocess.run(['msmtp', '--file=/dev/null', '--host=127.0.0.1', '--port=%d' % server.ports['tls_require'],
                        '--domain=client.example', '--tls=on', '--tls-starttls=on', '--tls-host-override=' + HOST,
                        '--tls-trust-file=%s' % (pki.dir / 'ca.pem'), '--tls-cert-file=%s' % (pki.dir / 'client.pem'),
                        '--tls-key-file=%s' % (pki.dir / 'client.key'), '--from=ann@client.example',
                        'alice@example.test'], input='Subject: msmtp-cert\n\nx\n', capture_output=True, text=True,
                       timeout=30)
    assert r.returncode == 0, r.stderr
    text = arrived(server, 'msmtp-cert')
    assert 'verify=OK' in text


@pytest.mark.parametrize('priority', ['NORMAL:-VERS-ALL:+VERS-TLS1.2', 'NORMAL:-VERS-ALL:+VERS-TLS1.3',
                                      'NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256'])
def test_gnutls(server, pki, priority):
    r = subprocess.run(['gnutls-cli', '--starttls-proto=smtp', '--x509cafile', pki.dir / 'ca.pem', '--priority',
                        priority, '--verify-hostname', HOST, '--sni-hostname', HOST, '-p', str(server.port), '127.0.0.1'],
                       input='EHLO client.example\r\nQUIT\r\n', capture_output=True, text=True, timeout=30)
    assert 'The certificate is trusted' in r.stdout and 'Handshake was completed' in r.stdout, r.stdout + r.stderr


def test_utf8smtps(server, pki):
    text = mail(server, server.port, context(pki), 'utf8-subject', mail_options=['SMTPUTF8'])
    assert 'with UTF8SMTPS ' in text


def test_sslscan(server):
    r = subprocess.run(['sslscan', '--starttls-smtp', '--no-colour', '127.0.0.1:%d' % server.port],
                       capture_output=True, text=True, timeout=120)
    for old in ('SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1'):
        assert re.search(r'%s\s+disabled' % re.escape(old), r.stdout), r.stdout
    for new in ('TLSv1.2', 'TLSv1.3'):
        assert re.search(r'%s\s+enabled' % re.escape(new), r.stdout), r.stdout
    assert 'Compression enabled' not in r.stdout and 'TLSv1.2 not vulnerable to heartbleed' in r.stdout
    assert 'Session renegotiation not supported' in r.stdout
    ciphers = re.findall(r'(?:Preferred|Accepted)\s+TLSv\S+\s+(\d+) bits\s+(\S+)', r.stdout)
    assert ciphers and all(int(bits) >= 128 and ('GCM' in c or 'CHACHA20' in c) for bits, c in ciphers), ciphers


def test_testssl_finds_nothing_above_low(server, tmp_path):
    report = tmp_path / 'testssl.json'
    subprocess.run(['testssl', '--quiet', '--warnings', 'off', '--color', '0', '--starttls', 'smtp', '--ip', '127.0.0.1',
                    '-p', '-s', '-f', '-P', '-H', '-I', '-T', '-R', '-C', '-O', '-Z', '-W', '-A', '-L', '-J', '-D', '-F',
                    '--jsonfile', report, '%s:%d' % (HOST, server.port)],
                   capture_output=True, text=True, timeout=240, env=dict(os.environ, TERM='dumb'))
    found = json.loads(report.read_text())
    assert isinstance(found, list)
    bad = [f for f in found if f['severity'] in ('MEDIUM', 'HIGH', 'CRITICAL')]
    assert not bad, bad
    done = {f['id']: f['severity'] for f in found}
    assert done['TLS1_2'] == done['TLS1_3'] == done['LUCKY13'] == done['secure_client_renego'] == 'OK', found


# ---- the end of TLS ----

def test_P5_TLS_EOF(server, pki):
    """close_notify within BDAT, then a byte in clear: the connection ends, and nothing is read after it."""
    pids = dict(server.roles())
    c = Raw(server.port)
    c.hello()
    assert c.say('STARTTLS').startswith('220')
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(pki).wrap_bio(incoming, outgoing, server_hostname=HOST)

    def pump(step):
        while True:
            try:
                got = step()
                c.sock.sendall(outgoing.read())
                return got
            except ssl.SSLWantReadError:
                c.sock.sendall(outgoing.read())
                incoming.write(c.sock.recv(65536))

    pump(tls.do_handshake)
    for line in (b'EHLO client.example', b'MAIL FROM:<ann@client.example>', b'RCPT TO:<alice@example.test>'):
        pump(lambda line=line: tls.write(line + b'\r\n'))
        assert pump(lambda: tls.read(4000)).startswith(b'250')
    pump(lambda: tls.write(b'BDAT 1000 LAST\r\nSubject: cut\r\n'))
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()
    c.sock.sendall(outgoing.read() + b'x')
    c.sock.settimeout(10)
    rest = b''
    try:
        while True:
            more = c.sock.recv(4096)
            if not more:
                break
            rest += more
    except ConnectionResetError:
        pass
    assert not re.search(rb'\d{3}[ -]', rest), rest     # no reply in clear
    c.sock.close()
    assert dict(server.roles()) == pids                 # nobody died
    assert not [m for m in server.mails() if 'cut' in m.read_text()]


def test_half_a_record_and_silence(tmp_path, pki):
    """A handshake has its own limit."""
    with Server(tmp_path / 's', pki, 'limits {\n    tls-timeout 1s\n}\n') as s:
        s.start()
        with Raw(s.port) as c:
            c.hello()
            c.say('STARTTLS')
            c.sock.sendall(b'\x16\x03\x01\x02')
            begun = time.monotonic()
            assert c.sock.recv(100)[:1] in (b'', b'\x15')
            assert time.monotonic() - begun < 8


# ---- keys ----

def memory_has(pid, needles):
    """Which of the needles stand somewhere in a process's memory."""
    found = set()
    with open('/proc/%d/maps' % pid) as maps, open('/proc/%d/mem' % pid, 'rb', 0) as mem:
        for line in maps:
            area, rights = line.split()[:2]
            start, end = (int(x, 16) for x in area.split('-'))
            if 'r' not in rights or '[v' in line or end - start > 1 << 30:
                continue
            for at in range(start, end, 1 << 24):
                try:
                    mem.seek(max(at - 4096, start))
                    piece = mem.read(min(end, at + (1 << 24)) - max(at - 4096, start))
                except OSError:
                    continue
                found |= {n for n, b in needles.items() if b in piece}
    return found


def private_parts(key):
    """The secret numbers, as bytes in both orders, and the text of the file."""
    text = openssl('pkey', '-in', key, '-noout', '-text').decode()
    out = {'pem': key.read_bytes().split(b'\n')[2]}
    for name in ('priv', 'privateExponent', 'prime1', 'prime2'):
        m = re.search(r'^%s:\n((?:    [0-9a-f:]+\n)+)' % name, text, re.M)
        if m:
            raw = bytes.fromhex(re.sub(r'[^0-9a-f]', '', m.group(1))).lstrip(b'\0')
            out[name + ' big'] = raw[:24]
            out[name + ' little'] = raw[::-1][:24]
    return out


@pytest.mark.skipif(os.getuid() != 0, reason='reads the memory of other processes')
def test_F9_key_absent_from_smtpd_memory(server, pki):
    for kind in ('ec', 'rsa'):
        s_client(server.port, '-sigalgs', 'RSA-PSS+SHA256' if kind == 'rsa' else 'ECDSA+SHA256')
        needles = private_parts(server.dir / 'tls' / (kind + '.key'))
        assert len(needles) >= 3
        roles = server.roles()
        assert memory_has(roles['vault 0'], needles), 'the search finds them where they are'
        for name, pid in roles.items():
            if not name.startswith('vault'):
                assert not memory_has(pid, needles), name
        assert not memory_has(server.process.pid, needles), 'keeper'


# ---- changes ----

def shown(port):
    return openssl('x509', '-noout', '-serial', input=ssl.get_server_certificate(('127.0.0.1', port)).encode()).strip()


def replace(server, pki, name, cert, key):
    """As certbot does it: new files, renamed over the old."""
    for src, end in ((cert, '.pem'), (key, '.key')):
        to = server.dir / 'tls' / (name + end)
        new = to.with_suffix('.new')
        shutil.copy(src, new)
        if lab.AS == 'user':
            os.chown(new, lab.NOBODY, lab.NOBODY)
        os.replace(new, to)


def test_A62_changed_certificate(tmp_path, pki):
    """A good one is taken without a restart and without a dropped session; bad ones are refused with an alarm."""
    pki.make('new', HOST)
    pki.make('old', HOST, days=-1)
    with Server(tmp_path / 's', pki, 'limits {\n    command-timeout 60s\n}\n') as s:
        s.start()
        first = shown(s.submission)
        with Raw(s.port) as open_session:
            open_session.hello()
            open_session.starttls(context(pki))
            replace(s, pki, 'ec', pki.dir / 'new.pem', pki.dir / 'new.key')
            lab.wait_for(lambda: shown(s.submission) != first, 20, 0.2)
            second = shown(s.submission)
            assert open_session.say('EHLO client.example').startswith('250')
        for bad, cert, key, says in (('key', 'ec', 'new', 'does not belong'), ('expiry', 'old', 'old', 'expired'),
                                     ('name', 'second', 'second', None)):
            before = len(s.events('certificate_refused'))
            replace(s, pki, 'ec', pki.dir / (cert + '.pem'), pki.dir / (key + '.key'))
            if says is None:
                break
            lab.wait_for(lambda: len(s.events('certificate_refused')) > before, 20, 0.2)
            assert says in s.events('certificate_refused')[-1]['why'], bad
            assert shown(s.submission) == second, bad
        text = (s.dir / 'tls' / 'ec.pem')
        text.write_text('rubbish')
        lab.wait_for(lambda: 'no whole certificate' in (s.events('certificate_refused') or [{}])[-1].get('why', ''),
                     20, 0.2)
        assert shown(s.submission) == second
        os.kill(s.roles()['smtpd 0'], signal.SIGKILL)             # and one that starts again has the good ones
        lab.wait_for(lambda: s.ready(), 20)
        for _ in range(6):
            assert shown(s.submission) == second


def test_A62_start_is_refused(tmp_path, pki):
    """A key that does not fit, or that everybody can read."""
    for what in ('mismatch', 'mode'):
        s = Server(tmp_path / what, pki)
        key = s.dir / 'tls' / 'ec.key'
        if what == 'mode':
            os.chmod(key, 0o644)
        else:
            shutil.copy(pki.dir / 'second.key', key)
        r = subprocess.run(s.command('run', '--config', str(s.conf)), capture_output=True, text=True, timeout=60)
        assert r.returncode == 78, r
        assert ('does not belong' if what == 'mismatch' else 'chmod') in r.stderr, r.stderr
        r = subprocess.run(s.command('check', '--config', str(s.conf)), capture_output=True, text=True, timeout=60)
        assert r.returncode == 78
        assert ('does not belong' if what == 'mismatch' else 'chmod') in r.stderr, r.stderr


def test_tls_show(server):
    r = json.loads(server.verb('tls', 'show', '--json').stdout)
    assert [c['names'] for c in r['certificates']] == [[HOST], [HOST], [SECOND]]
    assert [c['key'] for c in r['certificates']] == ['EC 256', 'RSA 2048', 'EC 256']
    assert all(58 <= c['days_left'] <= 60 for c in r['certificates'])
    assert r['certificates'][0]['pin'] == pin(server.dir / 'tls' / 'ec.pem')
    text = server.verb('tls', 'show').stdout
    assert HOST in text and 'sha256:' in text and 'days' in text
