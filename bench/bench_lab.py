# SPDX-License-Identifier: ISC
"""Small tools of the benchmarks: processor time and memory of a process tree, the load, the sink, the disk."""
import base64
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'test'))
TICK = os.sysconf('SC_CLK_TCK')


def wait_banner(port, going, limit=20):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if not going():
            raise RuntimeError('the server ended at start')
        try:
            with socket.create_connection(('127.0.0.1', port), timeout=2) as s:
                if s.recv(100).startswith(b'220'):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError('no banner on port %d' % port)


def tree(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        try:
            for task in os.listdir('/proc/%d/task' % p):
                todo += [int(x) for x in Path('/proc/%d/task/%s/children' % (p, task)).read_text().split()]
        except OSError:
            pass
    return out


def cpu_seconds(pid):
    """User and system time of the tree, with children that have ended."""
    total = 0
    for p in tree(pid):
        try:
            fields = Path('/proc/%d/stat' % p).read_text().rpartition(')')[2].split()
            total += sum(int(x) for x in fields[11:15])
        except OSError:
            pass
    return total / TICK


def pss_kb(pid):
    total = 0
    for p in tree(pid):
        try:
            for line in Path('/proc/%d/smaps_rollup' % p).read_text().splitlines():
                if line.startswith('Pss:'):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def load(build, port, **opt):
    args = [str(build / 'bench/bench-load'), '--port', str(port)]
    for k, v in opt.items():
        args += ['--' + k.replace('_', '-')] + ([] if v is True else [str(v)])
    p = subprocess.run(args, capture_output=True, text=True, timeout=int(opt.get('seconds', 120)) + 60)
    try:
        return json.loads(p.stdout)
    except ValueError:
        raise RuntimeError('load: %s %s' % (p.stdout, p.stderr))


class Sink:
    def __init__(self, build, port):
        self.p = subprocess.Popen([str(build / 'bench/bench-sink'), '--port', str(port), '--seconds', '900'],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_banner(port, lambda: self.p.poll() is None)

    def stop(self):
        self.p.terminate()
        return json.loads(self.p.communicate(timeout=20)[0])


def tls_load(build, port, **opt):
    """bench-tls load: one handshake and one message (or login) a connection."""
    args = [str(build / 'bench/bench-tls'), 'load', '--port', str(port)]
    for k, v in opt.items():
        args += ['--' + k, str(v)]
    p = subprocess.run(args, capture_output=True, text=True, timeout=300)
    try:
        r = json.loads(p.stdout)
    except ValueError:
        raise RuntimeError('bench-tls: %s %s' % (p.stdout, p.stderr))
    if r['failed']:
        raise RuntimeError('bench-tls: %s' % r)
    return r


def self_signed(directory, kind):
    """A certificate of that kind of key; chain and key."""
    chain, key = Path(directory) / ('%s.crt' % kind), Path(directory) / ('%s.key' % kind)
    new = ['-newkey', 'rsa:2048'] if kind.startswith('RSA') else ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    subprocess.run(['openssl', 'req', '-x509', *new, '-nodes', '-days', '3', '-subj', '/CN=bench.example.test', '-addext',
                    'subjectAltName=DNS:bench.example.test', '-out', chain, '-keyout', key], check=True, capture_output=True)
    key.chmod(0o600)
    return chain, key


def scram_entry(password, salt=b'0123456789abcdef', iterations=4096):
    """A verifier of the users file (RFC 5803)."""
    client = hmac.digest(hashlib.pbkdf2_hmac('sha256', password, salt, iterations), b'Client Key', 'sha256')
    server = hmac.digest(hashlib.pbkdf2_hmac('sha256', password, salt, iterations), b'Server Key', 'sha256')
    return '{SCRAM-SHA-256}%d,%s' % (iterations, ','.join(
        base64.b64encode(x).decode() for x in (salt, hashlib.sha256(client).digest(), server)))


class TlsNull:
    def __init__(self, build, port, chain, key):
        self.p = subprocess.Popen([str(build / 'bench/bench-tls'), 'null', '--port', str(port), '--chain', str(chain), '--key',
                                   str(key), '--clients', '64', '--seconds', '900'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_banner(port, lambda: self.p.poll() is None)

    def stop(self):
        self.p.terminate()
        self.p.wait(10)


def fdatasync_p50_us(directory, n=400):
    """Overwrites 4 KiB of a file that is there already, each time with fdatasync: the price of one promise."""
    block, times = os.urandom(4096), []
    with tempfile.NamedTemporaryFile(dir=directory) as f:
        os.write(f.fileno(), bytes(4096 * n))
        os.fsync(f.fileno())
        for i in range(n):
            t = time.perf_counter()
            os.pwrite(f.fileno(), block, 4096 * i)
            os.fdatasync(f.fileno())
            times.append((time.perf_counter() - t) * 1e6)
    return statistics.median(times)


def raw_write_mb_s(directory, writers=4, files=20, size=10 << 20):
    """Four writers, each overwriting its own 10 MB file and syncing it, again and again: MB/s in all."""
    code = '''
import os, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
b = os.urandom(1 << 20)
size = int(sys.argv[3])
def put():
    for at in range(0, size, 1 << 20):
        os.pwrite(f, b, at)
    os.fdatasync(f)
put()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    put()
'''
    with tempfile.TemporaryDirectory(dir=directory) as d:
        ps = [subprocess.Popen([sys.executable, '-c', code, '%s/%d' % (d, i), str(files), str(size)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for i in range(writers)]
        for p in ps:
            p.stdout.readline()
        t = time.perf_counter()
        for p in ps:
            p.stdin.write('\n')
            p.stdin.close()
        for p in ps:
            p.wait(300)
        return writers * files * size / 1e6 / (time.perf_counter() - t)
