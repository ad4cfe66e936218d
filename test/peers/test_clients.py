# SPDX-License-Identifier: ISC
"""Mail in from real clients: swaks, smtp-source, msmtp, curl, smtplib, s-nail and mutt."""
import os
import smtplib
import subprocess
from email.message import EmailMessage

import pytest

from peerlab import House, parse, postfix_tool, wait_for

BODY = 'one\n.two starts with a dot\n.\nlast\n'
LINES = ['one', '.two starts with a dot', '.', 'last']


def call(argv, limit=60, **kw):
    r = subprocess.run([str(a) for a in argv], capture_output=True, timeout=limit, **kw)
    assert r.returncode == 0, '%s: exit %d\n%s\n%s' % (argv[0], r.returncode, r.stdout.decode(errors='replace'),
                                                       r.stderr.decode(errors='replace'))
    return r.stdout.decode(errors='replace')


def arrived(house, subject, user='alice'):
    """The one mail of that subject."""
    def found():
        return [m for m in map(parse, house.mails(user)) if m['Subject'] == subject]
    got = wait_for(found, 20)
    assert len(got) == 1
    return got[0]


def test_swaks(shared):
    out = call(['swaks', '--server', '127.0.0.1:%d' % shared.port, '--from', 'ann@client.example', '--to',
                'alice@example.test,bob@example.test', '--header', 'Subject: swaks', '--body', BODY,
                '--ehlo', 'client.example'])
    assert '250 2.0.0' in out
    for user in ('alice', 'bob'):
        assert arrived(shared, 'swaks', user)['Received'].startswith('from client.example ([127.0.0.1]) by ')


def test_swaks_refused_recipient(shared):
    """One bad recipient of two: swaks says so, the other gets the mail."""
    r = subprocess.run(['swaks', '--server', '127.0.0.1:%d' % shared.port, '--from', 'ann@client.example', '--to',
                        'nobody@example.test,bob@example.test', '--header', 'Subject: swaks2'],
                       capture_output=True, text=True, timeout=60)
    assert '550 5.1.1' in r.stdout
    arrived(shared, 'swaks2', 'bob')


def test_swaks_lmtp(tmp_path):
    """swaks speaks LMTP to an lmtp listener: one reply for each recipient."""
    sock = tmp_path / 'h' / 'run' / 'lmtp.sock'
    with House(tmp_path / 'h', extra='listen lmtp %s { mode 666; }\n' % sock) as h:
        h.start()
        out = call(['swaks', '--protocol', 'LMTP', '--socket', sock, '--from', 'ann@client.example', '--to',
                    'alice@example.test,bob@example.test', '--header', 'Subject: lmtp'])
        assert out.count('<-  250 2.0.0') + out.count('<-  250 2.1.5') >= 2
        arrived(h, 'lmtp')
        arrived(h, 'lmtp', 'bob')


@pytest.mark.parametrize('args,n', [(['-s', '10', '-m', '100', '-l', '4096'], 100),
                                    (['-s', '5', '-m', '25', '-d', '-l', '300000'], 25),
                                    (['-s', '4', '-m', '20', '-r', '4', '-M', 'client.example'], 20)])
def test_smtp_source(tmp_path, args, n):
    """Postfix's load generator: sessions at once, large messages, several recipients, old HELO."""
    tool, env = postfix_tool('smtp-source')
    with House(tmp_path / 'h', in_domain='catch-all alice') as h:
        h.start()
        call([tool, *args, '-f', 'src@client.example', '-t', 'alice@example.test', '127.0.0.1:%d' % h.port], env=env)
        mails = wait_for(lambda: len(h.mails()) >= n and h.mails(), 30)
        h.wait_empty()
        assert len(h.mails()) == n and len(mails) == n


def test_msmtp(shared, tmp_path):
    rc = tmp_path / 'msmtprc'
    rc.write_text('account default\nhost 127.0.0.1\nport %d\nfrom ann@client.example\ndomain client.example\n'
                  % shared.port)
    rc.chmod(0o600)
    call(['msmtp', '-C', rc, 'alice@example.test'], input=b'Subject: msmtp\n\n' + BODY.encode())
    assert arrived(shared, 'msmtp').get_content().splitlines() == LINES


