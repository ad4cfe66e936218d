# SPDX-License-Identifier: ISC
"""Tickets and tokens: GSSAPI with a real MIT KDC, OAUTHBEARER and XOAUTH2 with keys of a JWKS file."""
import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / 'peers')]
import lab  # noqa: E402
from authlab import UNGUARDED, House, b64  # noqa: E402
from peerlab import Program  # noqa: E402

# ---- OAuth ----


def url64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b'=').decode()


def openssl(*args, data=None):
    return subprocess.run(['openssl', *[str(a) for a in args]], input=data, check=True, capture_output=True, timeout=30).stdout


class Issuer:
    """Keys, their JWKS, and tokens of all sorts."""

    def __init__(self, path):
        self.dir = path
        openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', path / 'rsa.pem')
        openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path / 'ec.pem')
        openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', path / 'other.pem')
        modulus = openssl('rsa', '-in', path / 'rsa.pem', '-noout', '-modulus').decode().strip().partition('=')[2]
        point = openssl('pkey', '-in', path / 'ec.pem', '-pubout', '-outform', 'DER')[-64:]
        keys = [{'kty': 'RSA', 'kid': 'r', 'alg': 'RS256', 'n': url64(bytes.fromhex(modulus)), 'e': 'AQAB'},
                {'kty': 'EC', 'kid': 'e', 'crv': 'P-256', 'x': url64(point[:32]), 'y': url64(point[32:])}]
        (path / 'jwks.json').write_text(json.dumps({'keys': keys}))
        (path / 'jwks.json').chmod(0o644)

    def token(self, key='rsa', alg='RS256', kid='r', head=None, **claims):
        now = int(time.time())
        body = dict({'iss': 'https://id.example', 'aud': 'mail', 'email': 'alice@victim.example', 'exp': now + 300,
                     'iat': now}, **claims)
        body = {k: v for k, v in body.items() if v is not None}
        text = '%s.%s' % (url64(json.dumps(head or {'alg': alg, 'kid': kid}).encode()), url64(json.dumps(body).encode()))
        sig = openssl('dgst', '-sha256', '-sign', self.dir / (key + '.pem'), data=text.encode())
        if key == 'ec':                                 # DER to the two halves of RFC 7518 3.4
            out, at = b'', 2
            for _ in range(2):
                n = sig[at + 1]
                out += sig[at + 2:at + 2 + n].lstrip(b'\0').rjust(32, b'\0')
                at += 2 + n
            sig = out
        return '%s.%s' % (text, url64(sig))


@pytest.fixture(scope='module')
def oauth(tmp_path_factory):
    path = tmp_path_factory.mktemp('oauth')
    issuer = Issuer(path)
    lab.open_way(path)
    h = House.make(path / 'h', more='auth mechanisms OAUTHBEARER XOAUTH2 PLAIN\n'
                   'auth oauth issuer https://id.example audience mail keys %s' % (path / 'jwks.json'), limits=UNGUARDED)
    h.issuer = issuer
    yield h
    assert h.stop() == 0


def bearer(h, token, authzid='a=alice@victim.example'):
    """The end of an exchange: (code of the first reply, code of the last)."""
    first = b64('n,%s,\1host=mx.victim.example\1port=587\1auth=Bearer %s\1\1' % (authzid, token))
    return h.auth('OAUTHBEARER', first, ['AQ=='])


def xoauth2(h, token, user='alice@victim.example'):
    return h.auth('XOAUTH2', b64('user=%s\1auth=Bearer %s\1\1' % (user, token)), [''])


@pytest.mark.parametrize('way', [bearer, xoauth2])
def test_A8_good_tokens(oauth, way):
    assert way(oauth, oauth.issuer.token())[0] == 235
    assert way(oauth, oauth.issuer.token(key='ec', alg='ES256', kid='e'))[0] == 235
    assert way(oauth, oauth.issuer.token(aud=['x', 'mail']))[0] == 235


WRONG = {
    'expired': dict(exp=int(time.time()) - 3600), 'no expiry': dict(exp=None), 'not yet': dict(nbf=int(time.time()) + 3600),
    'other audience': dict(aud='other'), 'no audience': dict(aud=None), 'other issuer': dict(iss='https://evil.example'),
    'other key': dict(key='other'), 'unknown key': dict(kid='zz'), 'no user': dict(email=None), 'user is a list': dict(email=['a']),
    'alg none': dict(head={'alg': 'none', 'kid': 'r'}), 'alg HS256': dict(head={'alg': 'HS256', 'kid': 'r'}),
    'alg of another kind': dict(alg='ES256'), 'user unknown here': dict(email='nobody@victim.example'),
    'user elsewhere': dict(email='alice@elsewhere.example'), 'other user': dict(email='bob@victim.example'),
}


@pytest.mark.parametrize('name', WRONG)
def test_A8_wrong_tokens_never_enter(oauth, name):
    token = oauth.issuer.token(**WRONG[name])
    assert bearer(oauth, token)[0] == 535
    assert xoauth2(oauth, token)[0] == 535


