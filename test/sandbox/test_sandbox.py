# SPDX-License-Identifier: ISC
"""The sandbox of every role, tried from inside the running release role, and as the kernel reports it.

Runs twice: the server started as root with numeric role uids, and as an unprivileged user.
"""
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import lab

ROLES = ['pool', 'smtpd', 'queue', 'smtpc', 'resolver', 'vault', 'local', 'lookup', 'fetch', 'admin']
DEADLY = ['execve', 'ptrace keeper', 'mount', 'unshare', 'bpf']
NEVER = ['open /etc/shadow', 'create /tmp/postern-probe', 'socket packet', 'kill keeper', 'mmap exec',
         'setresuid 0', 'raise core limit']
# What each role may do of the attempts; everything else must be refused.
MAY = {
    'smtpc': {'socket inet', 'connect', 'bind'},
    'resolver': {'socket inet', 'connect', 'bind'},
    'local': {'open /etc/passwd', 'fork'},
    'lookup': {'open /etc/passwd'},
}


@pytest.fixture(scope='module')
def instance(tmp_path_factory):
    with lab.Postern(tmp_path_factory.mktemp('sandbox') / 'p') as p:
        yield p


def probe(instance, role):
    r = subprocess.run(instance.command('run', '--config', str(instance.conf), '--sandbox-probe', role),
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr[-3000:]
    return {a['try']: a for a in json.loads(r.stdout)['attempts']}


@pytest.mark.parametrize('role', ROLES)
def test_role_tries_the_forbidden(instance, role):
    """B2: open, socket, connect, exec, ptrace, kill ... inside the role, after its sandbox."""
    got = probe(instance, role)
    assert len(got) == 17, got
    for name in DEADLY:
        assert got[name].get('killed') == 'SIGSYS', got[name]
    allowed = {name for name, a in got.items() if a.get('allowed')}
    assert allowed == MAY.get(role, set()), got
    for name in NEVER:
        assert got[name].get('errno') in ('EPERM', 'EACCES'), got[name]
    assert not os.path.exists('/tmp/postern-probe')


def started(instance):
    """Up, and every role behind its sandbox."""
    before = instance.log().count('event=ready')
    instance.start()
    lab.wait_for(lambda: instance.log().count('event=ready') > before)
    return instance.roles(helpers=True)


def status_of(pid):
    lines = Path('/proc/%d/status' % pid).read_text().splitlines()
    return {k: v.split() for k, _, v in (line.partition(':') for line in lines)}


def test_kernel_reports_the_sandbox(instance):
    """Every process of a role: uid, no capabilities, no new privileges, a filter on every thread."""
    roles = started(instance)
    try:
        assert {name.split()[0] for name in roles} >= set(ROLES)
        uids = {}
        for name, pid in roles.items():
            # `checks` is lookup's child for stores that block: the same rights
            role = {'checks': 'lookup'}.get(name.split()[0], name.split()[0])
            st = status_of(pid)
            assert st['NoNewPrivs'] == ['1'], name
            for task in os.listdir('/proc/%d/task' % pid):
                assert status_of(int(task))['Seccomp'] == ['2'], (name, task)
            keeps = {'local': 0b11100000, 'lookup': 0b100} if lab.AS == 'root' else {}
            for kind in ('CapPrm', 'CapEff'):
                # local may become its recipients' users (setgid, setuid) and signal their processes (kill)
                # lookup may read tables that only root can (dac_read_search), where Landlock lets it
                assert int(st[kind][0], 16) == keeps.get(role, 0), (name, st[kind])
            for kind in ('CapInh', 'CapAmb'):
                assert int(st[kind][0], 16) == 0, (name, kind)
            assert len(set(st['Uid'])) == 1
            uids.setdefault(int(st['Uid'][0]), set()).add(role)
        if lab.AS == 'root':
            assert 0 not in uids
            assert all(len(names) == 1 for names in uids.values()), uids     # nobody shares a uid
        else:
            assert set(uids) == {lab.NOBODY if lab.AS == 'user' else os.getuid()}
    finally:
        instance.stop()


def test_limits_of_network_roles(instance):
    """No core, no files beyond what was given; descriptors of the keeper do not leak into roles."""
    roles = started(instance)
    try:
        for name, pid in roles.items():
            limits = Path('/proc/%d/limits' % pid).read_text()
            assert re.search(r'(?m)^Max core file size +0 +0 ', limits), name
            if os.getuid() == 0:
                fds = {os.readlink('/proc/%d/fd/%s' % (pid, fd)) for fd in os.listdir('/proc/%d/fd' % pid)}
                held = {f for f in fds if f.startswith(str(instance.dir))}
                role = name.split()[0]
                if role in ('vault', 'resolver', 'fetch', 'admin'):
                    assert not held, (name, held)
    finally:
        instance.stop()
