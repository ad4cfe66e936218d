# SPDX-License-Identifier: ISC
"""Users in other places than a file of verifiers, and clients of other people."""
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from authlab import House  # noqa: E402


def crypt_entry(method):
    out = subprocess.run(['doveadm', 'pw', '-s', method, '-p', 'secret'], capture_output=True, text=True, check=True)
    return out.stdout.strip()


SCHEMES = ['SHA512-CRYPT', 'SHA256-CRYPT', 'BLF-CRYPT', 'SSHA', 'SSHA256', 'SSHA512', 'PLAIN', 'SCRAM-SHA-256',
           'SCRAM-SHA-1', 'ARGON2I', 'ARGON2ID']


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    users = {'u%d' % i: crypt_entry(s) for i, s in enumerate(SCHEMES)}
    h = House.make(tmp_path_factory.mktemp('stores'), users=users,
                   more='auth mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5 DIGEST-MD5')
    yield h
    assert h.stop() == 0


@pytest.mark.parametrize('scheme', SCHEMES)
def test_A59_schemes_made_by_dovecot(house, scheme):
    user = 'u%d' % SCHEMES.index(scheme)
    assert house.plain(user, 'secret')[0] == 235
    assert house.plain(user, 'Secret')[0] == 535


@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN', 'CRAM-MD5'])
def test_A19_swaks(house, mechanism):
    def go(password):
        return subprocess.run(['swaks', '--server', '127.0.0.1:%d' % house.submission, '--tls', '--auth', mechanism, '-au', 'u6',
                               '-ap', password, '--quit-after', 'AUTH', '--ehlo', 'client.example'],
                              capture_output=True, text=True, timeout=30)
    r = go('secret')
    assert '235 2.7.0' in r.stdout, r.stdout + r.stderr
    r = go('Secret')
    assert '535 5.7.8' in r.stdout and '235' not in r.stdout, r.stdout + r.stderr
