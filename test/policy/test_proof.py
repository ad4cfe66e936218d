# SPDX-License-Identifier: ISC
"""The proof where it counts: at start, at reload, when the access map changes, and in `postern check`."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from polab import House, wait_for  # noqa: E402

# Configurations that somebody once ran, or could write by mistake, and the theorem that each breaks.
BAD = {
    'public network': ('relay from network 8.8.0.0/16\n', '', ''),
    'our own address': ('relay from network OWN/32\n', '', 'P6'),
    'access: our own address': ('access file access\n', 'Connect:OWN RELAY\n', 'P6'),
    'half of the internet': ('relay from network 128.0.0.0/2\n', '', ''),
    'relay for a top-level domain': ('relay to domain example\n', '', ''),
    'access: everybody in 8/8': ('access file access\n', '8 RELAY\n', None),
    'access: From is no credential': ('access file access\n', 'From:boss@example.test RELAY\n', None),
    'access: To a top-level domain': ('access file access\n', 'To:com RELAY\n', None),
    'line that means nothing': ('relay from network 203.0.113.0/24\nrelay from network 203.0.113.0/25\n', '', 'P8'),
}


def own_address():
    """An address of this host besides loopback, as the proof sees it; tests run in a network of their own when it has none."""
    out = subprocess.run(['ip', '-4', '-o', 'addr', 'show', 'up'], capture_output=True, text=True).stdout
    found = [ln.split()[3].partition('/')[0] for ln in out.splitlines() if ' lo ' not in ln]
    return found[0] if found else None


def make(tmp_path, extra='', access=''):
    extra, access = (t.replace('OWN', own_address() or '192.0.2.2') for t in (extra, access))
    return House(tmp_path / 'h', extra=extra, tables={'access': access})


@pytest.mark.parametrize('name', BAD)
def test_T_PROOF_1_B9_refused_with_a_counterexample(tmp_path, name):
    extra, access, theorem = BAD[name]
    if 'OWN' in extra + access and not own_address():
        pytest.skip('this host has no address but loopback')
    h = make(tmp_path, extra, access)
    r = h.run('check', '--config', str(h.conf), check=False)
    assert r.returncode == 78, r.stdout + r.stderr
    assert str(h.dir) in r.stderr
    if theorem is None:                 # a table that was never good: the server runs, and takes nothing that needs it
        return
    if theorem:
        assert theorem + ':' in r.stderr, r.stderr
    started = subprocess.run([h.binary, 'run', '--config', str(h.conf)], capture_output=True, text=True, timeout=60)
    assert started.returncode == 78 and started.stderr, 'the server starts on it'


def test_A60_B4_require_relay_only_by_auth(tmp_path):
    h = make(tmp_path)
    ok = h.run('check', '--config', str(h.conf), '--require', 'relay only by auth')
    assert 'proved: nobody relays' in ok.stdout
    h.conf.write_text(h.conf.read_text() + 'relay from network 203.0.113.0/24 sending-as example.test\n')
    r = h.run('check', '--config', str(h.conf), '--require', 'relay only by auth', check=False)
    assert r.returncode == 78 and 'does not hold' in r.stderr and 'C: RCPT TO:' in r.stderr
    assert '%s:%d' % (h.conf, len(h.conf.read_text().rstrip('\n').split('\n'))) in r.stderr
    assert h.run('check', '--config', str(h.conf), '--require', 'relay only by magic', check=False).returncode == 64
    page = json.loads(h.run('check', '--config', str(h.conf), '--json').stdout)
    assert page['proof']['holds'] and page['proof']['requests'] > 1000


def test_B4_diff_says_what_opens(tmp_path):
    h = make(tmp_path)
    old = tmp_path / 'old.conf'
    old.write_text(h.conf.read_text().replace('users    file users', 'users    file %s/users' % h.dir))
    for word in ('tls/', 'users', 'aliases', 'dkim/'):
        old.write_text(old.read_text().replace(' ' + word, ' %s/%s' % (h.dir, word)) if word != 'users' else old.read_text())
    same = h.run('check', '--config', str(h.conf), '--diff', str(h.conf))
    assert 'changes:' not in same.stdout
    h.conf.write_text(h.conf.read_text() + 'relay from network 203.0.113.0/24\n')
    before = tmp_path / 'h' / 'before.conf'
    before.write_text(h.conf.read_text().replace('relay from network 203.0.113.0/24\n', ''))
    r = h.run('check', '--config', str(h.conf), '--diff', str(before))
    lines = [ln for ln in r.stdout.splitlines() if ln.startswith('changes: OPENS')]
    assert any('relaying-denied' in ln and 'relayed' in ln and '203.0.113' in ln for ln in lines), r.stdout
    back = h.run('check', '--config', str(before), '--diff', str(h.conf))
    assert 'OPENS' not in back.stdout and 'relayed' in back.stdout


def test_P6_access_map_that_opens_the_house_is_not_taken(tmp_path):
    """While running: the last good map stays, with an alarm; a good one is taken again.  A reload with a bad line keeps the old."""
    h = make(tmp_path, 'access file access\naccept-unresolvable-domains yes\n', 'Connect:198.51.100.7 REJECT\n')
    with h:
        h.start()
        assert h.reply('a@b.example', 'c@elsewhere.example')[:3] == '550'
        h.rewrite('access', 'Connect:198.51.100.7 REJECT\nConnect:%s RELAY\n' % (own_address() or '8'))
        wait_for(lambda: 'event=table_bad' in h.log(), 30)
        assert 'refused: P6' in h.log() or not own_address()
        assert h.reply('a@b.example', 'c@elsewhere.example', ip='198.51.100.66')[:3] == '550'
        assert h.reply('a@b.example', 'alice@example.test', ip='198.51.100.7')[:3] == '554'
        h.rewrite('access', 'Connect:198.51.100.8 REJECT\n')
        wait_for(lambda: h.reply('a@b.example', 'alice@example.test', ip='198.51.100.8')[:3] == '554', 30)
        good = h.conf.read_text()
        h.conf.write_text(good + 'relay from network 8.8.0.0/16\n')
        r = h.verb('reload', check=False)
        assert r.returncode != 0 and 'wider' in r.stderr + r.stdout, (r.stdout, r.stderr)
        assert h.reply('a@b.example', 'c@elsewhere.example', ip='8.8.4.4')[:3] == '550'
        h.conf.write_text(good)
        assert h.verb('reload').returncode == 0
