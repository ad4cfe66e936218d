# SPDX-License-Identifier: ISC
"""Users in other places than a file of verifiers, and clients of other people."""
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from authlab import House, Scram, scram_entry  # noqa: E402


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


def test_B10_sqlite(tmp_path):
    def fill(path):
        with sqlite3.connect(path / 'users.db') as db:
            db.execute('create table users (name text, domain text, password text)')
            db.execute('insert into users values (?, ?, ?)', ('carol', 'victim.example', scram_entry('secret-c')))
            db.execute('insert into users values (?, ?, ?)', ('empty', 'victim.example', ''))
        (path / 'sql').write_text('connect = %s\nquery = SELECT password FROM users WHERE name = %%u AND domain = %%d\n'
                                  % (path / 'users.db'))
        (path / 'sql').chmod(0o600)
        (path / 'users.db').chmod(0o644)
    h = House.make(tmp_path / 'h', passwords='passwords sqlite DIR/sql', before=fill)
    try:
        assert h.plain('carol', 'secret-c')[0] == 235
        assert h.plain('carol', 'x')[0] == 535
        assert h.plain('empty', 'x')[0] == 535
        assert h.plain("x' or '1'='1", 'x')[0] == 535
        s = Scram('carol', 'secret-c')
        assert h.auth('SCRAM-SHA-256', s.first(), s.answers())[0] == 235
        (h.dir / 'users.db').unlink()
        assert h.plain('carol', 'secret-c')[0] == 454
    finally:
        h.stop()


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
