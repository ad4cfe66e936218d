# SPDX-License-Identifier: ISC
"""Mail that our users hand in leaves signed, with keys that only vault has; dkimpy and our own verifier agree."""
import base64
import re
import smtplib
import subprocess
import sys
from pathlib import Path

import dkim
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent.parent / 'auth')]
import json  # noqa: E402

import lab  # noqa: E402
from authlab import House, b64  # noqa: E402

DOMAIN = 'victim.example'


def openssl(*args, data=None):
    return subprocess.run(['openssl', *[str(a) for a in args]], input=data, check=True, capture_output=True).stdout


def record(pem, kind):
    der = openssl('pkey', '-in', pem, '-pubout', '-outform', 'DER')
    raw = der[-32:] if kind == 'ed25519' else der
    return 'v=DKIM1; k=%s; p=%s' % (kind, base64.b64encode(raw).decode())


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp('sign')
    lab.open_way(path)
    keys = {}
    for name, algo in (('r1', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']), ('e1', ['ED25519']),
                       ('n1', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']), ('o1', ['ED25519'])):
        keys[name] = path / (name + '.pem')
        openssl('genpkey', '-algorithm', *algo, '-out', keys[name])
        keys[name].chmod(0o600)
    lines = '\n    '.join('dkim %s %s%s' % (n, keys[n], s) for n, s in (('r1', ''), ('e1', ''), ('n1', ' next'), ('o1', ' retiring')))
    h = House.make(path / 'h', passwords=lines, more='auth mechanisms PLAIN SCRAM-SHA-256')
    h.keys = keys
    h.records = {'r1': record(keys['r1'], 'rsa'), 'e1': record(keys['e1'], 'ed25519'), 'n1': record(keys['n1'], 'rsa'),
                 'o1': record(keys['o1'], 'ed25519')}
    yield h
    assert h.stop() == 0


def submit(h, text, user='alice', password='secret', sender=None, to='bob@victim.example'):
    with h.tls() as s:
        assert s.docmd('AUTH PLAIN ' + b64('\0%s\0%s' % (user, password)))[0] == 235
        try:
            s.sendmail(sender or user + '@' + DOMAIN, [to], text)
        except smtplib.SMTPException as e:
            return str(e)
    return base64.b64decode(json.loads((h.dir / 'accepted.jsonl').read_text().splitlines()[-1])['message_b64'])


def dns(h):
    def ask(name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        sel = name.partition('._domainkey.')[0]
        return h.records.get(sel, '').encode() or None
    return ask


def verified_by_us(h, message, tmp_path):
    zone = tmp_path / 'zone'
    zone.write_text(''.join('%s._domainkey.%s. TXT %s\n' % (n, DOMAIN, ' '.join('"%s"' % r[i:i + 200] for i in range(0, len(r), 200)))
                            for n, r in h.records.items()))
    out = subprocess.run([lab.BINARY, 'dkim', 'verify', '--zone', str(zone)], input=message, capture_output=True, timeout=30)
    return json.loads(out.stdout)


MAIL = 'From: Alice <alice@victim.example>\r\nTo: x@elsewhere.example\r\nSubject: a\r\n  folded\t subject\r\n\r\nHello.  \r\n\r\n.dot\r\n\r\n\r\n'


def test_T_SIGN_01_both_keys_sign_and_others_verify(house, tmp_path):
    m = submit(house, MAIL)
    assert m.count(b'\r\nDKIM-Signature:') + m.startswith(b'DKIM-Signature:') == 2
    for i in range(2):
        assert dkim.DKIM(m).verify(i, dnsfunc=dns(house)), i
    ours = verified_by_us(house, m, tmp_path)
    assert [s['result'] for s in ours['signatures']] == ['pass', 'pass']
    assert sorted(s['selector'] for s in ours['signatures']) == ['e1', 'r1'], 'neither next nor retiring signs'
    assert all(s['identity'] == 'alice@victim.example' for s in ours['signatures'])
    fields = re.findall(rb'(?m)^DKIM-Signature:(?:.*\r\n[ \t])*.*', m)
    for f in fields:
        tags = dict(t.strip().split(b'=', 1) for t in re.sub(rb'\s', b'', f.partition(b':')[2]).split(b';') if b'=' in t)
        assert b'l' not in tags and int(tags[b'x']) - int(tags[b't']) == 7 * 86400 and tags[b'h'].lower().split(b':').count(b'from') == 2


def test_T_SIGN_01_changed_on_the_way_is_seen(house, tmp_path):
    m = submit(house, MAIL)
    for old, new in ((b'Hello', b'Hallo'), (b'Subject: a', b'Subject: b')):
        try:
            assert not dkim.DKIM(m.replace(old, new)).verify(0, dnsfunc=dns(house))
        except dkim.ValidationError:
            pass
        assert verified_by_us(house, m.replace(old, new), tmp_path)['result'] == 'fail'
    assert verified_by_us(house, b'Cc: eve@evil.example\r\n' + m, tmp_path)['result'] == 'fail', 'oversigned'
    assert verified_by_us(house, b'List-Id: <l.example>\r\n' + m, tmp_path)['result'] == 'pass'


def test_A18_missing_fields_are_added_and_signed(house, tmp_path):
    m = submit(house, 'From: alice@victim.example\r\nBcc: secret@elsewhere.example\r\nSubject: x\r\n\r\nx\r\n')
    head = m.partition(b'\r\n\r\n')[0]
    assert re.search(rb'(?m)^Date: ', head) and re.search(rb'(?m)^Message-ID: <\w+@mx\.victim\.example>', head)
    assert b'secret@elsewhere' not in m
    assert verified_by_us(house, m, tmp_path)['result'] == 'pass'


def test_T_SIGN_01_long_messages_and_chunks(house, tmp_path):
    text = 'From: alice@victim.example\r\nSubject: long\r\n\r\n' + 'a line of text that is not short at all  \r\n' * 20000
    m = submit(house, text)
    assert len(m) > 800000 and verified_by_us(house, m, tmp_path)['result'] == 'pass'
    assert dkim.DKIM(m).verify(0, dnsfunc=dns(house))


def test_T_SIGN_01_an_alias_of_the_login_signs_too(house, tmp_path):
    m = submit(house, MAIL.replace('alice@', 'postmaster@'), sender='postmaster@victim.example')
    assert verified_by_us(house, m, tmp_path)['signatures'][0]['identity'] == 'postmaster@victim.example'
    assert verified_by_us(house, m, tmp_path)['result'] == 'pass'


def test_S13_T_SIGN_02_nobody_signs_as_somebody_else(house):
    answer = submit(house, MAIL.replace('alice@', 'bob@'))
    assert isinstance(answer, str) and '5.7.1' in answer
    answer = submit(house, 'From: alice@other.example\r\nSubject: x\r\n\r\nx\r\n')
    assert isinstance(answer, str) and '5.7.1' in answer


def test_T_SIGN_03_mail_of_strangers_is_never_signed(house):
    with house.smtp() as s:
        try:
            s.sendmail('ann@client.example', ['alice@victim.example'], 'From: ann@client.example\r\nSubject: x\r\n\r\nx\r\n')
        except smtplib.SMTPException:
            return
    m = base64.b64decode(json.loads((house.dir / 'accepted.jsonl').read_text().splitlines()[-1])['message_b64'])
    assert b'DKIM-Signature' not in m


def test_F9_private_halves_are_in_vault_alone(house):
    """The bytes of the key are found in vault's memory and in no other role's."""
    raw = openssl('pkey', '-in', house.keys['e1'], '-outform', 'DER')[-32:]
    submit(house, MAIL)

    def holds(pid):
        with open('/proc/%d/maps' % pid) as maps, open('/proc/%d/mem' % pid, 'rb', 0) as mem:
            for ln in maps:
                span, perm = ln.split()[:2]
                if 'r' not in perm or '[v' in ln:
                    continue
                a, b = (int(x, 16) for x in span.split('-'))
                try:
                    mem.seek(a)
                    if raw in mem.read(b - a):
                        return True
                except (OSError, ValueError):
                    pass
        return False
    found = {name for name, pid in house.roles().items() if holds(pid)}
    assert found == {'vault 0'}, found
