# SPDX-License-Identifier: ISC
"""The spool of a running server: checked offline, damaged on purpose, and what is left of delivered mail."""
import json
import os
import shutil
import stat
import struct
import time

import pytest

import lab

# Small files, so that they turn over.
SMALL = 'limits { spool-segment 8M\n spool-big-file 1M\n spool-ahead 1\n }\n'
SECRET = 'nobody-may-find-this-afterwards-%d'


@pytest.fixture
def server(tmp_path):
    with lab.Postern(tmp_path / 'p', extra=SMALL) as p:
        p.start()
        yield p


def spool(p):
    return p.dir / 'spool'


def send_some(p, n):
    for i in range(n):
        p.send('Subject: t%d\r\n\r\n%s\r\n' % (i, SECRET % i))
    p.send('Subject: large\r\n\r\n' + (SECRET % n + '\r\n') * 20000)
    lab.wait_for(lambda: len(p.mails()) == n + 1)


def check(p, directory):
    r = p.run('spool', 'check', '--dir', str(directory), '--json', check=False)
    return r.returncode, json.loads(r.stdout)


@pytest.fixture
def copy(server, tmp_path):
    """The spool with seven messages, as it was before the server gave their segments back."""
    send_some(server, 6)
    shutil.copytree(spool(server), tmp_path / 'copy')
    return tmp_path / 'copy'


def used_segment(directory):
    """A segment with a message at its beginning."""
    for f in sorted((directory / 'log').glob('*.log')):
        with open(f, 'rb') as s:
            s.seek(4096)
            head = s.read(56)
        if head[:4] == b'PSr1' and head[4] == 2:
            return f
    raise AssertionError('no segment with a message')


def flip(path, at):
    with open(path, 'r+b') as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def test_D2_check_finds_a_sound_spool_sound(server, copy):
    """D2: offline verification, as JSON and as text."""
    code, found = check(server, copy)
    assert code == 0 and found['ok'] and found['damaged'] == 0
    assert found['messages'] == 7 and found['journal_usable']
    server.stop()
    text = server.run('spool', 'check', '--config', str(server.conf))
    assert ' 0 damaged: sound' in ' ' + text.stdout.replace('\n', ' ')


def test_D2_check_finds_damage(server, copy):
    """D2: a file head that is not what was written."""
    flip(used_segment(copy), 20)
    code, found = check(server, copy)
    assert code == 65 and not found['ok'] and found['damaged'] == 1


def test_D2_a_flipped_bit_ends_the_segment_there(server, copy):
    """D2: nothing of a record is believed whose checksum is wrong; what stands behind it is reported."""
    before = check(server, copy)[1]
    flip(used_segment(copy), 4096 + 60)
    after = check(server, copy)[1]
    assert after['messages'] < before['messages']


def test_D1_modes(server):
    """D1: the drop directory can be written by all and listed by none; nothing else is open to others."""
    assert stat.S_IMODE((spool(server) / 'drop').stat().st_mode) in (0o3733, 0o1733)
    for sub in ('log', 'big', 'journal'):
        assert stat.S_IMODE((spool(server) / sub).stat().st_mode) == 0o750
        for f in (spool(server) / sub).iterdir():
            assert stat.S_IMODE(f.stat().st_mode) == 0o640, f


def lingering(p):
    out = []
    for f in [*(spool(p) / 'log').iterdir(), *(spool(p) / 'big').iterdir()]:
        if SECRET[:30].encode() in f.read_bytes():
            out.append(f.name)
    return out


def test_D1_delivered_mail_does_not_linger(server):
    """D1: a drained segment, and a big file, are zeroed when the server is idle."""
    send_some(server, 20)
    assert lingering(server)
    server.stop()
    server.start()                       # its writers begin with fresh segments: the old ones are drained
    lab.wait_for(lambda: not lingering(server), limit=20, step=0.3)


def test_D1_files_are_recycled(server):
    """D1: more mail than all segments hold goes through the same few files."""
    names = None
    for _ in range(4):
        for _ in range(16):
            server.send('Subject: x\r\n\r\n' + ('y' * 70 + '\r\n') * 3300)
        time.sleep(0.5)
        now = {f.name for f in (spool(server) / 'log').glob('*.log')}
        names = names or now
    assert len(now) <= len(names) + 4
    server.stop()
    generations = [struct.unpack('<Q', open(f, 'rb').read(32)[24:32])[0] >> 32
                   for f in (spool(server) / 'log').glob('*.log')]
    assert max(generations) > len(generations)


def test_D1_ids_grow_over_restarts(server):
    """D1: ids stay unique and sorted over restarts."""
    seen = []
    for _ in range(3):
        with server.smtp() as s:
            s.ehlo('client.example')
            s.mail('ann@client.example')
            s.rcpt('alice@example.test')
            code, text = s.data('Subject: t\r\n\r\nx\r\n')
        assert code == 250
        seen.append(text.decode().split()[-1])
        server.stop()
        server.start()
    assert seen == sorted(seen) and len(set(seen)) == 3


def test_D1_a_second_server_is_refused(server):
    """D1: one spool, one server."""
    other = lab.Postern.bare(server.dir, server.port, server.conf)
    r = other.run('run', '--config', str(server.conf), check=False)
    assert r.returncode != 0
    assert 'in use' in r.stdout + r.stderr
    assert os.path.exists(spool(server) / 'clock')