def test_A8_broken_tokens_never_enter(oauth):
    good = oauth.issuer.token()
    head, body, sig = good.split('.')
    for token in ('', '.', '..', head, head + '.' + body, head + '.' + body + '.', good + '.x', good[:-4] + 'AAAA', sig,
                  head + '.' + url64(b'{"iss":"https://id.example"}') + '.' + sig, 'x' * 9000):
        assert bearer(oauth, token)[0] in (501, 535), token[:40]
    assert oauth.plain('alice', 'secret')[0] == 235     # and the role is well


# ---- GSSAPI ----

KRB5 = '''[libdefaults]
    default_realm = VICTIM.EXAMPLE
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    VICTIM.EXAMPLE = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    mx.victim.example = VICTIM.EXAMPLE
'''
KDC = '''[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    VICTIM.EXAMPLE = {{
        database_name = {dir}/principal
        key_stash_file = {dir}/stash
        acl_file = {dir}/acl
        max_life = 1h
    }}
'''


class Kdc:
    """A realm with alice and the service smtp/mx.victim.example."""

    def __init__(self, path):
        self.dir, self.port = path, lab.free_port()
        path.mkdir()
        lab.open_way(path)
        (path / 'krb5.conf').write_text(KRB5.format(port=self.port))
        (path / 'kdc.conf').write_text(KDC.format(port=self.port, dir=path))
        self.env = dict(os.environ, KRB5_CONFIG=str(path / 'krb5.conf'), KRB5_KDC_PROFILE=str(path / 'kdc.conf'))
        self.run('kdb5_util', 'create', '-s', '-P', 'master', '-r', 'VICTIM.EXAMPLE')
        for line in ('addprinc -pw secret-a alice', 'addprinc -pw secret-m mallory', 'addprinc -randkey smtp/mx.victim.example',
                     'ktadd -k %s smtp/mx.victim.example' % (path / 'keytab')):
            self.run('kadmin.local', '-r', 'VICTIM.EXAMPLE', '-q', line)
        (path / 'keytab').chmod(0o600)
        self.program = Program(['krb5kdc', '-n', '-r', 'VICTIM.EXAMPLE', '-P', path / 'kdc.pid'], lambda: lab.accepts(self.port),
                               log=path / 'out', env=self.env)

    def run(self, *argv, data=None, env=None):
        return subprocess.run([str(a) for a in argv], input=data, check=True, capture_output=True, text=True, timeout=60,
                              env=dict(self.env, **(env or {})))

    def ticket(self, user, password):
        """A credentials cache with a ticket of that user."""
        cache = 'FILE:%s' % (self.dir / ('cc-' + user))
        self.run('kinit', user, data=password + '\n', env={'KRB5CCNAME': cache})
        return cache


@pytest.fixture(scope='module')
def realm(tmp_path_factory):
    top = tmp_path_factory.mktemp('krb')
    lab.open_way(top)
    kdc = Kdc(top / 'kdc')
    h = House.make(top / 'h', more='auth mechanisms GSSAPI PLAIN\nauth keytab %s' % (kdc.dir / 'keytab'),
                   limits=UNGUARDED)
    h.kdc = kdc
    yield h
    kdc.program.stop()
    assert h.stop() == 0


def kerberos(h, cache, user):
    """curl as the client: STARTTLS, then AUTH GSSAPI with the ticket of that cache, as that user; what it said and heard."""
    r = subprocess.run(['curl', '-v', '-sS', '--ssl-reqd', '--cacert', str(h.dir / 'chain.pem'), '--max-time', '40', '--resolve',
                        'mx.victim.example:%d:127.0.0.1' % h.submission, 'smtp://mx.victim.example:%d/client.example' % h.submission,
                        '--user', user + '@VICTIM.EXAMPLE:', '--login-options', 'AUTH=GSSAPI', '--service-name', 'smtp', '--mail-from',
                        'alice@victim.example', '--mail-rcpt', 'victim@victim.example', '-T', '-'],
                       input='Subject: k\r\nFrom: alice@victim.example\r\n\r\nx\r\n', capture_output=True, text=True, timeout=60,
                       env=dict(h.kdc.env, KRB5CCNAME=cache))
    return r.stderr


def test_A19_gssapi_with_a_real_kdc(realm):
    text = kerberos(realm, realm.kdc.ticket('alice', 'secret-a'), 'alice')
    assert '< 235 2.7.0' in text and '< 250 2.0.0 queued' in text, text


def test_A19_gssapi_other_users_and_no_ticket(realm):
    """A ticket is good for its own principal, and only where that is a user here."""
    for cache, user in ((realm.kdc.ticket('mallory', 'secret-m'), 'alice'), (realm.kdc.ticket('mallory', 'secret-m'), 'mallory'),
                        ('FILE:/nonexistent/cc', 'alice')):
        text = kerberos(realm, cache, user)
        assert '< 235' not in text and 'queued' not in text, text


def test_A17_gssapi_garbage(realm):
    for junk in ('=', b64(b'\0' * 20), b64(b'\x60\x82' + b'A' * 500), '!!!', b64(b'x' * 8000)):
        code = realm.auth('GSSAPI', junk, ['*', ''])[0]
        assert code in (501, 535), (code, junk[:20])
    assert realm.plain('alice', 'secret')[0] == 235
