# SPDX-License-Identifier: ISC
"""The life of roles: restart after SIGKILL, reload, orderly stop, and the end of keeper.

Runs twice: the server started as root with numeric role uids, and as an unprivileged user.
"""
import json
import os
import signal
import smtplib
import socket
import struct
import subprocess
import time

import pytest

import lab

WORKERS = 'workers 2\nclients 2\n'


@pytest.fixture
def server(tmp_path):
    with lab.Postern(tmp_path / 'p', extra=WORKERS) as p:
        p.start()
        lab.wait_for(lambda: 'event=ready' in p.log())
        yield p


def status(p):
    return json.loads(p.verb('status', '--json').stdout)


def open_sessions(p, n):
    out = []
    for _ in range(n):
        s = p.smtp()
        s.ehlo('client.example')
        out.append(s)
    return out


def alive_sessions(sessions):
    n = 0
    for s in sessions:
        try:
            n += s.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            pass
    return n


@pytest.mark.parametrize('role', ['pool', 'smtpd 0', 'queue', 'smtpc 0', 'resolver', 'vault', 'local', 'lookup',
                                  'fetch', 'admin'])
def test_killed_role_is_back_within_a_second(server, role):
    """B2: kill any role but keeper with SIGKILL; the others keep their sessions, mail goes on."""
    name = role if ' ' in role else role + ' 0'
    for slow in range(3):           # a machine that was busy elsewhere gets another chance
        before = server.roles()
        sessions = open_sessions(server, 16)
        begun = time.monotonic()
        os.kill(before[name], signal.SIGKILL)
        lab.wait_for(lambda: server.roles().get(name, before[name]) != before[name], 10, 0.005)
        took = time.monotonic() - begun
        lab.wait_for(lambda: [r for r in status(server)['roles'] if r['role'] == name.split()[0] and
                              r['index'] == int(name.split()[1]) and r['state'] == 'ready'], 10)
        if took < 1.0:
            break
        for s in sessions:
            s.close()
    assert took < 1.0
    after = server.roles()
    assert {k: v for k, v in after.items() if k != name} == {k: v for k, v in before.items() if k != name}
    if role.startswith('smtpd'):
        # those of the killed worker are gone, those of the other are not
        assert 0 < alive_sessions(sessions) < 16
    else:
        assert alive_sessions(sessions) == 16
    for s in sessions:
        s.close()
    had = len(server.mails())
    server.send()
    lab.wait_for(lambda: len(server.mails()) == had + 1, 15)


def test_every_role_killed_in_turn_keeps_one_session(server):
    """The session of a worker that is left alone survives all the others' deaths."""
    s = server.smtp()
    s.ehlo('client.example')
    mine = None
    for name, pid in server.roles().items():
        if not name.startswith('smtpd'):
            os.kill(pid, signal.SIGKILL)
            lab.wait_for(lambda: server.roles().get(name, pid) != pid, 10, 0.01)
    assert s.noop()[0] == 250 and mine is None
    assert s.mail('ann@client.example')[0] == 250
    assert s.rcpt('alice@example.test')[0] == 250
    assert s.data('Subject: x\r\n\r\nstill here\r\n')[0] == 250
    s.quit()
    lab.wait_for(lambda: len(server.mails()) == 1, 15)


def test_reload_keeps_sessions(server):
    """A new generation takes new connections; a session of the old one finishes its mail."""
    old = server.roles()
    s = server.smtp()
    s.ehlo('client.example')
    s.mail('ann@client.example')
    idle = open_sessions(server, 6)
    assert server.verb('reload').returncode == 0
    assert alive_sessions(idle) == 6
    st = status(server)
    assert st['generation'] == 2
    assert len([r for r in st['roles'] if r['role'] == 'smtpd' and r['generation'] == 2]) == 2
    assert not {r['pid'] for r in st['roles'] if r['generation'] == 2} & set(old.values())
    assert s.rcpt('alice@example.test')[0] == 250
    assert s.data('Subject: old\r\n\r\nfrom the old generation\r\n')[0] == 250
    server.send()
    for x in [s, *idle]:
        x.quit()
    lab.wait_for(lambda: len(server.mails()) == 2, 15)
    lab.wait_for(lambda: not [r for r in status(server)['roles'] if r['generation'] == 1], 15)


