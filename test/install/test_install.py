# SPDX-License-Identifier: ISC
"""make install, make deb and make run: paths, names, manual pages, unit, package, and the first five minutes."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402
from lab import ROOT, wait_for  # noqa: E402

BUILD = Path(lab.BINARY).parent


def call(argv, limit=300, **kw):
    r = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=limit, **kw)
    assert r.returncode == 0, '%s: %d\n%s%s' % (argv, r.returncode, r.stdout[-3000:], r.stderr[-3000:])
    return r.stdout


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    dest = tmp_path_factory.mktemp('dest')
    call([ROOT / 'tools/install-tree', BUILD, dest, '/usr'])
    return dest


def test_A1_paths_and_names(tree):
    for path in ('usr/sbin/postern', 'usr/lib/systemd/system/postern.service', 'usr/share/man/man1/sendmail.1',
                 'usr/share/man/man1/postern.1', 'usr/share/man/man5/postern.conf.5',
                 'usr/share/doc/postern/ARCHITECTURE.md'):
        assert (tree / path).is_file(), path
    for path in ('usr/sbin/sendmail', 'usr/lib/sendmail', 'usr/bin/mailq', 'usr/bin/newaliases'):
        link = tree / path
        assert link.is_symlink() and not os.path.isabs(os.readlink(link))
        assert link.resolve() == (tree / 'usr/sbin/postern').resolve(), path
    assert not [p for p in tree.rglob('*') if not p.is_symlink() and p.stat().st_mode & 0o6002]


def test_other_names_work_from_there(tree):
    assert subprocess.run([str(tree / 'usr/bin/mailq'), '-C', '/nonexistent'], capture_output=True).returncode == 78
    assert subprocess.run([str(tree / 'usr/sbin/sendmail'), '-Z'], capture_output=True).returncode == 64
    assert 'usage' in call([tree / 'usr/sbin/postern', '--help'])


@pytest.mark.parametrize('page', ['man1/postern.1', 'man1/sendmail.1', 'man5/postern.conf.5'])
def test_manual_pages_render(tree, page):
    """mandoc finds no error or warning, and something readable comes out."""
    path = tree / 'usr/share/man' / page
    if shutil.which('mandoc'):
        r = subprocess.run(['mandoc', '-Tlint', '-Wwarning', str(path)], capture_output=True, text=True)
        bad = [ln for ln in r.stdout.splitlines() if not re.search(r'missing manual|lower case|referenced manual', ln)]
        assert not bad, bad[:10]
        text = call(['mandoc', '-Tutf8', path])
    else:
        text = call(['man', '-l', '-Tutf8', path])
    text = re.sub('.\x08', '', text)             # bold by overstriking
    assert 'NAME' in text and len(text) > 2000


def test_every_verb_is_in_the_manual(tree):
    verbs = re.findall(r'(?m)^  (\S+)', call([tree / 'usr/sbin/postern', '--help']))
    page = (tree / 'usr/share/man/man1/postern.1').read_text()
    assert len(verbs) > 10 and [v for v in verbs if v not in page] == []


def test_systemd_unit(tree):
    """systemd-analyze verifies it, and rates its outer fence."""
    unit = tree / 'usr/lib/systemd/system/postern.service'
    text = unit.read_text()
    for word in ('Type=notify', 'ProtectSystem=strict', 'CapabilityBoundingSet=', 'ExecReload='):
        assert word in text
    if not shutil.which('systemd-analyze'):
        return
    copy = tree / 'postern.service'
    copy.write_text(text.replace('/usr/sbin/postern', str(tree / 'usr/sbin/postern')))
    r = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(copy)], capture_output=True, text=True, timeout=60)
    mine = [ln for ln in r.stderr.splitlines() if 'postern.service' in ln]
    assert r.returncode == 0 and not mine, r.stderr
    copy.unlink()


def test_debian_package(tmp_path):
    """make deb, once: what it provides, what it holds."""
    if not shutil.which('dpkg-buildpackage'):
        pytest.skip('dpkg-dev is not installed')
    version = re.search(r"version: '([^']*)'", (ROOT / 'meson.build').read_text()).group(1)
    call([ROOT / 'dist/make-deb'], 900)
    deb = next((ROOT / 'build/deb').glob('postern_%s_*.deb' % version))
    fields = call(['dpkg-deb', '-f', deb])
    for name in ('Provides', 'Conflicts', 'Replaces'):
        assert re.search(r'(?m)^%s: .*mail-transport-agent' % name, fields), fields
    assert 'libunbound8' in fields
    files = call(['dpkg-deb', '-c', deb])
    for path in ('./usr/sbin/postern', './usr/sbin/sendmail -> postern', './usr/bin/mailq -> ', './usr/bin/newaliases -> ',
                 './usr/lib/sendmail -> ', './usr/share/man/man1/sendmail.1', './usr/share/man/man5/postern.conf.5'):
        assert path in files, path
    assert 'postern.service' in files
    call(['dpkg-deb', '-R', deb, tmp_path / 'x'])
    assert 'usage' in call([tmp_path / 'x/usr/sbin/postern', '--help'])
    call(['sh', '-n', tmp_path / 'x/DEBIAN/postinst'])


def free(*ports):
    for port in ports:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
            except OSError:
                return False
    return True


@pytest.mark.parametrize('private', [False, True])
def test_A1_make_run(tmp_path, private):
    """make run: prints the users, a command that sends and where it landed; Ctrl-C ends it with 0; again works.
    Also where the clone lies in a folder that only its owner can enter, such as /root."""
    lab.open_way(tmp_path)
    if private:
        tmp_path.chmod(0o700)
    wait_for(lambda: free(2525, 4650))
    where = 'run'
    for turn in (1, 2):
        out = tmp_path / ('out%d' % turn)
        with open(out, 'wb') as f:
            p = subprocess.Popen([str(ROOT / 'tools/run-demo'), lab.BINARY, where], stdout=f, stderr=f, cwd=tmp_path,
                                 stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: p.poll() is None and lab.accepts(2525) and lab.accepts(4650), 30)
            text = out.read_text()
            for word in ('alice', 'bob', 'password', '127.0.0.1:2525', '127.0.0.1:4650', 'Ctrl-C'):
                assert word in text, text
            command = re.search(r'(?ms)^ *(printf .*?-T - --crlf)$', text).group(1)
            call(['sh', '-c', command], cwd=tmp_path)
            look = re.search(r'(?m)^ *(cat .*/new/\*)$', text).group(1)
            shown = wait_for(lambda: (r := subprocess.run(['sh', '-c', look], capture_output=True, text=True, cwd=tmp_path)
                                      ).stdout.count('A first message.') == turn and r.stdout)
            assert 'Subject: hello' in shown
            for verb in re.findall(r'(?m)^ *(\S+ (?:status|trace --last) --config \S+)$', text):
                assert call(['sh', '-c', verb], cwd=tmp_path)
            p.send_signal(signal.SIGINT)
            assert p.wait(20) == 0, out.read_text()[-2000:]
        finally:
            if p.poll() is None:
                p.kill()
                p.wait(10)
        wait_for(lambda: free(2525, 4650))
    link = tmp_path / where
    if link.is_symlink():
        shutil.rmtree(link.resolve())
