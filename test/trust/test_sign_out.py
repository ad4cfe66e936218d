# SPDX-License-Identifier: ISC
"""Signed mail on its way out: logins, programs of the host and granted networks, taken at a sink and verified by dkimpy."""
import re
import smtplib
import subprocess
import sys
from pathlib import Path

import dkim
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / 'auth'), str(HERE.parent / 'peers')]
import lab  # noqa: E402
from authlab import House, b64  # noqa: E402
from outlab import Sink  # noqa: E402
from test_sign import openssl, record  # noqa: E402

DOMAIN = 'victim.example'
MORE = '''listen local DIR/submit
relay from local-uid any
relay from network 192.0.2.0/24 sending-as printer@victim.example
relay from network 198.51.100.0/24 sending-as any
route * via %s
'''


def let_xclient(path):
    f = path / 'postern.conf'
    f.write_text(f.read_text().replace('    name world\n', '    name world\n    xclient from 127.0.0.0/8\n'))


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp('out')
    lab.open_way(path)
    sink = Sink(path / 'sink.json')
    keys = {'r1': ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'e1': ['ED25519']}
    for name, algo in keys.items():
        openssl('genpkey', '-algorithm', *algo, '-out', path / (name + '.pem'))
        (path / (name + '.pem')).chmod(0o600)
    h = House.make(path / 'h', passwords='\n    '.join('dkim %s %s/%s.pem' % (n, path, n) for n in keys), more=MORE % sink.hop,
                   before=let_xclient)
    h.records = {n: record(path / (n + '.pem'), 'ed25519' if n == 'e1' else 'rsa') for n in keys}
    h.sink = sink
    yield h
    status = h.stop()
    sink.stop()
    assert status == 0


def arrived(h, word):
    def found():
        got = [m['body'] for m in h.sink.mails() if word.encode() in m['body']]
        return got[0] if got else None
    return lab.wait_for(found, 60)


def good(h, m):
    """How many signatures, all of them good in the eyes of dkimpy, and whose."""
    def ask(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        sel, _, domain = name.rstrip('.').partition('._domainkey.')
        return h.records[sel].encode() if domain == DOMAIN else None
    n = len(re.findall(rb'(?m)^DKIM-Signature:', m))
    assert all(dkim.DKIM(m).verify(i, dnsfunc=ask) for i in range(n))
    return n


def mail(word, sender='alice@' + DOMAIN, body='Hello.\r\n\r\n  x\t\r\n\r\n'):
    return 'From: %s\r\nTo: bob@elsewhere.example\r\nSubject: %s\r\n\r\n%s' % (sender, word, body)


def by_network(h, ip, text, sender, to='bob@elsewhere.example'):
    with smtplib.SMTP('127.0.0.1', h.port, timeout=60) as s:
        s.ehlo('proxy.example')
        assert s.docmd('XCLIENT', 'ADDR=' + ip)[0] == 220
        s.ehlo('client.example')
        try:
            return s.sendmail(sender, [to], text)
        except smtplib.SMTPException as e:
            return str(e)


def by_program(h, text, *args):
    return subprocess.run([lab.BINARY, 'sendmail', '-C', str(h.conf), *args, 'bob@elsewhere.example'], input=text.encode(),
                          capture_output=True, timeout=60)


def test_T_SIGN_01_a_login_s_mail_is_verified_where_it_arrives(house):
    with house.tls() as s:
        assert s.docmd('AUTH PLAIN ' + b64('\0alice\0secret'))[0] == 235
        s.sendmail('alice@' + DOMAIN, ['bob@elsewhere.example'], mail('by login', body='x' * 70 + '\r\n.\r\n' * 20000))
    m = arrived(house, 'by login')
    assert good(house, m) == 2 and m.count(b'i=alice@victim.example') == 2


def test_T_SIGN_01_programs_of_the_host(house):
    assert by_program(house, mail('by program').replace('\r\n', '\n')).returncode == 0
    assert good(house, arrived(house, 'by program')) == 2
    assert by_program(house, 'Subject: by cron\n\nNo sender of its own.\n').returncode == 0
    m = arrived(house, 'by cron')
    assert re.search(rb'(?m)^From: .*root@(mx\.)?victim\.example', m) and good(house, m) == 2


def test_T_SIGN_01_a_network_s_sender_and_nobody_else(house):
    assert by_network(house, '192.0.2.9', mail('by printer', 'printer@' + DOMAIN), 'printer@' + DOMAIN) == {}
    m = arrived(house, 'by printer')
    assert good(house, m) == 2 and b'i=printer' not in m
    assert '5.7.1' in str(by_network(house, '192.0.2.9', mail('not by printer', 'boss@' + DOMAIN), 'printer@' + DOMAIN))


def test_T_SIGN_03_foreign_authors_are_not_ours_to_sign(house):
    assert by_network(house, '198.51.100.9', mail('foreign author', 'ann@foreign.example'), 'ann@foreign.example') == {}
    assert good(house, arrived(house, 'foreign author')) == 0
    two = mail('two authors').replace('From: alice@', 'From: bob@victim.example\r\nFrom: alice@')
    by_network(house, '198.51.100.9', two, 'ann@foreign.example')
    assert by_network(house, '198.51.100.9', mail('last of all', 'alice@' + DOMAIN), 'alice@' + DOMAIN) == {}
    assert good(house, arrived(house, 'last of all')) == 2
    assert not [m for m in house.sink.mails() if b'two authors' in m['body'] and b'DKIM-Signature' in m['body']]


def test_T_SIGN_01_our_own_notices(house):
    """A bounce is from postmaster of this host, and signed by the domain above it."""
    assert by_network(house, '198.51.100.9', mail('no such one', 'ann@foreign.example'), 'ann@foreign.example', 'bad1@elsewhere.example') == {}
    m = arrived(house, 'no such one')
    assert re.search(rb'(?m)^From: .*postmaster@mx\.victim\.example', m) and b'multipart/report' in m
    assert good(house, m) == 2 and m.startswith(b'DKIM-Signature:')


def test_T_SIGN_03_a_user_of_the_host_signs_as_himself_alone(house):
    """nobody, by name; what vault believes is the kernel."""
    as_nobody = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', lab.BINARY, 'sendmail', '-C', str(house.conf)]
    r = subprocess.run([*as_nobody, 'bob@elsewhere.example'], input=b'Subject: by nobody\n\nx\n', capture_output=True, timeout=60)
    assert r.returncode == 0, r.stderr
    m = arrived(house, 'by nobody')
    assert re.search(rb'(?m)^From: .*nobody@(mx\.)?victim\.example', m) and good(house, m) == 2
    r = subprocess.run([*as_nobody, 'bob@elsewhere.example'], input=b'From: alice@victim.example\nSubject: as alice\n\nx\n',
                       capture_output=True, timeout=60)
    assert r.returncode != 0 and not [m for m in house.sink.mails() if b'as alice' in m['body']]