def test_reload_by_sighup(server):
    os.kill(server.process.pid, signal.SIGHUP)
    lab.wait_for(lambda: status(server)['generation'] == 2)
    server.send()
    lab.wait_for(lambda: len(server.mails()) == 1, 15)


def test_reload_under_load_drops_nothing(server):
    """Three reloads while mail comes in: every connection is served, every message arrives."""
    sent = 0
    for i in range(30):
        if i % 10 == 5:
            server.verb('reload')
        server.send('Subject: %d\r\n\r\nx\r\n' % i)
        sent += 1
    lab.wait_for(lambda: len(server.mails()) == sent, 20)


def test_bad_reload_keeps_the_old(server):
    """A bad file: exit status, every mistake with its place, the same processes go on."""
    before = server.roles()
    good = server.conf.read_text()
    server.conf.write_text(good + 'hostnam x\nlisten mx 127.0.0.1:99999\n')
    r = server.verb('reload', check=False)
    assert r.returncode == 78
    assert r.stderr.count('postern.conf:') == 2, r.stderr
    assert server.roles() == before
    os.kill(server.process.pid, signal.SIGHUP)
    lab.wait_for(lambda: server.log().count('reload_refused') == 1)
    assert server.roles() == before
    server.send()
    server.conf.write_text(good)
    assert status(server)['generation'] == 1
    assert server.verb('reload').returncode == 0
    lab.wait_for(lambda: len(server.mails()) == 1, 15)


def test_reload_with_a_port_in_use_keeps_the_old(server):
    before = server.roles()
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with open(server.conf, 'a') as f:
            f.write('listen mx 127.0.0.1:%d\n' % taken.getsockname()[1])
        r = server.verb('reload', check=False)
    assert r.returncode == 69 and 'in use' in r.stderr
    assert server.roles() == before


def test_reload_moves_listeners(server):
    """A port that is new is served after the reload, one that was dropped is not."""
    port = lab.free_port()
    text = server.conf.read_text().replace('127.0.0.1:%d' % server.port, '127.0.0.1:%d' % port)
    server.conf.write_text(text)
    server.verb('reload')
    lab.wait_for(lambda: lab.accepts(port))
    lab.wait_for(lambda: not lab.accepts(server.port))


def test_reload_changes_the_number_of_workers(server):
    """Two workers become three and then one; no connection is refused, all mail arrives."""
    for n, workers in enumerate((3, 1), 1):
        server.conf.write_text(server.conf.read_text().replace(
            'workers %d' % (2, 3)[n - 1], 'workers %d' % workers))
        server.verb('reload')
        lab.wait_for(lambda: len([r for r in status(server)['roles'] if r['role'] == 'smtpd']) == workers)
        for _ in range(8):
            server.send()
        lab.wait_for(lambda: len(server.mails()) == 8 * n, 15)


def test_port_in_use_is_named(tmp_path):
    """One line that says which address and how to mend it; exit status 71."""
    with lab.Postern(tmp_path / 'p') as p, socket.socket() as taken:
        taken.bind(('127.0.0.1', p.port))
        taken.listen()
        r = subprocess.run(p.command('run', '--config', str(p.conf)), capture_output=True, text=True, timeout=20)
        assert r.returncode == 71
        assert r.stderr.count('\n') == 1 and str(p.port) in r.stderr and 'in use' in r.stderr, r.stderr


def test_second_server_cannot_share_a_port(server, tmp_path):
    """Our sockets let only their own fellows in, although workers have one each."""
    with lab.Postern(tmp_path / 'q') as other:
        other.conf.write_text(other.conf.read_text().replace(str(other.port), str(server.port)))
        r = subprocess.run(other.command('run', '--config', str(other.conf)), capture_output=True, text=True,
                           timeout=20)
        assert r.returncode == 71 and 'in use' in r.stderr


