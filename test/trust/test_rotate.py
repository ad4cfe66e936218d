# SPDX-License-Identifier: ISC
"""postern dkim list and rotate: next keys, shown by DNS or not, active, retired; the server signs with the active ones."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
import lab  # noqa: E402

CONF = '''hostname mx.example.org
listen mx 127.0.0.1:2525
spool {dir}/spool
domain example.org {{
    users system
{keys}}}
domain example.net {{
    users system
}}
relay from authenticated
'''


def conf(path, keys=''):
    f = path / 'postern.conf'
    f.write_text(CONF.format(dir=path, keys=keys))
    (path / 'dkim').mkdir(exist_ok=True)
    return f


def call(*args, code=0):
    r = subprocess.run([lab.BINARY, 'dkim', *[str(a) for a in args]], capture_output=True, text=True, timeout=60)
    assert r.returncode == code, (r.returncode, r.stdout, r.stderr)
    return r


def keys(f, *more):
    return json.loads(call('list', 'example.org', '--config', f, *more).stdout)['keys']


def stages(f):
    return sorted((k['selector'][0], k['stage']) for k in keys(f, '--zone', '/dev/null'))


@pytest.fixture
def rotated(tmp_path):
    """A domain with two next keys, and the zone file that rotate printed."""
    f = conf(tmp_path)
    zone = tmp_path / 'zone'
    zone.write_text(call('rotate', 'example.org', '--config', f, '--zone', '/dev/null').stdout)
    return f, zone


def test_T_SIGN_04_next_keys_are_made_and_printed(rotated):
    f, zone = rotated
    assert stages(f) == [('e', 'next'), ('s', 'next')]
    assert len(re.findall(r'(?m)^[se]\d{8}\._domainkey\.example\.org\. IN TXT "v=DKIM1; k=(?:rsa|ed25519); p=', zone.read_text())) == 2
    for k in keys(f, '--zone', zone):
        assert k['published'] is True and Path(k['file']).stat().st_mode & 0o777 == 0o600
    assert subprocess.run([lab.BINARY, 'check', '--config', str(f)], capture_output=True).returncode in (0, 78)


def test_T_SIGN_04_nothing_is_activated_that_dns_does_not_show(rotated, tmp_path):
    f, zone = rotated
    lines = zone.read_text().splitlines()
    before = f.read_bytes()
    other = tmp_path / 'other'
    for text, why in (('', 'is not published'), (lines[0] + '\n', 'is not published'),
                      ('\n'.join(lines).replace('p=MII', 'p=AII') + '\n', 'shows another key'),
                      ('\n'.join(lines + [lines[0].replace('"v=', '"x=1; v=')]) + '\n', 'more than one record'),
                      ('example.org. IN TIMEOUT *\n*._domainkey.example.org. IN TIMEOUT *\n', 'cannot be looked up')):
        other.write_text(text)
        r = call('rotate', 'example.org', '--config', f, '--zone', other, code=75)
        assert why in r.stderr and f.read_bytes() == before, (why, r.stderr)


def test_T_SIGN_04_active_then_retiring_then_gone(rotated, tmp_path):
    f, zone = rotated
    first = {k['selector'] for k in keys(f, '--zone', zone)}
    call('rotate', 'example.org', '--config', f, '--zone', zone)
    assert stages(f) == [('e', 'active'), ('s', 'active')]
    more = call('rotate', 'example.org', '--config', f, '--zone', zone).stdout
    with zone.open('a') as z:
        z.write(more)
    assert stages(f) == [('e', 'active'), ('e', 'next'), ('s', 'active'), ('s', 'next')]
    call('rotate', 'example.org', '--config', f, '--zone', zone)
    assert stages(f) == [('e', 'active'), ('e', 'retiring'), ('s', 'active'), ('s', 'retiring')]
    assert {k['selector'] for k in keys(f) if k['stage'] == 'retiring'} == first
    with zone.open('a') as z:
        z.write(call('rotate', 'example.org', '--config', f, '--zone', zone).stdout)
    out = call('rotate', 'example.org', '--config', f, '--zone', zone).stdout
    assert all('%s is forgotten' % s in out for s in first)
    assert not first & {k['selector'] for k in keys(f)} and len(keys(f)) == 4
    assert len(list((tmp_path / 'dkim').iterdir())) == 6, 'key files are never removed'
    assert json.loads(call('list', 'example.net', '--config', f).stdout)['keys'] == []


def test_T_SIGN_04_the_text_stays_as_it_was_written(rotated, tmp_path):
    f, zone = rotated
    text = f.read_text().replace(' next\n', ' next   # the new one\n').replace('    dkim e', '\tdkim  e')
    f.write_text(text)
    call('rotate', 'example.org', '--config', f, '--zone', zone)
    new = f.read_text()
    assert new.count('# the new one') == 2 and '\tdkim e' in new
    assert [ln for ln in text.splitlines() if 'dkim' not in ln] == [ln for ln in new.splitlines() if 'dkim' not in ln]
    before = f.read_text()
    call('rotate', 'nobody.example', '--config', f, code=78)
    assert f.read_text() == before


@pytest.mark.parametrize('algo,said', [(['RSA', '-pkeyopt', 'rsa_keygen_bits:768'], 'has 768 bits'), (['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], 'weak'),
                                       (['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'no key for DKIM'), (['ED25519'], None)])
def test_T_SIGN_04_check_says_what_is_wrong_with_a_key(tmp_path, algo, said):
    f = conf(tmp_path, '    dkim s1 dkim/s1.pem\n')
    subprocess.run(['openssl', 'genpkey', '-algorithm', *algo, '-out', tmp_path / 'dkim/s1.pem'], check=True, capture_output=True)
    (tmp_path / 'dkim/s1.pem').chmod(0o600)
    r = subprocess.run([lab.BINARY, 'check', '--config', str(f)], capture_output=True, text=True, timeout=60)
    text = r.stdout + r.stderr
    assert said in text if said else 's1.pem' not in text, text
    assert not said or said == 'weak' or r.returncode == 78
