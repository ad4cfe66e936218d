# SPDX-License-Identifier: ISC
"""AUTH against the running server: order, replies, mechanisms, what must never be let in."""
import base64
import json
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from authlab import UNGUARDED, House, Scram, b64, lab  # noqa: E402


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    h = House.make(tmp_path_factory.mktemp('auth'), certs=['alice@victim.example', 'stranger@other.example'],
                   more='auth mechanisms SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL PLAIN LOGIN CRAM-MD5\n'
                        'auth trusted SCRAM-SHA-256 PLAIN',
                   limits=UNGUARDED)
    yield h
    assert h.stop() == 0


def test_T_AUTH_01_list_of_ehlo_is_exact(house, tmp_path):
    assert house.mechanisms() == ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'EXTERNAL', 'PLAIN', 'LOGIN',
                                  'CRAM-MD5']
    with house.smtp(house.submission) as s:
        s.ehlo('client.example')
        assert 'auth' not in s.esmtp_features and 'starttls' in s.esmtp_features
        assert s.docmd('AUTH PLAIN AGFsaWNlAHNlY3JldA==')[0] == 538
        assert s.docmd('MAIL FROM:<alice@victim.example>')[0] == 530
    with house.tls(house.port) as s:
        assert 'auth' not in s.esmtp_features
        assert s.docmd('AUTH PLAIN AGFsaWNlAHNlY3JldA==')[0] == 502


def test_B5_default_list(tmp_path):
    h = House.make(tmp_path / 'h')
    try:
        assert h.mechanisms() == ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN']
    finally:
        h.stop()


def test_A20_A21_order_and_replies(house):
    with house.tls() as s:
        assert s.docmd('AUTH KERBEROS_V4')[0] == 504
        assert s.docmd('AUTH DIGEST-MD5')[0] == 504
        assert s.docmd('AUTH PLAIN @@@@')[0] == 501
        assert s.docmd('AUTH PLAIN')[0] == 334
        assert s.docmd('*')[0] == 501
        assert s.docmd('AUTH PLAIN')[0] == 334
        assert s.docmd('A' * 13000)[0] == 500
        assert s.docmd('AUTH PLAIN ' + 'A' * 13000)[0] == 500
        assert s.docmd('AUTH PLAIN')[0] == 334
        assert s.docmd(b64(b'\0alice\0secret'))[0] == 235
        assert s.docmd('AUTH PLAIN AGFsaWNlAHNlY3JldA==')[0] == 503
        assert s.docmd('MAIL FROM:<alice@victim.example>')[0] == 250
        assert s.docmd('AUTH PLAIN AGFsaWNlAHNlY3JldA==')[0] == 503
        s.docmd('RSET')
        assert 'auth' not in (s.ehlo(), s.esmtp_features)[1]


def test_A17_A18_received_and_identity(house):
    with house.tls() as s:
        assert s.docmd('AUTH PLAIN', b64(b'\0alice\0secret'))[0] == 235
        s.sendmail('alice@victim.example', ['bob@victim.example'], 'From: alice@victim.example\r\nSubject: x\r\n\r\nx\r\n')
    last = json.loads((house.dir / 'accepted.jsonl').read_text().splitlines()[-1])
    assert b'with ESMTPSA' in base64.b64decode(last['message_b64'])


@pytest.mark.parametrize('user,password,code', [
    ('alice', 'secret', 235), ('alice@victim.example', 'secret', 235), ('ALICE', 'secret', 235), ('bob', 'secret-b', 235),
    ('alice', 'Secret', 535), ('alice', 'secret ', 535), ('bob', 'secret', 535), ('nobody', 'secret', 535),
    ('alice@other.example', 'secret', 535), ('', 'secret', 535), ('alice', '', 535), pytest.param('a' * 8000, 'x', 535, id='long-user'),
    pytest.param('alice', 'x' * 2000, 535, id='long-password'), ('jörg', 'geheim', 535)])
def test_B10_R5_T_AUTH_02_plain(house, user, password, code):
    got, text = house.plain(user, password)
    assert got == code
    if code == 535:
        assert text == '5.7.8 authentication credentials invalid'


@pytest.mark.parametrize('octets', [b'', b'alice', b'alice\0secret', b'\0alice\0secret\0', b'\0\0', b'\0\0\0',
                                    b'root\0alice\0secret', b'bob\0alice\0secret', b'\0alice\0\0secret', b'\xff\0\xff\0\xff'])
def test_R5_T_AUTH_02_malformed_plain(house, octets):
    assert house.auth('PLAIN', b64(octets) or '=')[0] in (501, 535)


def test_A20_login_and_external(house):
    assert house.auth('LOGIN', None, [b64('alice'), b64('secret')])[0] == 235
    assert house.auth('LOGIN', b64('alice'), [b64('secret')])[0] == 235
    assert house.auth('LOGIN', None, [b64('alice'), b64('nope')])[0] == 535
    assert house.auth('EXTERNAL', '=', cert='alice@victim.example')[0] == 235
    assert house.auth('EXTERNAL', b64('bob'), cert='alice@victim.example')[0] == 535
    assert house.auth('EXTERNAL', '=', cert='stranger@other.example')[0] == 535
    assert house.auth('EXTERNAL', '=')[0] == 535


