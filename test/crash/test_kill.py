# SPDX-License-Identifier: ISC
"""SIGKILL under load: of each role and of the whole server, at random points.

What got a 250 must be in the mailbox at the end, whatever was killed; twice is counted and reported.  The load is
clients that remember what was acknowledged, and Postfix's smtp-source beside them.  POSTERN_KILLS says how many
kills (60), POSTERN_RECORD a file for the result.
"""
import datetime
import os
import random
import re
import signal
import smtplib
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from lab import ROOT, Postern, alive, wait_for

KILLS = int(os.environ.get('POSTERN_KILLS', '60'))
KILLABLE = ('smtpd', 'queue', 'local', 'pool', 'lookup', 'resolver', 'vault', 'admin', 'smtpc')
CONFIG = '''
exempt from 127.0.0.0/8
limits {
    messages-per-connection 100000
    commands 1000000
    spool-segment 8M
}
'''


class Client(threading.Thread):
    """Sends numbered messages until told to stop, over one connection as long as it holds."""

    def __init__(self, port, name, size):
        super().__init__(daemon=True)
        self.port, self.label, self.size = port, name, size
        self.acked, self.tried, self.stopped = [], 0, False

    def one(self, smtp):
        ident = '%s-%d' % (self.label, self.tried)
        self.tried += 1
        body = 'From: c@client.example\r\nSubject: crash\r\nX-Crash: %s\r\n\r\n' % ident
        body += ('x' * 70 + '\r\n') * (self.size // 72)
        smtp.sendmail('c@client.example', ['alice@example.test'], body)
        self.acked.append(ident)

    def run(self):
        while not self.stopped:
            try:
                with smtplib.SMTP('127.0.0.1', self.port, timeout=10) as smtp:
                    while not self.stopped:
                        self.one(smtp)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)


def smtp_source(port):
    """Postfix's own load generator, when the package can be had; bounded by its message count."""
    import sys
    sys.path.insert(0, str(ROOT / 'bench'))
    from postfix import unpack
    root = unpack()
    return subprocess.Popen([root / 'usr/sbin/smtp-source', '-s', '4', '-m', '2000', '-l', '4096', '-f',
                             's@client.example', '-t', 'bob@example.test', '-d', '127.0.0.1:%d' % port],
                            env=dict(os.environ, LD_LIBRARY_PATH=str(root / 'usr/lib/postfix')),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_role(server, rng):
    """One role dies; how long until it is there again, with another pid."""
    roles = server.roles()
    names = [n for n in roles if n.split()[:1] and n.split()[0] in KILLABLE]
    name = rng.choice(names)
    os.kill(roles[name], signal.SIGKILL)
    died = time.monotonic()
    wait_for(lambda: server.roles().get(name) not in (None, roles[name]), 15)
    return name.split()[0], time.monotonic() - died


def kill_all(server):
    server.kill()
    server.start()
    return 'all', 0.0


def delivered(server):
    found = Counter()
    for path in server.maildir('alice').rglob('*'):
        if path.parent.name in ('new', 'cur') and path.is_file():
            m = re.search(rb'^X-Crash: (\S+)', path.read_bytes(), re.M)
            if m:
                found[m.group(1).decode()] += 1
    return found


def queue_is_empty(server):
    r = server.verb('status', '--json', check=False)
    return r.returncode == 0 and re.search(r'"messages":\s*0\b', r.stdout)


def flushed(server):
    server.verb('queue', 'flush', check=False)
    return queue_is_empty(server)


def record(kills, clients, found, lost, back):
    target = os.environ.get('POSTERN_RECORD')
    doubled = sum(n - 1 for n in found.values() if n > 1)
    text = '%d kills (%s); %d acknowledged, %d lost, %d delivered, %d extra copies; roles back in %.2f s at most' % (
        sum(kills.values()), ', '.join('%s %d' % k for k in sorted(kills.items())),
        sum(len(c.acked) for c in clients), len(lost), len(found), doubled, max(back, default=0))
    print(text)
    if target:
        (ROOT / target).write_text('# Last long run of the crash test\n\n%s: %s.\n' % (datetime.date.today(), text))


@pytest.mark.parametrize('seed', [20260321])
def test_D3b_kill_under_load(tmp_path, seed):
    rng, kills, back = random.Random(seed), Counter(), []
    server = Postern(tmp_path / 'server', extra=CONFIG)
    server.start()
    clients = [Client(server.port, 'c%d' % i, size) for i, size in enumerate((500, 4000, 4000, 20000, 400000))]
    source = None
    try:
        for c in clients:
            c.start()
        for n in range(KILLS):
            if n % 15 == 0:
                if source is not None:
                    source.kill()
                    source.wait(10)
                source = smtp_source(server.port)
            time.sleep(rng.uniform(0.05, 0.5))
            what, took = kill_all(server) if n % 5 == 4 else kill_role(server, rng)
            kills[what] += 1
            if what != 'all':
                back.append(took)
        time.sleep(1.0)
        for c in clients:
            c.stopped = True
        for c in clients:
            c.join(30)
        source.kill()
        source.wait(10)
        wait_for(lambda: flushed(server), 120, 0.5)
        time.sleep(1.0)
        found = delivered(server)
        acked = {i for c in clients for i in c.acked}
        lost = sorted(acked - set(found))
        record(kills, clients, found, lost, back)
        assert sum(len(c.acked) for c in clients) > KILLS, 'hardly anything was sent'
        assert not lost, 'acknowledged and not delivered: %s' % lost[:20]
        assert sorted(back)[len(back) // 2] < 1.0, 'roles took %.2f s to come back' % sorted(back)[len(back) // 2]
        assert server.stop() == 0
        check = server.run('spool', 'check', '--config', str(server.conf), '--json', check=False)
        assert check.returncode == 0, check.stdout[-2000:]
    finally:
        for c in clients:
            c.stopped = True
        if source is not None and source.poll() is None:
            source.kill()
            source.wait(10)
        if server.process is not None:
            pids = server.pids()
            server.process.kill()
            server.process.wait(10)
            wait_for(lambda: not any(alive(p) for p in pids), 10)
