# SPDX-License-Identifier: ISC
"""postern dmarc report: aggregate reports as others write them; bombs and entities are refused."""
import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402

PLAIN = (Path(__file__).resolve().parents[2] / 'fuzz/corpus/report/plain.xml').read_bytes()


def read(data):
    p = subprocess.run([lab.BINARY, 'dmarc', 'report'], input=data, capture_output=True, timeout=60)
    return p.returncode, json.loads(p.stdout) if p.returncode == 0 else p.stderr.decode()


def zipped(data, how=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', how) as z:
        z.writestr('r.xml', data)
    return out.getvalue()


@pytest.mark.parametrize('wrap', [bytes, gzip.compress, zipped, lambda d: zipped(d, zipfile.ZIP_STORED)])
def test_report_is_read(wrap):
    code, r = read(wrap(PLAIN))
    assert code == 0 and not r['mended'] and r['messages'] == 7
    assert r['policy_published']['domain'] == 'a.example'
    row, = r['records']
    assert (row['source_ip'], row['dkim_aligned'], row['spf_aligned']) == ('192.0.2.1', 'pass', 'fail')
    assert row['reasons'][0]['type'] == 'other' and row['dkim'][0]['selector'] == 's'


@pytest.mark.parametrize('data,why', [
    (gzip.compress(b'<feedback>' + b' ' * (60 << 20)), 'more than a report may be'),
    (zipped(b'<feedback>' + b' ' * (60 << 20)), 'more than a report may be'),
    (b'<!DOCTYPE feedback [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + PLAIN, 'entities'),
    (gzip.compress(PLAIN)[:-20], 'damaged'),
    (b'Subject: hello\r\n\r\nhello\r\n', 'neither'),
], ids=['gzip', 'zip', 'entities', 'cut', 'no-report'])
def test_X4_T_BOMB_is_refused(data, why):
    code, text = read(data)
    assert code == 65 and why in text
