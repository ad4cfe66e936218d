# SPDX-License-Identifier: ISC
"""A Postfix of the distribution, unpacked into a private prefix and run beside: the peer of the benchmarks.

Its packaged defaults, no chroot, no content filter; what differs stands in bench/postfix-main.cf and
bench/postfix-master.cf with the reason.  Nothing is installed; it ends with the object.  Needs root, as
Postfix's master does.
"""
import grp
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / 'build' / 'postfix'


def unpack():
    """The package's files below build/postfix, downloaded once."""
    root = CACHE / 'root'
    if (root / 'usr/sbin/postconf').exists():
        return root
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(['apt-get', 'download', 'postfix'], cwd=CACHE, check=True, stdout=subprocess.DEVNULL)
    deb = next(CACHE.glob('postfix_*.deb'))
    subprocess.run(['dpkg-deb', '-x', str(deb), str(root)], check=True)
    return root


def version(root):
    out = subprocess.run([root / 'usr/sbin/postconf', '-d', '-h', 'mail_version'], capture_output=True, text=True,
                         env=dict(os.environ, LD_LIBRARY_PATH=str(root / 'usr/lib/postfix')))
    return out.stdout.strip()


class Postfix:
    def __init__(self, directory, port, **extra):
        self.root, self.dir, self.port = unpack(), Path(directory), port
        self.extra, self.process = extra, None
        self.env = dict(os.environ, LD_LIBRARY_PATH=str(self.root / 'usr/lib/postfix'))

    def accounts(self):
        """Postfix wants an account and a group of its own; any unprivileged ones do for loopback."""
        users = [p.pw_name for p in pwd.getpwall() if p.pw_uid not in (0, 65534) and p.pw_uid < 1000]
        mail = 'postfix' if 'postfix' in users else 'news' if 'news' in users else users[0]
        gid = pwd.getpwnam(mail).pw_gid
        groups = [g.gr_name for g in grp.getgrall() if g.gr_gid not in (0, gid, 65534)]
        return mail, 'postdrop' if 'postdrop' in groups else 'games' if 'games' in groups else groups[-1]

    def write(self):
        conf, queue, data = self.dir / 'etc', self.dir / 'queue', self.dir / 'data'
        shutil.rmtree(self.dir, ignore_errors=True)
        for d in (conf, queue, data):
            d.mkdir(parents=True)
        mail, drop = self.accounts()
        self.mail_gid = grp.getgrnam(drop).gr_gid
        uid = pwd.getpwnam(mail).pw_uid
        for name, mode in (('active', 0o700), ('bounce', 0o700), ('corrupt', 0o700), ('defer', 0o700),
                           ('deferred', 0o700), ('flush', 0o700), ('hold', 0o700), ('incoming', 0o700),
                           ('saved', 0o700), ('trace', 0o700), ('private', 0o700), ('public', 0o710),
                           ('maildrop', 0o730), ('pid', 0o755)):
            (queue / name).mkdir()
            os.chmod(queue / name, mode)
            if name != 'pid':
                os.chown(queue / name, uid, grp.getgrnam(drop).gr_gid if name in ('public', 'maildrop') else 0)
        os.chown(data, uid, 0)
        os.chmod(self.dir, 0o755)
        values = dict(config_directory=conf, queue_directory=queue, data_directory=data, mail_owner=mail,
                      setgid_group=drop, daemon_directory=self.root / 'usr/lib/postfix/sbin',
                      command_directory=self.root / 'usr/sbin', shlib_directory=self.root / 'usr/lib/postfix',
                      meta_directory=self.root / 'usr/share/postfix', maillog_file=self.dir / 'maillog',
                      maillog_file_prefixes=self.dir, **self.extra)
        text = (HERE / 'postfix-main.cf').read_text()
        text += ''.join('%s = %s\n' % (k, v) for k, v in values.items())
        (conf / 'main.cf').write_text(text)
        (conf / 'master.cf').write_text((HERE / 'postfix-master.cf').read_text().replace('@PORT@', str(self.port)))
        (conf / 'dynamicmaps.cf').write_text('')

    def start(self):
        self.write()
        self.out = open(self.dir / 'master.out', 'wb')
        self.process = subprocess.Popen([self.root / 'usr/lib/postfix/sbin/master', '-c', self.dir / 'etc', '-d'],
                                        env=self.env, stdout=self.out, stderr=self.out, stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        from bench_lab import wait_banner
        wait_banner(self.port, lambda: self.process.poll() is None)
        return self

    def queue_empty(self):
        return not any(files for name in ('maildrop', 'incoming', 'active', 'deferred')
                       for _, _, files in os.walk(self.dir / 'queue' / name))

    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
        time.sleep(0.3)
