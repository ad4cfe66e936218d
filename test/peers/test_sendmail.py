# SPDX-License-Identifier: ISC
"""The sendmail command as programs call it: cron, PHP, git send-email, mailq; exit codes; the drop directory."""
import os
import subprocess

import pytest

from peerlab import House, Hop, parse, wait_for


def subject(house, text, user='alice'):
    got = wait_for(lambda: [m for m in map(parse, house.mails(user)) if m['Subject'] == text], 20)
    assert len(got) == 1
    return got[0]


def test_cron(shared):
    """cron: a From of its own, the recipient a bare name, output as it came."""
    text = 'From: root (Cron Daemon)\nTo: alice\nSubject: Cron <root@h> true\nAuto-Submitted: auto-generated\n\nout\n'
    shared.sendmail('-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'alice', text=text)
    m = subject(shared, 'Cron <root@h> true')
    assert m.get_content() == 'out\n' and m['Message-ID'] and m['Date']


def test_php_mail(shared):
    """PHP's mail(): sendmail -t -i, with an extra -f."""
    shared.sendmail('-t', '-i', '-fweb@example.test',
                    text='To: alice@example.test\r\nSubject: php\r\nBcc: bob@example.test, carol@example.test\r\n'
                         'X-PHP: 1\r\n\r\nline\r\n.\r\nend\r\n')
    for user in ('alice', 'bob', 'carol'):
        m = subject(shared, 'php', user)
        assert m['Bcc'] is None and m.get_content().splitlines() == ['line', '.', 'end']
        assert m['Return-Path'] == '<web@example.test>'


def test_git_send_email(shared, tmp_path):
    """git send-email through its sendmail setting: the real program on a real commit."""
    env = dict(os.environ, HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM='1', GIT_AUTHOR_NAME='Ann',
               GIT_AUTHOR_EMAIL='ann@client.example', GIT_COMMITTER_NAME='Ann',
               GIT_COMMITTER_EMAIL='ann@client.example', LANG='C.UTF-8')

    def git(*args, **kw):
        r = subprocess.run(['git', *args], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, **kw)
        assert r.returncode == 0, '%s: %s%s' % (args, r.stdout, r.stderr)
    git('init', '-q', '.')
    (tmp_path / 'f').write_text('.\n..\nFrom here\n')
    git('add', 'f')
    git('commit', '-qm', 'patch: dots')
    git('format-patch', '-1', '-o', 'out')
    patch = next((tmp_path / 'out').iterdir())
    git('send-email', '--quiet', '--confirm=never', '--suppress-cc=all', '--from=ann@client.example',
        '--sendmail-cmd=%s -C %s' % (shared.bin / 'sendmail', shared.conf), '--to=alice@example.test', str(patch))
    m = subject(shared, '[PATCH] patch: dots')
    assert '+From here' in m.get_content() and '+..\n' in m.get_content()


def test_flags_that_programs_pass(shared):
    shared.sendmail('-oi', '-oem', '-odb', '-Am', '-G', '-N', 'failure,delay', '-R', 'hdrs', '-V', 'env1', '-O',
                    'DeliveryMode=b', '-p', 'SMTP:h', '-r', 'ann@client.example', '-F', 'Ann B', '--',
                    'alice@example.test', text='Subject: flags\n\n.\nx\n')
    m = subject(shared, 'flags')
    assert m['From'].startswith('"Ann B"') or m['From'].startswith('Ann B')
    assert m.get_content() == '.\nx\n'


def test_recipients_beyond_ascii_and_a_thousand_of_them(shared):
    """RFC 6531: a recipient alone makes the message one of SMTPUTF8.  A thousand fit one command; one mailbox keeps
    one copy."""
    r = shared.sendmail('-bv', 'ülan@example.test', check=False)
    assert r.returncode == 67 and '5.1.1' in r.stderr, r.stderr
    shared.sendmail('-i', *['alice+%d@example.test' % i for i in range(1000)], text='Subject: thousand\n\nx\n')
    assert subject(shared, 'thousand')['Delivered-To'] == 'alice@example.test'


def test_values_end_no_command(shared):
    r = shared.sendmail('-fa@b.example>\r\nRCPT TO:<bob@example.test', 'alice', check=False)
    assert r.returncode == 64 and 'control character' in r.stderr


def test_lone_dot_ends_without_i(shared):
    shared.sendmail('alice', text='Subject: dot\n\nseen\n.\nnot seen\n')
    assert subject(shared, 'dot').get_content() == 'seen\n'


def test_bs(shared):
    """-bs: SMTP on standard input and output."""
    r = subprocess.run([str(shared.bin / 'sendmail'), '-C', str(shared.conf), '-bs'], capture_output=True, text=True,
                       timeout=30, input='EHLO localhost\r\nMAIL FROM:<ann>\r\nRCPT TO:<alice>\r\nDATA\r\n'
                       'Subject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n')
    assert r.returncode == 0 and r.stdout.startswith('220 ') and r.stdout.splitlines()[-1].startswith('221 ')
    subject(shared, 'bs')


def test_bv_and_newaliases(shared):
    r = shared.sendmail('-bv', 'alice', text='')
    assert 'alice... deliverable' in r.stdout
    assert shared.sendmail('-bv', 'nobody', text='', check=False).returncode == 67
    assert shared.sendmail('-bi').returncode == 0
    assert subprocess.run([str(shared.bin / 'newaliases'), '-C', str(shared.conf)]).returncode == 0


@pytest.mark.parametrize('args,text,code,says', [
    (['nobody@example.test'], 'Subject: x\n\nx\n', 67, '5.1.1'),
    (['alice', 'nobody'], 'Subject: x\n\nx\n', 67, 'nothing was sent'),
    (['-t'], 'Subject: x\n\nno recipient\n', 64, 'no recipient'),
    (['-t'], 'To: two words\n\nx\n', 65, 'no address'),
    (['--no-such-flag', 'alice'], 'x\n', 64, 'flag'),
    (['-f'], 'x\n', 64, 'value'),
    (['alice'], b'Subject: x\n\nnul \0\n', 65, 'NUL'),
])
def test_exit_codes(shared, args, text, code, says):
    r = shared.sendmail(*args, text=text, check=False)
    assert (r.returncode, says in r.stderr) == (code, True), (r.returncode, r.stderr)
    had = len(shared.mails())
    assert len(shared.mails()) == had


def test_exit_code_of_a_bad_configuration(shared, tmp_path):
    (tmp_path / 'bad.conf').write_text('hostnam x\n')
    r = subprocess.run([str(shared.bin / 'sendmail'), '-C', str(tmp_path / 'bad.conf'), 'alice'], input='x',
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 78 and 'bad.conf:1:1' in r.stderr


def test_mailq_and_q(tmp_path):
    """mailq shows what waits and why; sendmail -q sends it once the next hop is back."""
    with Hop({'MAIL': lambda arg, n: '451 4.3.2 closed for lunch' if n < 3 else None}) as hop, House(
            tmp_path / 'h', retry='1h', extra='route far.example via [127.0.0.1]:%d\n' % hop.port) as h:
        h.start()
        assert 'x@far.example' not in subprocess.run([str(h.bin / 'mailq'), '-C', str(h.conf)], text=True,
                                                     capture_output=True, timeout=20).stdout
        h.sendmail('-f', 'ann@example.test', 'x@far.example')
        out = wait_for(lambda: (r := subprocess.run(
            [str(h.bin / 'mailq'), '-C', str(h.conf)], capture_output=True, text=True,
            timeout=20).stdout) and 'closed for lunch' in r and r, 20)
        assert '<ann@example.test>' in out and '<x@far.example>' in out
        for n in (1, 2):
            wait_for(lambda: h.queued()[0]['recipients'][0]['attempts'] == n, 20)
            assert h.sendmail('-q').returncode == 0
        h.wait_empty()
        assert len(hop.mails) == 1


def test_stopped_server_keeps_it_in_the_drop_directory(tmp_path):
    """Nothing is lost: sendmail answers 0, the message is delivered after the start, once."""
    with House(tmp_path / 'h') as h:
        h.start()
        h.stop()
        drop = h.dir / 'spool' / 'drop'
        assert drop.stat().st_mode & 0o7777 == 0o3733
        h.sendmail('-oi', '-f', 'ann@client.example', 'alice', 'bob@example.test', text='Subject: kept\n\n.\nx\n')
        h.sendmail('-t', text='To: carol\nBcc: alice\nSubject: second\n\nx\n')
        assert len(list(drop.iterdir())) == 2
        h.start()
        m = {p['Subject']: p for p in h.wait_mail('alice', 2)}
        assert m['kept'].get_content() == '.\nx\n' and m['kept']['Return-Path'] == '<ann@client.example>'
        assert 'by mx.example.test' in m['kept']['Received'] and m['second']['Bcc'] is None
        h.wait_mail('bob')
        h.wait_mail('carol')
        assert not list(drop.iterdir())
        h.stop()
        h.start()
        h.wait_empty()
        assert [len(h.mails(u)) for u in ('alice', 'bob', 'carol')] == [2, 1, 1]


def test_drop_directory_gives_no_more_rights_than_the_socket(tmp_path):
    """Only uid 4711 may send elsewhere: what another uid dropped for elsewhere is refused and set aside."""
    with Hop() as hop, House(tmp_path / 'h', extra='relay from local-uid 4711\nroute far.example via [127.0.0.1]:%d\n'
                             % hop.port) as h:
        h.start()
        assert h.sendmail('x@far.example', check=False).returncode == 77
        h.stop()
        h.sendmail('x@far.example')
        h.sendmail('alice')
        h.start()
        h.wait_mail()
        h.wait_log('drop_refused', 'may not send elsewhere')
        assert not hop.mails and [p.suffix for p in (h.dir / 'spool' / 'drop').iterdir()] == ['.bad']


def test_strangers_may_use_sendmail(tmp_path):
    """Any account of the machine: its uid stands in the log, its message arrives, also through the drop directory."""
    if os.getuid() != 0:
        pytest.skip('needs root to become somebody else')
    with House(tmp_path / 'h') as h:
        h.start()
        for path in (h.dir, h.dir.parent):
            os.chmod(path, 0o755)
        h.sendmail('alice', text='Subject: one\n\nx\n', user=4242, group=4242, extra_groups=[])
        h.wait_mail(n=1)
        h.stop()
        h.sendmail('alice', text='Subject: two\n\nx\n', user=4242, group=4242, extra_groups=[])
        h.start()
        assert [m['Subject'] for m in h.wait_mail(n=2)] == ['one', 'two']
        assert '4242' in h.wait_log('event=accepted', 'listener=drop')
