# SPDX-License-Identifier: ISC
"""DKIM and ARC with other people's programs: dkimpy and OpenDKIM verify what we sign, and we verify what they sign."""
import base64
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import dkim
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
import lab  # noqa: E402

DOMAIN = 'example.org'
NOW = '1770000100'
HEAD = ('From: "Ann, of course" <ann@example.org>\r\nTo: bob@example.net,\r\n\tcarol@example.net\r\nSubject:  one \t two  \r\n'
        ' three\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nReceived: from a\r\n\tby b; x\r\n'
        'Received: from c by d; y\r\nX-Empty:\r\n')
BODIES = {
    'plain': b'Hello.\r\n', 'empty': b'', 'lines': b'\r\n\r\n', 'blanks': b' \t \r\n  a \t b \r\n\r\n \r\n\r\n',
    'open': b'no line end', 'long': b'x' * 990 + b'\r\n' + b' \t' * 3000 + b'\r\n' + b'y \r\n' * 5000, 'dots': b'.\r\n..\r\n.x\r\n',
    'eight': 'na\xefve caf\xe9 \u2014\r\n'.encode(),
}
CANON = [h + '/' + b for h, b in itertools.product(('simple', 'relaxed'), repeat=2)]


class Keys:
    def __init__(self, path):
        self.path = path
        self.records = {}
        for name, algo in (('r', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']), ('w', ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024']),
                           ('e', ['ED25519'])):
            pem = path / (name + '.pem')
            subprocess.run(['openssl', 'genpkey', '-algorithm', *algo, '-out', pem], check=True, capture_output=True)
            pem.chmod(0o600)
            der = subprocess.run(['openssl', 'pkey', '-in', pem, '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
            p = base64.b64encode(der[-32:] if name == 'e' else der).decode()
            self.records[name] = 'v=DKIM1; k=%s; p=%s' % ('ed25519' if name == 'e' else 'rsa', p)
        (path / 'zone').write_text(''.join(
            '%s._domainkey.%s. TXT %s\n' % (n, DOMAIN, ' '.join('"%s"' % r[i:i + 200] for i in range(0, len(r), 200)))
            for n, r in self.records.items()))
        (path / 'public').write_text(''.join('%s._domainkey.%s %s\n' % (n, DOMAIN, r) for n, r in self.records.items()))

    def dns(self, name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        return self.records.get(name.partition('.')[0], '').encode() or None

    def private(self, name):
        """As dkimpy wants it: PEM, or the base64 of an Ed25519 seed."""
        if name != 'e':
            return (self.path / (name + '.pem')).read_bytes()
        der = subprocess.run(['openssl', 'pkey', '-in', self.path / 'e.pem', '-outform', 'DER'], check=True, capture_output=True).stdout
        return base64.b64encode(der[-32:])

    def sign(self, message, name, canon):
        r = subprocess.run([lab.BINARY, 'dkim', 'sign', '--domain', DOMAIN, '--selector', name, '--key', self.path / (name + '.pem'),
                            '--canon', canon, '--now', NOW], input=message, capture_output=True, timeout=30)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def verify(self, message, *more):
        r = subprocess.run([lab.BINARY, 'dkim', 'verify', '--zone', self.path / 'zone', '--now', NOW, *more], input=message,
                           capture_output=True, timeout=30)
        assert r.returncode == 0, r.stderr
        return json.loads(r.stdout)

    def theirs(self, message, name, canon, algorithm=None, **more):
        return dkim.sign(message, name.encode(), DOMAIN.encode(), self.private(name),
                         canonicalize=tuple(c.encode() for c in canon.split('/')),
                         signature_algorithm=(algorithm or ('ed25519-sha256' if name == 'e' else 'rsa-sha256')).encode(), **more) + message

    def opendkim(self, message, conf):
        (self.path / 'odk.conf').write_text(conf + 'Syslog no\nRequireSafeKeys no\nTestPublicKeys %s\n' % (self.path / 'public'))
        (self.path / 'odk.msg').write_bytes(message)
        r = subprocess.run(['/usr/sbin/opendkim', '-x', self.path / 'odk.conf', '-t', self.path / 'odk.msg', '-vv'],
                           capture_output=True, text=True, timeout=30)
        return r.stdout + r.stderr


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp('keys'))


# OpenDKIM's test mode sees header fields as a milter does, which loses blanks behind the colon: simple needs tame ones.
TAME = 'From: ann@example.org\r\nTo: bob@example.net\r\nSubject: one two \r\n three\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\n'


def tame(body):
    return TAME.encode() + b'\r\n' + BODIES[body]


def mail(body):
    return HEAD.encode() + b'\r\n' + BODIES[body]


@pytest.mark.parametrize('name', ['r', 'e'])
def test_T_SIGN_01_dkimpy_verifies_ours(keys, name):
    for canon, body in itertools.product(CANON, BODIES):
        m = keys.sign(mail(body), name, canon)
        assert m.endswith(mail(body)) and keys.verify(m)['result'] == 'pass', (canon, body)
        assert dkim.DKIM(m).verify(dnsfunc=keys.dns), (canon, body)


@pytest.mark.parametrize('name', ['r', 'e'])
def test_T_SIGN_01_dkimpy_signs_we_verify(keys, name):
    for canon, body in itertools.product(CANON, BODIES):
        m = keys.theirs(mail(body), name, canon)
        assert keys.verify(m)['result'] == 'pass', (canon, body)
        bad = m.replace(b'Subject:  one', b'Subject:  on', 1)
        assert keys.verify(bad)['result'] == 'fail', (canon, body)


@pytest.mark.parametrize('canon', CANON)
def test_T_SIGN_01_opendkim_verifies_ours(keys, canon):
    for name, body in (('r', 'blanks'), ('r', 'empty'), ('e', 'plain'), ('r', 'long')):
        out = keys.opendkim(keys.sign(tame(body), name, canon), 'Mode v\n')
        assert re.search(r'verification \(s=%s, d=example\.org, .*succeeded' % name, out), (name, body, out)


@pytest.mark.parametrize('canon', CANON)
def test_T_SIGN_01_opendkim_signs_we_verify(keys, canon):
    for body in ('blanks', 'empty', 'plain', 'long'):
        out = keys.opendkim(tame(body), 'Mode s\nDomain example.org\nSelector r\nKeyFile %s\nCanonicalization %s\n'
                            'InternalHosts 127.0.0.1\n' % (keys.path / 'r.pem', canon))
        value = re.search(r"hname='DKIM-Signature' hvalue='([^']*)'", out).group(1)
        got = keys.verify(b'DKIM-Signature: ' + value.encode().replace(b'\n', b'\r\n') + b'\r\n' + tame(body))
        assert got['result'] == 'pass', (body, got)


def test_S16_T_DKIM_L_a_part_of_the_body_is_no_pass(keys):
    for name, canon in itertools.product(('r', 'e'), CANON):
        m = keys.theirs(mail('blanks'), name, canon, length=True)
        assert re.search(rb'\bl=\d+', m) and keys.verify(m)['result'] == 'pass', 'l= of the whole body'
        longer = keys.verify(m + b'<a href="https://evil.example/">pay here</a>\r\n')
        assert longer['result'] == 'policy' and longer['signatures'][0]['limited'] is True, canon
        assert b' l=' not in keys.sign(mail('blanks'), name, canon).partition(b'\r\nFrom:')[0]


def test_S17_T_DKIM_DUP_a_field_signed_once_and_there_twice(keys):
    for field in (b'Subject: other', b'To: eve@evil.example', b'Date: Wed, 11 Mar 2026 10:00:00 +0000'):
        name = field.partition(b':')[0].lower()
        m = field + b'\r\n' + keys.theirs(mail('plain'), 'r', 'relaxed/relaxed', include_headers=[b'from', b'to', b'subject', b'date'])
        assert keys.verify(m)['result'] == 'policy', name
        ours = field + b'\r\n' + keys.sign(mail('plain'), 'r', 'relaxed/relaxed')
        assert keys.verify(ours)['result'] == 'fail', 'oversigned'


def test_S18_T_DKIM_KEY_a_weak_key_is_a_pass_and_said(keys):
    got = keys.verify(keys.theirs(mail('plain'), 'w', 'relaxed/relaxed'))
    assert got['result'] == 'pass' and got['signatures'][0]['bits'] == 1024


def test_B17_sha1_is_never_a_pass(keys):
    m = keys.theirs(mail('plain'), 'r', 'relaxed/relaxed', algorithm='rsa-sha1')
    assert keys.verify(m)['result'] == 'permerror'
    assert keys.verify(m, '--legacy')['result'] == 'pass', 'it was a good one'
    assert keys.verify(re.sub(rb'a=rsa-sha1', b'a=rsa-md5', m, count=1), '--legacy')['result'] == 'permerror'


def test_ARC_chains_of_both(keys):
    """dkimpy seals on our seal and we on its; both find the whole chain good."""
    def ours(m):
        r = subprocess.run([lab.BINARY, 'arc', 'seal', '--domain', DOMAIN, '--selector', 'r', '--key', keys.path / 'r.pem', '--authserv-id',
                            'us.example', '--headers', 'from:to:subject:date', '--now', NOW, '--zone', keys.path / 'zone'],
                           input=m, capture_output=True, timeout=30)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def theirs(m):
        return b''.join(dkim.arc_sign(m, b'r', DOMAIN.encode(), keys.private('r'), b'them.example')) + m

    def results(who, arc):
        return b'Authentication-Results: %s; spf=pass smtp.mailfrom=example.org; arc=%s\r\n' % (who, arc)

    m = theirs(results(b'them.example', b'pass') + ours(results(b'us.example', b'none') + mail('plain')))
    m = ours(results(b'us.example', b'pass') + m)
    r = subprocess.run([lab.BINARY, 'arc', 'verify', '--zone', keys.path / 'zone'], input=m, capture_output=True, timeout=30)
    got = json.loads(r.stdout)
    assert got['result'] == 'pass' and got['instances'] == 3, got
    cv, _, _ = dkim.arc_verify(m, dnsfunc=keys.dns)
    assert cv == b'pass'
    cv, _, _ = dkim.arc_verify(m.replace(b'Hello', b'Hallo'), dnsfunc=keys.dns)
    assert cv == b'fail'
