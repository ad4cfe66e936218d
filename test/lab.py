# SPDX-License-Identifier: ISC
"""The lab of the whole-program tests: throw-away instances of postern, free ports, bounded waits.

Every server started here is ended by its own pid.  Nothing leaves loopback.  POSTERN names the program
(default build/postern), POSTERN_AS=user starts it through setpriv as an unprivileged user when the
tests run as root (POSTERN_AS=root, the default there, keeps root and numeric role uids).
"""
import os
import random
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get('POSTERN', str(ROOT / 'build' / 'postern'))
AS = os.environ.get('POSTERN_AS', 'root' if os.getuid() == 0 else 'self')
NOBODY = 64998          # a uid that no account has; the server needs no /etc/passwd entry


GIVEN = set()


def free_port():
    """A port that nobody listens on now, never the same one twice in a run, and below those that the kernel gives
    to outgoing connections: none of them can take it before the server does."""
    for _ in range(200):
        port = random.randrange(10000, 32000)
        if port in GIVEN:
            continue
        try:
            with socket.socket() as s:
                s.bind(('127.0.0.1', port))
        except OSError:
            continue
        GIVEN.add(port)
        return port
    raise AssertionError('no free port')


def wait_for(what, limit=20.0, step=0.02):
    """Calls what() until it gives something true; that, or an AssertionError after limit seconds."""
    end = time.monotonic() + limit
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError('waited %.0f s in vain for %s' % (limit, getattr(what, '__name__', what)))
        time.sleep(step)


def accepts(port, host='127.0.0.1'):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def open_way(path):
    """Lets every role walk to path: pytest makes its folders for the caller alone."""
    for p in [path, *path.parents]:
        st = p.stat()
        if st.st_uid == os.getuid() and st.st_mode & 0o055 != 0o055 and p != Path('/root'):
            os.chmod(p, st.st_mode & 0o7777 | 0o055)


def own(path, uid):
    """Gives a tree to uid (only root can)."""
    for p in [path, *path.rglob('*')]:
        os.chown(p, uid, uid, follow_symlinks=False)


class Postern:
    """One instance: `init` in a fresh directory, its configuration edited, started and stopped."""

    def __init__(self, path, domain='example.test', users=('alice', 'bob'), extra='', edit=None, prefix=(), check_senders=False):
        """check_senders: who wrote a message is asked, as in real life; tests of other things do without."""
        self.dir = Path(path)
        self.domain, self.users, self.prefix = domain, users, list(prefix)
        self.process = None
        self.port, self.submission = free_port(), free_port()
        if self.dir.exists():
            shutil.rmtree(self.dir)
        self.run('init', domain, '--dir', str(self.dir), *[a for u in users for a in ('--user', u)])
        self.conf = self.dir / 'postern.conf'
        text = self.conf.read_text()
        text = re.sub(r'(?m)^(listen\s+mx\s+)\S+', r'\g<1>127.0.0.1:%d' % self.port, text)
        text = re.sub(r'(?m)^(listen\s+submission\s+)\S+', r'\g<1>127.0.0.1:%d' % self.submission, text)
        text += '\n' + extra + '\n' + ('' if check_senders else 'test {\n    check-senders no\n}\n')
        self.conf.write_text(edit(text) if edit else text)
        self.log_file = self.dir / 'server.out'
        open_way(self.dir.parent)
        if AS == 'user':
            own(self.dir, NOBODY)

    @classmethod
    def bare(cls, directory, port, conf, binary=None):
        """An instance on a configuration that is there already."""
        self = cls.__new__(cls)
        self.dir, self.conf, self.port, self.submission = Path(directory), Path(conf), port, None
        self.domain, self.users, self.prefix, self.process = None, (), [], None
        self.binary = str(binary or BINARY)
        self.log_file = self.dir / 'server.out'
        if AS == 'user':
            own(self.dir, NOBODY)
        return self

    binary = BINARY

    def command(self, *args):
        user = ['setpriv', '--reuid', str(NOBODY), '--regid', str(NOBODY), '--clear-groups', '--'] \
            if AS == 'user' and os.getuid() == 0 else []
        return [*self.prefix, *user, self.binary, *args]

    def run(self, *args, check=True, **kw):
        """A verb of the program, run to its end; as root it acts as root does."""
        r = subprocess.run([self.binary, *args], capture_output=True, text=True, timeout=60, **kw)
        if check and r.returncode != 0:
            raise AssertionError('%s: exit %d\n%s%s' % (args, r.returncode, r.stdout, r.stderr))
        return r

    def verb(self, *args, check=True, **kw):
        """A verb that speaks to this instance."""
        return self.run(args[0], '--config', str(self.conf), *args[1:], check=check, **kw)

    def start(self, *args, wait=True):
        assert self.process is None
        with open(self.log_file, 'ab') as out:
            self.process = subprocess.Popen(self.command('run', '--config', str(self.conf), *args), stdout=out,
                                            stderr=out, stdin=subprocess.DEVNULL, cwd=self.dir)
        if wait:
            wait_for(self.ready)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended at start:\n' + self.log()[-3000:])
        try:
            with smtplib.SMTP('127.0.0.1', self.port, timeout=2) as s:
                return s.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def log(self):
        return self.log_file.read_text(errors='replace') if self.log_file.exists() else ''

    def stop(self, limit=30):
        """SIGTERM; the exit status."""
        if self.process is None:
            return None
        p, self.process = self.process, None
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
            try:
                p.wait(limit)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait(10)
                raise AssertionError('SIGTERM did not end the server:\n' + self.log()[-3000:])
        return p.returncode

    def kill(self):
        """SIGKILL to the keeper; the roles must follow by themselves."""
        pids = self.pids()
        p, self.process = self.process, None
        p.kill()
        p.wait(10)
        wait_for(lambda: not any(alive(pid) for pid in pids), 10)

    def pids(self):
        """The keeper and everything below it."""
        out, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            out.append(pid)
            try:
                for task in os.listdir('/proc/%d/task' % pid):
                    todo += [int(x) for x in Path('/proc/%d/task/%s/children' % (pid, task)).read_text().split()]
            except OSError:
                pass
        return out

    def roles(self, helpers=False):
        """{title such as 'smtpd 0': pid}; with helpers also lookup's `checks`, which come and go with it."""
        found = {}
        for pid in self.pids()[1:]:
            try:
                title = Path('/proc/%d/cmdline' % pid).read_bytes().replace(b'\0', b' ').decode().strip()
            except OSError:
                continue
            name = title.partition('postern: ')[2].strip() or title
            if helpers or name != 'checks':
                found[name] = pid
        return found

    def smtp(self, port=None):
        return smtplib.SMTP('127.0.0.1', port or self.port, timeout=20)

    def send(self, text='Subject: t\r\n\r\nhello\r\n', sender='ann@client.example', to=None, port=None):
        with self.smtp(port) as s:
            return s.sendmail(sender, to or ['alice@' + self.domain], text)

    def maildir(self, user='alice'):
        for base in self.dir.rglob('new'):
            if base.parent.name == user:
                return base.parent
        return self.dir / 'mail' / self.domain / user

    def mails(self, user='alice'):
        new = self.maildir(user) / 'new'
        return sorted(new.iterdir()) if new.is_dir() else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.stop()
        shutil.rmtree(self.dir / 'spool', ignore_errors=True)      # pytest keeps folders to the end of a run


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False
