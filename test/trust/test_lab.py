# SPDX-License-Identifier: ISC
"""`postern lab`: everything holds as installed, and what is taken away is found missing."""
import os
import re

import pytest

from decidelab import lab


@pytest.fixture(scope='module')
def instance(tmp_path_factory):
    return lab.Postern(tmp_path_factory.mktemp('lab') / 'p', check_senders=True)


def run(p, more='', *args):
    conf = p.dir / 'lab.conf'
    conf.write_text(p.conf.read_text() + more)
    r = p.run('lab', '--config', str(conf), *args, check=False)
    return r.returncode, r.stdout + r.stderr


def test_E2_as_installed(instance):
    """Every attack is held, honest mail arrives; nothing is left behind and nothing was sent."""
    before = set(os.listdir('/tmp'))
    code, out = run(instance, '', '--all')
    assert code == 0, out
    lines = [ln for ln in out.splitlines() if ln.startswith('ok ')]
    assert len(lines) >= 45 and 'FAILED' not in out and ' 0 not as expected' in out
    assert re.search(r'own domain: From alone +\| refused +\| 550 5.7.1 +\| own-domain-claim', out)
    assert not [f for f in set(os.listdir('/tmp')) - before if f.startswith('postern-')]
    assert not (instance.dir / 'spool').exists() or not list((instance.dir / 'spool').rglob('*.log'))


@pytest.mark.parametrize('rule,attack', [
    ('own-domain-claim', 'own domain: From alone'), ('author-grammar', 'two From fields'),
    ('author-unverified', 'nobody vouches'), ('display-address', 'own domain: as a display name'),
    ('helo-claims-us', 'HELO with our name'), ('sender-claims-us own-domain-claim', 'own domain: somebody who does not exist'),
    ('author-domain-gone author-unverified', 'author in no domain'), ('author-null-mx author-unverified', 'author in a domain without mail'),
    ('dmarc-reject dmarc author-unverified', 'DMARC reject: unsigned, from elsewhere'), ('dmarc author-unverified', 'DMARC quarantine'),
    ('sender-sends-nothing author-unverified', 'SPF -all alone')])
def test_E2_one_check_less(instance, rule, attack):
    """Without a check its attacks get through, and the lab says so and which."""
    code, out = run(instance, '\npolicy observe %s\n' % rule)
    assert code == 1 and re.search(r'(?m)^FAILED %s +\|' % re.escape(attack), out), out
    assert 'FAILED control' not in out and 'FAILED relay' not in out


def test_E2_no_check_at_all(instance):
    code, out = run(instance, '\ntest { check-senders no; }\n')
    assert code == 1 and out.count('FAILED') >= 20, out


def test_E2_bad_input(instance):
    assert instance.run('lab', '--config', '/nonexistent', check=False).returncode == 78
    assert instance.run('lab', '--what', check=False).returncode == 64
    assert 'usage' in instance.run('lab', '--help').stdout