def test_sigterm_drains(server):
    """The transaction that was begun is answered, nothing new is taken, exit status 0."""
    s = server.smtp()
    s.ehlo('client.example')
    s.mail('ann@client.example')
    s.rcpt('alice@example.test')
    s.docmd('DATA')
    s.send('Subject: last\r\n\r\nhalf')
    server.process.send_signal(signal.SIGTERM)
    lab.wait_for(lambda: not lab.accepts(server.port))
    s.send(' and half\r\n.\r\n')
    assert s.getreply()[0] == 250
    s.close()
    assert server.stop() == 0
    server.start()
    lab.wait_for(lambda: len(server.mails()) == 1, 15)


def test_sigint_and_stop_verb_end_with_zero(server):
    pids = server.pids()
    server.process.send_signal(signal.SIGINT)
    assert server.stop() == 0
    lab.wait_for(lambda: not [p for p in pids if lab.alive(p)], 2)
    server.start()
    pids = server.pids()
    assert server.verb('stop').returncode == 0
    lab.wait_for(lambda: server.process.poll() is not None)
    assert server.stop() == 0
    lab.wait_for(lambda: not [p for p in pids if lab.alive(p)], 2)


def test_keeper_killed_takes_all_with_it(server):
    server.kill()
    server.start()
    server.send()
    lab.wait_for(lambda: len(server.mails()) == 1, 15)


def test_stopped_role_does_not_outlive_keeper(server):
    """Even a role that hangs ends with keeper."""
    pid = server.roles()['queue 0']
    os.kill(pid, signal.SIGSTOP)
    server.kill()
    assert not lab.alive(pid)


def test_second_server_on_the_same_spool_is_refused(server):
    r = subprocess.run(server.command('run', '--config', str(server.conf)), capture_output=True, text=True,
                       timeout=20)
    assert r.returncode == 71
    assert 'in use by another postern' in r.stderr


def test_stuck_log_stops_nobody(tmp_path):
    """Standard error is a pipe that nobody reads: mail flows all the same."""
    with lab.Postern(tmp_path / 'p') as p:
        r, w = os.pipe()
        p.process = subprocess.Popen(p.command('run', '--config', str(p.conf)), stdout=w, stderr=w,
                                     stdin=subprocess.DEVNULL, cwd=p.dir)
        os.close(w)
        lab.wait_for(p.ready)
        for i in range(60):                     # far more than a pipe takes
            with p.smtp() as s:
                for _ in range(10):
                    s.sendmail('ann@client.example', ['alice@example.test'], 'Subject: x\r\n\r\nx\r\n')
        lab.wait_for(lambda: len(p.mails()) == 600, 30)
        assert p.stop() == 0
        os.close(r)


def test_log_file_is_reopened(tmp_path):
    log = tmp_path / 'p' / 'mail.log'
    with lab.Postern(tmp_path / 'p', extra='log {\n    file %s\n}\n' % log) as p:
        p.start()
        lab.wait_for(lambda: 'event=ready' in log.read_text())
        log.rename(log.with_suffix('.1'))
        os.kill(p.process.pid, signal.SIGUSR1)
        lab.wait_for(log.exists)
        p.send()
        lab.wait_for(lambda: 'role=smtpd' in log.read_text())


def test_readiness_is_told_to_the_service_manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, lab.Postern(tmp_path / 'p') as p:
        path = str(tmp_path / 'notify')
        s.bind(path)
        os.chmod(path, 0o777)
        os.environ['NOTIFY_SOCKET'] = path
        try:
            p.start()
        finally:
            del os.environ['NOTIFY_SOCKET']
        s.settimeout(10)
        assert s.recv(100) == b'READY=1'
        p.process.send_signal(signal.SIGTERM)
        assert s.recv(100) == b'STOPPING=1'
        assert p.stop() == 0


def test_forged_control_talk_is_refused(server):
    """The control socket is for its owner; nonsense on it gets an answer or a close, and harms nobody."""
    path = str(server.dir / 'run' / 'control')
    assert os.stat(path).st_mode & 0o777 == 0o600
    for text in (b'\n', b'status {\n', b'queue.list [[[[\n', b'x' * 100_000, b'\0\0\0\n', struct.pack('Q', 7)):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(path)
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
    assert status(server)['generation'] == 1
