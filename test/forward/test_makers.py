# SPDX-License-Identifier: ISC
"""A4 of the proof, as text of the program: nothing but the three constructors names who made a recipient, and nothing
but vault's answer and the forwards table fills in what two of them want to see."""
import re
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent.parent / 'src'


def places(pattern):
    """Files of the program (not its tests) in which the pattern stands."""
    return {str(p.relative_to(SRC)) for p in SRC.rglob('*.[ch]') if not p.stem.endswith(('_test', '_fuzz', 'testhouse'))
            and re.search(pattern, p.read_text())}


def test_R8_only_constructors_name_a_maker():
    for word in ('MAKER_ADMIN_ALIAS', 'MAKER_CONFIRMED_FORWARD', 'MAKER_VERIFIED_SRS'):
        assert places(r'(?<!== )\b%s\b' % word) == {'route/maker.c', 'route/maker.h'}, word
    assert places(r'\(struct maker\)\{ *[^}\s]') == {'route/maker.c'}
    assert places(r'maker\.who = ') == set()


def test_R8_only_the_table_confirms():
    assert places(r'\(struct forward_confirmed\)\{') == {'route/find.c'}
    assert places(r'maker_confirmed_forward\(') == {'route/maker.c', 'route/maker.h', 'route/expand.c'}


def test_R7_only_vault_verifies():
    assert places(r'\(struct srs_verified\)\{') == {'queue/vault.c'}
    assert places(r'maker_verified_srs\(') == {'route/maker.c', 'route/maker.h', 'route/expand.c'}


def test_R8_made_by_is_carried_not_made():
    """Where a job's or a journal's made_by is set it comes from a constructor, or from where it stood before."""
    for p in SRC.rglob('*.c'):
        if p.stem.endswith(('_test', '_fuzz', 'testhouse')):
            continue
        for value in re.findall(r'\bmade_by = ([^,;]+)[,;]', p.read_text()):
            assert re.search(r'\.who\b|made_by\b|take_var\(t\)', value), (p, value)


def test_R7_only_queue_may_mint():
    """A taken-over smtpd can ask whether an address is ours, and make none."""
    text = (SRC / 'ipc/msg.def').read_text()
    for kind in ('srs', 'batv'):
        assert re.findall(r'MSG\(%s_mint, (.*?), R\(vault\)' % kind, text) == ['R(queue)']
