# SPDX-License-Identifier: ISC
"""Who may write as whom on the local socket and from granted networks: S4, S5, B6, B7, R1 to R3, and observe mode."""
import os
import subprocess

import pytest

from polab import OUTSIDE, House, wait_for

GRANTS = '''accept-unresolvable-domains yes
relay from network 192.0.2.0/24
relay from network 203.0.113.0/28 sending-as scanner@example.test
relay from network 203.0.113.128/25 sending-as any
relay to domain partner.test via [127.0.0.1]:9
may-send uid:daemon reports@example.test
'''


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    server = House(tmp_path_factory.mktemp('binding') / 'server', extra=GRANTS)
    with server.start():
        yield server


def test_B7_matrix(house):
    """{outside, inside} x {local, relayed, remote}: only the permitted cells give 250."""
    for ip, sender, cells in ((OUTSIDE, 'x@far.example', (250, 250, 550)),
                              ('192.0.2.7', 'alice@example.test', (250, 250, 250)),
                              ('192.0.2.7', 'x@far.example', (250, 250, 550))):
        for rcpt, code in zip(('alice@example.test', 'p@partner.test', 'y@remote.example'), cells):
            assert house.reply(sender, rcpt, ip=ip).startswith(str(code)), (ip, sender, rcpt)


def test_B6_network_and_foreign_sender(house):
    r = house.reply('x@far.example', 'y@remote.example', ip='192.0.2.7')
    assert r.startswith('550 5.7.1') and 'x@far.example' in r and 'sending-as' in r
    assert house.reply('x@far.example', 'y@remote.example', ip='203.0.113.200').startswith('250')


def test_S5_printer(house):
    """A listed device sends as its own address alone."""
    assert house.reply('scanner@example.test', 'y@remote.example', ip='203.0.113.1').startswith('250')
    assert house.reply('alice@example.test', 'y@remote.example', ip='203.0.113.1').startswith('550 5.7.1')
    assert house.reply('', 'y@remote.example', ip='203.0.113.1').startswith('550 5.7.1')
    with house.client(ip='203.0.113.1') as c:
        r = c.message('scanner@example.test', 'y@remote.example', 'From: boss@example.test\r\nSubject: x\r\n\r\nx\r\n')
        assert r.startswith('550 5.7.1') and 'boss@example.test' in r


def test_R1_open_relay_matrix(house):
    for sender in ('alice@example.test', 'postmaster@example.test', 'x@far.example', '', 'x@[127.0.0.1]'):
        assert house.reply(sender, 'y@remote.example')[:4] in ('550 ', '554 '), sender


@pytest.mark.parametrize('rcpt', [
    'alice%remote.example@example.test', 'remote.example!alice@example.test', '"y@remote.example"@example.test',
    'y%remote.example@[127.0.0.1]', 'y@remote.example.', '@example.test:y@remote.example',
    '"y%remote.example"@example.test', 'y%remote.example', '"@example.test:y@remote.example"@example.test'])
def test_R3_forms(house, rcpt):
    code = house.reply('x@far.example', rcpt)[:3]
    assert code in ('550', '501', '553', '554'), rcpt


def test_R2_sender_is_no_credential(house):
    assert house.reply('postmaster@example.test', 'y@remote.example').startswith('550 5.7.1')


def sendmail(house, uid, *args, body='Subject: t\n\nhello\n'):
    return subprocess.run(['setpriv', '--reuid', str(uid), '--regid', str(uid), '--clear-groups', '--', house.binary,
                           'sendmail', '-C', str(house.conf), *args], input=body, capture_output=True, text=True,
                          timeout=30)


needs_root = pytest.mark.skipif(os.getuid() != 0, reason='other uids need root')


@needs_root
def test_S4_T_LOCAL_01_other_user(house):
    """uid 2 (bin) as root@ours: exit 77, nothing queued."""
    before = house.verb('queue', 'list').stdout
    r = sendmail(house, 2, '-f', 'root@example.test', 'alice@example.test')
    assert r.returncode == 77 and 'may-send' in r.stderr, (r.returncode, r.stderr)
    r = sendmail(house, 2, '-f', 'alice@example.test', 'alice@example.test')
    assert r.returncode == 77
    r = sendmail(house, 2, 'alice@example.test', body='From: root@example.test\nSubject: x\n\nx\n')
    assert r.returncode == 77
    assert house.verb('queue', 'list').stdout == before and not house.mails()
    assert sendmail(house, 2, 'alice@example.test').returncode == 0
    wait_for(lambda: len(house.mails()) == 1)


@needs_root
def test_S4_may_send_line(house):
    n = len(house.mails('bob'))
    assert sendmail(house, 1, '-f', 'reports@example.test', 'bob@example.test').returncode == 0
    assert sendmail(house, 2, '-f', 'reports@example.test', 'bob@example.test').returncode == 77
    wait_for(lambda: len(house.mails('bob')) == n + 1)


@needs_root
def test_S4_root_any_own(house):
    n = len(house.mails('bob'))
    assert sendmail(house, 0, '-f', 'anybody@example.test', 'bob@example.test').returncode == 0
    assert sendmail(house, 0, '-f', 'x@far.example', 'bob@example.test').returncode == 77
    wait_for(lambda: len(house.mails('bob')) == n + 1)


def test_observe_rule(tmp_path_factory):
    """A rule that is observed says what it would have done, and the mail comes in; relaying cannot be."""
    extra = 'accept-unresolvable-domains yes\naccess file access\npolicy observe access-from\n'
    server = House(tmp_path_factory.mktemp('observe') / 'server', extra=extra,
                   tables={'access': 'From:bad.example REJECT\nTo:bob@example.test REJECT\n'})
    with server.start():
        assert server.reply('x@bad.example', 'alice@example.test').startswith('250')
        wait_for(lambda: 'rule=access-from' in server.log() and 'would_reply=550' in server.log())
        assert server.reply('x@bad.example', 'bob@example.test').startswith('550')
        assert server.reply('x@bad.example', 'y@far.example').startswith('550 5.7.1')
        note = server.verb('check').stdout + server.verb('check').stderr
        assert 'observe' in note and 'access-from' in note
    server.conf.write_text(server.conf.read_text().replace('observe access-from', 'observe relaying-denied'))
    r = server.verb('check', check=False)
    assert r.returncode != 0 and 'relaying-denied' in r.stdout + r.stderr
    server.conf.write_text(server.conf.read_text().replace('observe relaying-denied', 'observe no-such-rule'))
    assert server.verb('check', check=False).returncode != 0
