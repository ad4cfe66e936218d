# SPDX-License-Identifier: ISC
"""Our Authentication-Results, whatever names the client gives, read by python3-authres (RFC 8601): one field, our
name, each method once, and no result that we did not write."""
import itertools
import json
import subprocess
import sys
from pathlib import Path

import authres
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

ZONE = '''a.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.a.example. IN TXT "v=DMARC1; p=reject"
'''
MAIL_FROM = ['x@a.example', '"a b"@a.example', '"a;dmarc=pass"@a.example', '"x\\"y"@a.example', '"(c"@a.example', '']
FROM = ['x@a.example', '"q;spf=pass" <"a b;c"@a.example>', 'x@b.example', 'x@b\u00fccher.example']
HELO = ['h.example', '[192.0.2.1]', 'a;spf=pass']


@pytest.mark.parametrize('mail_from', MAIL_FROM)
def test_S10_field_is_read_by_a_peer(tmp_path, mail_from):
    zone = tmp_path / 'zone'
    zone.write_text(ZONE)
    for author, helo in itertools.product(FROM, HELO):
        message = f'From: {author}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nx\r\n'.encode()
        p = subprocess.run([lab.BINARY, 'auth', 'check', '--ip', '192.0.2.1', '--helo', helo, '--mail-from', mail_from,
                            '--authserv-id', 'mx.example', '--zone', zone],
                           input=message, capture_output=True, check=True, timeout=60)
        said = json.loads(p.stdout)
        value = said['authentication_results'].replace('\r\n', '')
        read = authres.AuthenticationResultsHeader.parse('Authentication-Results: ' + value)
        got = {r.method: r.result for r in read.results}
        assert read.authserv_id == 'mx.example' and len(got) == len(read.results), value
        assert got['spf'] == said['spf']['result'] and got['dmarc'] == said['dmarc']['result'], value
        assert got['spf'] == ('pass' if mail_from else 'none'), value
