# SPDX-License-Identifier: ISC
"""A full disk and a failing disk under the running server: 452 or 451, nothing lost, and it goes on by itself.

The spool lies on an ext4 file system in a loop file on a small tmpfs.  Full: the file system has no space.  Failing:
the tmpfs under the loop file is full, so that what ext4 believes written comes back as an I/O error at the sync.
Needs root for the mounts.
"""
import os
import re
import smtplib
import subprocess
import time

import pytest

from lab import Postern, wait_for

LIMITS = '''
exempt from 127.0.0.0/8
route stuck.example via 127.0.0.1:9
relay to domain stuck.example via 127.0.0.1:9
limits {
    messages-per-connection 100000
    commands 1000000
    spool-segment 8M
    spool-big-file 2M
    spool-ahead 1
    spool-reserve 8M
    error-delay 0
    hard-errors 1000
}
'''


def mount(kind, source, target, options=()):
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(['mount', '-t', kind, *options, str(source), str(target)], check=True)


@pytest.fixture
def disk(tmp_path):
    """An ext4 of 192 MB in a loop file; the tmpfs below it holds 256 MB."""
    if os.getuid() != 0:
        pytest.skip('needs root to mount')
    below, spool = tmp_path / 'below', tmp_path / 'spool-disk'
    mount('tmpfs', 'tmpfs', below, ('-o', 'size=256m'))
    image = below / 'image'
    with open(image, 'wb') as f:
        f.truncate(192 << 20)
    subprocess.run(['mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'nodiscard', str(image)], check=True)
    mount('ext4', image, spool, ('-o', 'loop,errors=continue'))
    yield below, spool
    for path in (spool, below):
        for _ in range(50):
            if subprocess.run(['umount', str(path)], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.2)
        else:
            subprocess.run(['umount', '-l', str(path)])


def house(tmp_path, spool):
    os.chmod(tmp_path, 0o755)
    def edit(text):
        text = re.sub(r'(?m)^spool\s.*$', '', text)
        text = re.sub(r'(?m)^route stuck.*$', '', text)
        return 'spool %s/spool\n' % spool + text
    return Postern(tmp_path / 'server', extra=LIMITS, edit=edit)


def fill(server, codes, acked, limit=6000, size=30000, rcpt='x@stuck.example'):
    """Sends until a code of the list comes; everything acknowledged is remembered."""
    body = 'Subject: fill\r\nX-Fill: %d\r\n\r\n' + ('y' * 70 + '\r\n') * (size // 72)
    smtp = server.smtp()
    try:
        for _ in range(limit):
            smtp.ehlo_or_helo_if_needed()
            code, text = smtp.mail('f@client.example')
            if code == 250:
                code, text = smtp.rcpt(rcpt)
            if code == 250:
                code, text = smtp.data((body % len(acked)).encode())
            if code == 250:
                acked.append(len(acked))
                continue
            if code in codes:
                return code, text.decode()
            smtp.rset()
    except smtplib.SMTPDataError as e:
        if e.smtp_code in codes:
            return e.smtp_code, e.smtp_error.decode()
        raise
    finally:
        smtp.close()
    raise AssertionError('never refused after %d messages' % len(acked))


def queued(server):
    return int(re.search(r'"messages":\s*(\d+)', server.verb('status', '--json').stdout).group(1))


def accepts_again(server):
    try:
        server.send(to=['alice@example.test'])
        return True
    except (smtplib.SMTPException, OSError):
        return False


def test_X6_D3c_disk_full_then_space(tmp_path, disk):
    _, spool = disk
    with house(tmp_path, spool) as server:
        server.start()
        acked = []
        code, text = fill(server, (452,), acked)
        assert '4.3.1' in text and len(acked) > 100
        wait_for(lambda: queued(server) == len(acked), 30)
        server.verb('queue', 'drop', '--domain', 'stuck.example', '--all')
        wait_for(lambda: queued(server) == 0, 30)
        wait_for(lambda: accepts_again(server), 30, 0.3)
        wait_for(lambda: server.mails('alice'), 20)


def test_D3c_failing_sync_loses_nothing(tmp_path, disk):
    below, spool = disk
    with house(tmp_path, spool) as server:
        server.start()
        acked = []
        fill_some(server, acked, 50)
        free = os.statvfs(below)
        ballast = below / 'ballast'
        with open(ballast, 'wb') as f:      # no page is left for what ext4 has not allocated below yet
            try:
                while True:
                    f.write(bytes(1 << 16))
                    f.flush()
            except OSError:
                pass
        assert free.f_bavail > 0
        code, text = fill(server, (451, 452), acked)
        assert code in (451, 452), text
        os.unlink(ballast)
        wait_for(lambda: accepts_again(server), 60, 0.5)
        wait_for(lambda: queued(server) == len(acked), 30)
        assert server.stop() == 0
        server.start()
        wait_for(lambda: queued(server) == len(acked), 30)


def test_D3c_eio_at_the_commit(tmp_path):
    """The commit's own fdatasync fails (injected by strace): 451, and the next message goes through."""
    if os.getuid() != 0:
        pytest.skip('needs root to trace the roles')
    os.chmod(tmp_path, 0o755)
    with Postern(tmp_path / 'server', extra=LIMITS) as server:
        server.start()
        acked = []
        fill_some(server, acked, 20)
        pids = [str(pid) for name, pid in server.roles().items() if name.startswith('smtpd')]
        tracer = subprocess.Popen(['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e',
                                   'inject=fdatasync:error=EIO', *[a for p in pids for a in ('-p', p)]],
                                  stderr=subprocess.DEVNULL)
        try:
            time.sleep(1.0)
            code, text = fill(server, (451,), acked, limit=50, size=2000)
            assert '4.3.0' in text
        finally:
            tracer.terminate()
            tracer.wait(10)
        wait_for(lambda: accepts_again(server), 30, 0.3)
        fill_some(server, acked, 20)
        wait_for(lambda: queued(server) == len(acked), 30)
        assert 'event=not_stored' in server.log()
        assert server.stop() == 0
        server.start()
        wait_for(lambda: queued(server) == len(acked), 30)
        assert server.stop() == 0
        found = server.run('spool', 'check', '--config', str(server.conf), '--json')
        assert '"damaged":0' in found.stdout.replace(' ', '')


def fill_some(server, acked, n):
    with server.smtp() as smtp:
        for _ in range(n):
            smtp.sendmail('f@client.example', ['x@stuck.example'], 'X-Fill: %d\r\n\r\nz\r\n' % len(acked))
            acked.append(len(acked))
