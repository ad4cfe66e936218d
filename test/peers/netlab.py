# SPDX-License-Identifier: ISC
"""A network of its own for one test: a namespace with addresses on a dummy interface, port 53 and 25 free.

Everything in it is started through `prefix` and ended by its pid; the namespace goes with the object.
"""
import os
import subprocess


def ip(*args, check=True):
    return subprocess.run(['ip', *args], capture_output=True, text=True, check=check, timeout=20)


class Net:
    """Two namespaces joined by a veth pair: `here` (the server under test, DNS) and `there` (next hops).

    addresses: for `there`; `here` has 10.99.0.1 and fd99::1.
    """
    count = 0

    def __init__(self, addresses):
        Net.count += 1
        tag = '%d-%d' % (os.getpid() % 100000, Net.count)
        self.here, self.there = 'pa' + tag, 'pb' + tag
        self.addresses = addresses

    def __enter__(self):
        try:
            for ns in (self.here, self.there):
                ip('netns', 'add', ns)
                ip('-n', ns, 'link', 'set', 'lo', 'up')
            ip('-n', self.here, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', self.there)
            for ns, dev, all_ in ((self.here, 'v0', ['10.99.0.1/24', 'fd99::1/64']), (self.there, 'v1', self.addresses)):
                ip('-n', ns, 'link', 'set', dev, 'up')
                for a in all_:
                    ip('-n', ns, 'addr', 'add', a, 'dev', dev, *(['nodad'] if ':' in a else []))
        except subprocess.CalledProcessError as e:
            self.__exit__()
            raise AssertionError('no network namespace: ' + e.stderr) from e
        return self

    def __exit__(self, *_):
        for ns in (self.here, self.there):
            ip('netns', 'del', ns, check=False)

    def prefix(self, where='here'):
        return ['ip', 'netns', 'exec', getattr(self, where)]

    def accepts(self, address, port, where='there'):
        code = 'import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)'
        return subprocess.run([*self.prefix(where), '/usr/bin/python3', '-c', code, address, str(port)],
                              capture_output=True, timeout=20).returncode == 0