def test_curl(shared, tmp_path):
    mail = tmp_path / 'mail'
    mail.write_bytes(b'Subject: curl\r\n\r\n' + BODY.replace('\n', '\r\n').encode())
    call(['curl', '-sS', 'smtp://127.0.0.1:%d/client.example' % shared.port, '--mail-from', 'ann@client.example',
          '--mail-rcpt', 'alice@example.test', '-T', mail])
    assert arrived(shared, 'curl').get_content().splitlines() == LINES


def test_curl_says_what_was_wrong(shared, tmp_path):
    r = subprocess.run(['curl', '-sS', 'smtp://127.0.0.1:%d/client.example' % shared.port, '--mail-from',
                        'ann@client.example', '--mail-rcpt', 'nobody@example.test', '-T', '/etc/hostname'],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode != 0 and '550' in r.stderr


def test_smtplib_eight_bit_and_utf8(shared):
    m = EmailMessage()
    m['Subject'], m['From'], m['To'] = 'smtplib ü', 'ann@client.example', 'alice@example.test'
    m.set_content('Grüße, 世界\n', cte='8bit')
    with shared.smtp() as s:
        s.ehlo('client.example')
        assert {'8bitmime', 'smtputf8', 'size', 'dsn', 'pipelining', 'chunking'} <= set(s.esmtp_features)
        s.send_message(m, mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
    got = arrived(shared, 'smtplib ü')
    assert got.get_content() == 'Grüße, 世界\n'
    assert 'UTF8SMTP' in got['Received']


def test_smtplib_sends_ten_in_a_session(house):
    with house.smtp() as s:
        for i in range(10):
            s.sendmail('ann@client.example', ['alice@example.test', 'bob@example.test'],
                       'Subject: %d\r\n\r\nx\r\n' % i)
    assert sorted(int(m['Subject']) for m in house.wait_mail(n=10)) == list(range(10))
    house.wait_mail('bob', 10)


def test_smtplib_large(house):
    """20 MB: streamed to a file, delivered whole."""
    line = 'x' * 76 + '\r\n'
    with house.smtp() as s:
        s.sendmail('ann@client.example', ['alice@example.test', 'bob@example.test'],
                   'Subject: large\r\n\r\n' + line * 260_000)
    for user in ('alice', 'bob'):
        house.wait_mail(user, limit=60)
        raw = house.mails(user)[0].read_bytes()
        assert raw.count(b'x' * 76) == 260_000
    house.wait_empty()


def test_message_too_large(house):
    with house.smtp() as s, pytest.raises(smtplib.SMTPSenderRefused) as e:
        s.sendmail('ann@client.example', ['alice@example.test'], 'Subject: x\r\n\r\n' + 'y' * 76 * 800_000)
    assert e.value.smtp_code == 552


@pytest.mark.parametrize('program', ['s-nail', 'mutt'])
def test_reader_programs_through_sendmail(shared, tmp_path, program):
    """Mail programs that hand over by the sendmail command."""
    home = tmp_path / 'home'
    home.mkdir()
    env = dict(os.environ, HOME=str(home), LANG='C.UTF-8', USER='root', EMAIL='ann@client.example')
    command = '%s -C %s' % (shared.bin / 'sendmail', shared.conf)
    if program == 's-nail':
        wrapper = tmp_path / 'mta'
        wrapper.write_text('#!/bin/sh\nexec %s "$@"\n' % command)
        wrapper.chmod(0o755)
        argv = ['s-nail', '-:/', '-S', 'mta=%s' % wrapper, '-S', 'sendwait', '-S', 'from=ann@client.example',
                '-r', 'ann@client.example', '-s', program, '-b', 'bob@example.test', 'alice@example.test']
    else:
        argv = ['mutt', '-n', '-F', '/dev/null', '-e', 'set sendmail="%s -oem -oi"' % command, '-e', 'set copy=no',
                '-e', 'set from=ann@client.example use_envelope_from=yes sendmail_wait=0', '-s', program, '-b',
                'bob@example.test', '--', 'alice@example.test']
    call(argv, env=env, input=BODY.encode())
    got = arrived(shared, program)
    assert got.get_content().splitlines() == LINES and got['Bcc'] is None
    assert 'ann@client.example' in got['Return-Path']
    assert arrived(shared, program, 'bob')['Bcc'] is None
