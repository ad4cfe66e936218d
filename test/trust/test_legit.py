# SPDX-License-Identifier: ISC
"""Legitimate mail goes to the inbox: no false refusal, and each false Junk stands in legit.py with its reason."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
import lab  # noqa: E402
import legit  # noqa: E402

CASES = legit.build()


@pytest.mark.parametrize('case', CASES, ids=[c['name'] for c in CASES])
def test_legitimate(case, tmp_path):
    (tmp_path / 'zone').write_text(case['zone'])
    r = subprocess.run([lab.BINARY, 'auth', 'check', '--ip', case['ip'], '--helo', case['helo'], '--mail-from', case['mail_from'],
                        '--authserv-id', 'mx.example.test', '--now', str(legit.NOW + 60), '--zone', str(tmp_path / 'zone')],
                       input=case['message'].encode(), capture_output=True, timeout=60)
    assert r.returncode == 0, r.stderr
    got = json.loads(r.stdout)
    assert got['action'] == case['expect'], (got['action'], got.get('reason'), got.get('authentication_results'))


def test_false_junk_is_explained():
    """At most these; each says why nobody could do better."""
    odd = [c for c in CASES if c['expect'] != 'accept']
    assert all(c['expect'] == 'quarantine' and len(c['why']) > 40 for c in odd) and len(odd) <= 3 and len(CASES) >= 45
