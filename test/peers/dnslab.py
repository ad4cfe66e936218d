# SPDX-License-Identifier: ISC
"""A name server for tests: nsd on loopback (or in a network namespace) with zones given as text.

Zones may be signed (ldns-signzone); `break_signature` spoils one record of a signed zone, so that a
validator must call it bogus.  The server is ended by its own pid.
"""
import re
import shutil
import subprocess
import time
from pathlib import Path

SOA = '@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 300 IN NS ns\nns 300 IN A %s\n'


class Nsd:
    def __init__(self, path, address='127.0.0.1', port=53, prefix=()):
        assert shutil.which('nsd') or Path('/usr/sbin/nsd').exists(), 'nsd is not installed'
        self.dir, self.address, self.port, self.prefix = Path(path), address, port, list(prefix)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.zones, self.anchors, self.process = {}, {}, None

    def zone(self, name, text, signed=False, break_signature=None):
        file = self.dir / (name + '.zone')
        file.write_text('$ORIGIN %s.\n$TTL 300\n' % name + SOA % self.address + text)
        if signed:
            file = self._sign(name, file)
            if break_signature:
                self._spoil(file, break_signature)
        self.zones[name] = file
        return self

    def _sign(self, name, file):
        def tool(*args):
            return subprocess.run(args, cwd=self.dir, check=True, capture_output=True, text=True, timeout=30).stdout
        key = tool('ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', '-r', '/dev/urandom', name).strip()
        tool('ldns-signzone', '-n', '-f', str(file) + '.signed', file.name, key)
        record = (self.dir / (key + '.key')).read_text().split(';')[0].split()
        self.anchors[name] = ' '.join(record)
        return Path(str(file) + '.signed')

    @staticmethod
    def _spoil(file, owner):
        """Changes the address of owner after it was signed."""
        text, n = re.subn(r'(?m)^(%s\.?\s+\d+\s+IN\s+A\s+)\S+' % re.escape(owner), r'\g<1>203.0.113.66',
                          file.read_text())
        assert n == 1, 'no record to spoil'
        file.write_text(text)

    def start(self):
        conf = ['server:', '  ip-address: %s@%d' % (self.address, self.port), '  username: ""', '  chroot: ""',
                '  zonesdir: "%s"' % self.dir, '  pidfile: "%s/nsd.pid"' % self.dir, '  database: ""',
                '  xfrdfile: "%s/xfrd.state"' % self.dir, '  zonelistfile: "%s/zone.list"' % self.dir,
                '  xfrdir: "%s"' % self.dir, '  server-count: 1', '  verbosity: 0',
                'remote-control:', '  control-enable: no']
        for name, file in self.zones.items():
            conf += ['zone:', '  name: "%s"' % name, '  zonefile: "%s"' % file]
        (self.dir / 'nsd.conf').write_text('\n'.join(conf) + '\n')
        self.log = open(self.dir / 'nsd.log', 'wb')
        self.process = subprocess.Popen([*self.prefix, '/usr/sbin/nsd', '-d', '-c', str(self.dir / 'nsd.conf')],
                                        stdout=self.log, stderr=self.log)
        time.sleep(0.3)
        assert self.process.poll() is None, (self.dir / 'nsd.log').read_text()
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.log.close()
            self.process = None

    def conf(self, validate=True):
        """The dns block of postern.conf that asks this server for its zones."""
        lines = ['dns {', '    query-localhost yes', '    validate %s' % ('yes' if validate else 'no')]
        lines += ['    stub %s %s:%d' % (name, self.address, self.port) for name in self.zones]
        lines += ['    trust-anchor "%s"' % anchor for anchor in self.anchors.values()]
        return '\n'.join(lines + ['}']) + '\n'
