# SPDX-License-Identifier: ISC
"""Other people's filters: OpenDKIM and rspamd as milters, postgrey as a policy service."""
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from filterlab import LOOSE_PEER, Filtered, lab, talk  # noqa: E402
from peerlab import Program  # noqa: E402

GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
MESSAGE = 'From: Ann <ann@client.example>\r\nTo: alice@example.test\r\nSubject: lunch\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\n' \
          'Message-ID: <1@client.example>\r\n\r\n%s\r\n'


def codes(replies):
    return [c for c, _ in replies]


OPENDKIM = '''Syslog no
UMask 000
Mode {mode}
Domain client.example
Selector s1
KeyFile {dir}/key.pem
Socket inet:{port}@127.0.0.1
PidFile {dir}/pid
UserID {user}
Canonicalization relaxed/relaxed
InternalHosts {dir}/hosts
Background no
RequireSafeKeys no
TestPublicKeys {dir}/public
'''


class OpenDkim:
    """In the foreground, with a key of its own and the public half in a file instead of DNS."""

    def __init__(self, path, mode):
        path.mkdir(parents=True)
        lab.open_way(path)
        self.port = lab.free_port()
        subprocess.run(['openssl', 'genrsa', '-out', str(path / 'key.pem'), '2048'], check=True, capture_output=True)
        der = subprocess.run(['openssl', 'rsa', '-in', str(path / 'key.pem'), '-pubout', '-outform', 'PEM'], check=True,
                             capture_output=True, text=True).stdout
        public = ''.join(der.split('\n')[1:-2])
        (path / 'public').write_text('s1._domainkey.client.example v=DKIM1; k=rsa; p=%s\n' % public)
        (path / 'hosts').write_text('127.0.0.1\n198.51.100.66\n' if mode == 's' else '192.0.2.1\n')
        (path / 'conf').write_text(OPENDKIM.format(mode=mode, dir=path, port=self.port, user=pwd.getpwuid(os.getuid()).pw_name))
        self.program = Program(['opendkim', '-f', '-x', path / 'conf'], lambda: lab.accepts(self.port), log=path / 'out')


@pytest.mark.skipif(os.getuid() != 0, reason='OpenDKIM reads its key as root')
def test_opendkim_signs_and_opendkim_verifies(tmp_path):
    """A milter that signs on one server; its message, as stored, passes the same milter that verifies on another."""
    signer = OpenDkim(tmp_path / 'sign', 's')
    try:
        with Filtered(tmp_path / 'h', signer.port) as h:
            h.start()
            assert codes(talk(h, MESSAGE % 'Shall we?')) == [250, 250, 250]
            text = h.accepted()[-1]['text']
    finally:
        signer.program.stop()
    field = re.search(r'(?m)^DKIM-Signature:.*(?:\r\n[ \t].*)*', text)
    assert field and 'd=client.example' in field.group(0)
    signed = text[text.index('DKIM-Signature'):]
    verifier = OpenDkim(tmp_path / 'verify', 'v')
    shutil.copy(tmp_path / 'sign' / 'public', tmp_path / 'verify' / 'public')
    verifier.program.stop()
    verifier.program = Program(['opendkim', '-f', '-x', tmp_path / 'verify' / 'conf'], lambda: lab.accepts(verifier.port),
                               log=tmp_path / 'verify' / 'out')
    try:
        with Filtered(tmp_path / 'h2', verifier.port, test=LOOSE_PEER) as h:
            h.start()
            assert codes(talk(h, signed)) == [250, 250, 250]
            assert 'dkim=pass' in h.accepted()[-1]['text']
            assert codes(talk(h, signed.replace('Shall we?', 'Shall we not?'))) == [250, 250, 250]
            assert 'dkim=fail' in h.accepted()[-1]['text'] and 'dkim=pass' not in h.accepted()[-1]['text']
    finally:
        verifier.program.stop()


RSPAMD = '''
.include "/etc/rspamd/modules.conf"
options {{ pidfile = "{dir}/pid"; filters = []; dns {{ nameserver = ["127.0.0.1:{dns}"]; timeout = 0.1s; retransmits = 1; }}
    control_socket = "{dir}/control"; tempdir = "{dir}"; url_tld = "/usr/share/rspamd/effective_tld_names.dat"; }}
logging {{ type = "file"; filename = "{dir}/log"; level = "warning"; }}
actions {{ reject = 15; add_header = 6; greylist = null; }}
metric default {{ actions {{ reject = 15; add_header = 6; }} }}
worker normal {{ enabled = false; bind_socket = "127.0.0.1:1"; count = 0; }}
worker "rspamd_proxy" {{ bind_socket = "127.0.0.1:{port}"; milter = yes; timeout = 10s; count = 1;
    upstream "local" {{ default = yes; self_scan = yes; }} }}
'''


def test_rspamd(tmp_path):
    """GTUBE is refused with rspamd's words, a plain message passes; recipients elsewhere stay refused."""
    path = tmp_path / 'rspamd'
    path.mkdir()
    lab.open_way(path)
    port = lab.free_port()
    (path / 'conf').write_text(RSPAMD.format(dir=path, port=port, dns=lab.free_port()))
    argv = ['rspamd', '-f', '-c', path / 'conf']
    if os.getuid() == 0:
        os.chown(path, pwd.getpwnam('_rspamd').pw_uid, -1)
        argv += ['-u', '_rspamd', '-g', '_rspamd']
    rspamd = Program(argv, lambda: lab.accepts(port), log=path / 'out')
    try:
        with Filtered(tmp_path / 'h', port, test=LOOSE_PEER) as h:
            text = h.conf.read_text().replace('timeout 3s', 'timeout 30s')
            h.conf.write_text(text)
            h.start()
            got = talk(h, MESSAGE % 'Shall we?')
            assert codes(got) == [250, 250, 250], (got, h.log()[-2000:], (path / 'out').read_text()[-2000:])
            got = talk(h, MESSAGE % GTUBE)
            assert got[-1][0] == 554 and 'Gtube' in got[-1][1], got
            assert codes(talk(h, to=('victim@elsewhere.example',))) == [250, 550]
    finally:
        rspamd.stop()


def test_postgrey(tmp_path):
    """Greylisting as Postfix's users have it: the first try waits, a later one passes."""
    path = tmp_path / 'postgrey'
    path.mkdir()
    lab.open_way(path)
    port = lab.free_port()
    argv = ['postgrey', '--inet=127.0.0.1:%d' % port, '--dbdir=%s' % path, '--delay=1', '--greylist-action=DEFER_IF_PERMIT',
            '--whitelist-clients=/dev/null', '--whitelist-recipients=/dev/null']
    if os.getuid() == 0:
        os.chown(path, pwd.getpwnam('postgrey').pw_uid, -1)
    postgrey = Program(argv, lambda: lab.accepts(port), log=path / 'out')
    try:
        with Filtered(tmp_path / 'h', port, kind='policy-service', test=LOOSE_PEER) as h:
            h.start()
            first = talk(h)
            assert first[1][0] == 450 and 'reylist' in first[1][1], first
            lab.wait_for(lambda: codes(talk(h)) == [250, 250, 250], 20, 0.5)
            assert codes(talk(h, to=('victim@elsewhere.example',))) == [250, 550]
    finally:
        postgrey.stop()