def test_A19_scram(house):
    def go(mech, s):
        return house.auth(mech, s.first(), s.answers())[0]
    assert go('SCRAM-SHA-256', Scram('alice', 'secret')) == 235
    assert go('SCRAM-SHA-256', Scram('bob', 'secret-b')) == 235
    assert go('SCRAM-SHA-1', Scram('alice', 'secret', 'sha1')) == 235
    assert go('SCRAM-SHA-1', Scram('bob', 'secret-b', 'sha1')) == 535       # its entry is of the other hash
    assert go('SCRAM-SHA-256', Scram('alice', 'wrong')) == 535
    assert go('SCRAM-SHA-256', Scram('nobody', 'secret')) == 535
    assert go('SCRAM-SHA-256', Scram('alice', 'secret', authzid='bob')) == 535
    assert go('SCRAM-SHA-256', Scram('alice', 'secret', gs2='y,,')) == 535   # A4: -PLUS was on offer


def test_A5_replayed_scram_final(house):
    s = Scram('alice', 'secret')
    assert house.auth('SCRAM-SHA-256', s.first(), s.answers())[0] == 235
    old = s.final(base64.b64encode(s.challenge.encode()))
    assert house.auth('SCRAM-SHA-256', s.first(), [old])[0] == 535


def test_A2_T_AUTH_05_unknown_users_look_alike(house):
    def challenge(user):
        s = Scram(user, 'x')
        house.auth('SCRAM-SHA-256', s.first(), [s.final])
        return dict(a.split('=', 1) for a in s.challenge.split(',') if a[0] != 'r')
    assert challenge('nobody') == challenge('nobody') == challenge('NOBODY')
    assert challenge('nobody') != challenge('nobody2')
    assert challenge('nobody')['i'] == challenge('alice')['i']
    assert len(challenge('nobody')['s']) == len(challenge('bob')['s'])


def test_A60_offered_but_not_trusted_grants_nothing(house):
    with house.tls() as s:
        assert s.docmd('AUTH LOGIN', b64('alice'))[0] == 334
        assert s.docmd(b64('secret'))[0] == 235
        assert s.docmd('MAIL FROM:<alice@victim.example>')[0] == 250
        assert s.docmd('RCPT TO:<x@elsewhere.example>')[0] == 550
    with house.tls() as s:
        assert s.docmd('AUTH PLAIN', b64(b'\0alice\0secret'))[0] == 235
        assert s.docmd('MAIL FROM:<alice@victim.example>')[0] == 250
        assert s.docmd('RCPT TO:<x@elsewhere.example>')[0] == 250


def test_A22_auth_parameter(house):
    with house.tls() as s:
        assert s.docmd('AUTH PLAIN', b64(b'\0alice\0secret'))[0] == 235
        assert s.docmd('MAIL FROM:<alice@victim.example> AUTH=e+3Dmc2@example.com')[0] == 250
        s.docmd('RSET')
        assert s.docmd('MAIL FROM:<alice@victim.example> AUTH=<>')[0] == 250
        s.docmd('RSET')
        assert s.docmd('MAIL FROM:<alice@victim.example> AUTH=e+3mc2@example.com')[0] == 501


def test_A1_A23_T_AUTH_03_limits_spare_known_addresses(tmp_path):
    h = House.make(tmp_path / 'h', limits='auth-failures-per-address 5')
    try:
        assert h.plain('alice', 'secret')[0] == 235
        for _ in range(5):
            assert h.plain('bob', 'x')[0] == 535
        assert h.plain('bob', 'secret-b')[0] == 421
        assert h.plain('alice', 'secret')[0] == 235
    finally:
        h.stop()


class Yes(threading.Thread):
    """A Dovecot auth socket that says OK to everybody."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(8)
        path.chmod(0o666)

    def run(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            with c, c.makefile('rwb') as f:
                f.write(b'VERSION\t1\t1\nSPID\t1\nDONE\n')
                f.flush()
                for line in f:
                    if line.startswith(b'AUTH'):
                        f.write(b'OK\t' + line.split(b'\t')[1] + b'\tuser=x\n')
                        f.flush()


def test_T_AUTH_SELF_a_store_that_takes_anything_keeps_the_door_shut(tmp_path):
    h = House.make(tmp_path / 'h', passwords='passwords dovecot DIR/auth', start=False)
    Yes(h.dir / 'auth').start()
    h.start()
    try:
        lab.wait_for(lambda: 'auth_accepts_anything' in h.log())
        lab.wait_for(lambda: 'auth_doors_stay_shut' in h.log())
        with pytest.raises((OSError, ssl.SSLError)):
            with socket.create_connection(('127.0.0.1', h.submission), timeout=2) as s:
                s.settimeout(2)
                assert s.recv(100) != b''
    finally:
        h.stop()


def test_B10_a_store_that_is_down_is_454(tmp_path):
    h = House.make(tmp_path / 'h', passwords='passwords dovecot DIR/nobody-listens', start=False)
    h.start()
    try:
        lab.wait_for(lambda: 'event=auth_proven' in h.log())
        lab.wait_for(lambda: lab.accepts(h.submission))
        assert h.plain('alice', 'secret')[0] == 454
        assert h.plain('nobody', 'secret')[0] == 454
    finally:
        h.stop()
