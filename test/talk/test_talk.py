# SPDX-License-Identifier: ISC
"""The talks of this folder, held with the real program: on a pipe and over TCP. README.md has their form."""
import fnmatch
import json
import base64
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

HERE = Path(__file__).resolve().parent
TALKS = [p for p in sorted(HERE.glob('*.talk')) if not re.search(r'(?m)^! (sim|listener|peer)', p.read_text())]

CONF = """
hostname mx.victim.example
listen mx 127.0.0.1:{port}
spool ./spool
run ./run
certificate ./chain.pem ./key.pem
domain victim.example {{
    users file ./users
    aliases file ./aliases
    deliver maildir ./mail/{{domain}}/{{user}}
}}
limits {{
    message-size 10000000
    error-delay 10ms
}}
test {{
    accepted-file ./accepted.jsonl
    peer-address 198.51.100.66
    check-senders no
}}
"""


def house(path, port):
    path.mkdir(parents=True, exist_ok=True)
    (path / 'users').write_text(''.join('%s:{PLAIN}secret::::::\n' % u for u in ('alice', 'bob', 'victim')))
    (path / 'aliases').write_text('postmaster: alice\n')
    (path / 'users').chmod(0o600)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-subj', '/CN=mx.victim.example', '-days', '2', '-keyout', str(path / 'key.pem'),
                    '-out', str(path / 'chain.pem')], check=True, capture_output=True, timeout=30)
    (path / 'key.pem').chmod(0o600)
    conf = path / 'test.conf'
    conf.write_text(CONF.format(port=port))
    return conf


class Talk:
    """One end of a conversation: a descriptor to read from, a function to write with."""

    def __init__(self, fd, write, accepted):
        self.fd, self.write, self.accepted, self.buf = fd, write, accepted, b''
        self.before = len(self.messages())

    def messages(self):
        if not self.accepted.exists():
            return []
        return [json.loads(x) for x in self.accepted.read_text().splitlines() if x.strip()]

    def line(self, limit=10.0):
        end = time.monotonic() + limit
        while b'\n' not in self.buf:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError('no answer in time')
            try:
                got = os.read(self.fd, 65536)
            except ConnectionError:
                got = b''
            if not got:
                return None
            self.buf += got
        line, self.buf = self.buf.split(b'\n', 1)
        return line.rstrip(b'\r').decode('latin-1')

    def expect(self, pattern):
        if pattern.endswith('...'):
            while True:
                line = self.line()
                if line is None or not line.startswith(pattern[:-3]):
                    self.buf = ((line or '') + '\r\n').encode('latin-1') + self.buf
                    return
        line = self.line()
        assert line is not None and fnmatch.fnmatchcase(line, pattern), '%r is not %r' % (line, pattern)

    def send(self, octets):
        try:
            self.write(octets)
        except (BrokenPipeError, ConnectionError):
            pass                        # the next expectation will tell

    def step(self, word, arg):
        if word == 'C':
            self.send(arg.encode('utf-8') + b'\r\n')
        elif word == 'R':
            self.send(unescape(arg))
        elif word == 'N':
            n, text = arg.split(' ', 1)
            self.send(unescape(text) * int(n))
        elif word == 'S':
            self.expect(arg)
        elif word == 'T':
            n, pattern = arg.split(' ', 1)
            for _ in range(int(n)):
                self.expect(pattern)
        elif word == 'X':
            assert self.line() is None, 'still open'
        elif word == 'A':
            assert len(self.messages()) - self.before == int(arg)
        elif word == 'M':
            body = base64.b64decode(self.messages()[-1]['message_b64']).decode('latin-1')
            body = re.sub(r'\r\n[ \t]+', ' ', body)
            assert fnmatch.fnmatchcase(body, unescape(arg).decode('latin-1')), body
        else:
            raise AssertionError('no such step: ' + word)


def unescape(text):
    names = {'r': b'\r', 'n': b'\n', 't': b'\t', '0': b'\0', '\\': b'\\'}
    out = b''
    for piece in re.findall(r'\\x[0-9a-fA-F]{2}|\\.|[^\\]+', text):
        if piece.startswith('\\x'):
            out += bytes([int(piece[2:], 16)])
        else:
            out += names[piece[1]] if piece[0] == '\\' else piece.encode('utf-8')
    return out


def hold(path, talk):
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if not line or line[0] in '#!':
            continue
        try:
            talk.step(line[0], line[3:])
        except AssertionError as e:
            raise AssertionError('%s:%d: %s' % (path.name, n, e)) from e


@pytest.fixture(scope='module')
def conf(tmp_path_factory):
    return house(tmp_path_factory.mktemp('talk'), lab.free_port())


@pytest.mark.parametrize('path', TALKS, ids=lambda p: p.stem)
def test_stdio(path, conf):
    p = subprocess.Popen([lab.BINARY, 'smtpd', '--stdio', '--peer', '198.51.100.66', '--config', str(conf)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        hold(path, Talk(p.stdout.fileno(), p.stdin.write, conf.parent / 'accepted.jsonl'))
        p.stdin.close()
        assert p.wait(10) == 0
    finally:
        if p.poll() is None:
            p.kill()
            p.wait(10)
        p.stdout.close()


@pytest.fixture(scope='module')
def server():
    # pytest's own folders are closed to the roles' uids
    path, port = Path(tempfile.mkdtemp(prefix='postern-talk-')), lab.free_port()
    path.chmod(0o755)
    s = lab.Postern.bare(path, port, house(path, port))
    s.start()
    yield s
    code = s.stop()
    shutil.rmtree(path)
    assert code == 0


@pytest.mark.parametrize('path', TALKS, ids=lambda p: p.stem)
def test_tcp(path, server):
    with socket.create_connection(('127.0.0.1', server.port), timeout=10) as sock:
        hold(path, Talk(sock.fileno(), sock.sendall, server.dir / 'accepted.jsonl'))
