# SPDX-License-Identifier: ISC
"""Tagged senders (BATV): what leaves is marked, bounces without our mark are refused where the domain asks for that."""
import re

import pytest

from peerlab import Hop, House, wait_for


@pytest.fixture(scope='module')
def w(tmp_path_factory):
    with Hop() as far:
        h = House(tmp_path_factory.mktemp('batv') / 'h', aliases='postmaster: carol\nout: x@far.example\n',
                  in_domain='tag-senders yes\n    tagged-bounces-only yes',
                  extra='accept-unresolvable-domains yes\nroute far.example via [127.0.0.1]:%d\n' % far.port)
        with h:
            h.start()
            h.far = far
            yield h


def leaves(w, to='x@far.example', sender='alice@example.test'):
    before = len(w.far.mails)
    w.sendmail('-f', sender, to)
    wait_for(lambda: len(w.far.mails) > before)
    return re.match(r'FROM:<([^>]*)>', w.far.mails[before]['from']).group(1), w.far.mails[before]


def bounce(w, *to, sender=''):
    with w.smtp() as s:
        s.ehlo('client.example')
        s.mail(sender)
        return [(code, text.decode()) for code, text in (s.rcpt(t) for t in to)]


def test_S9_batv_there_and_back(w):
    """alice's mail leaves as prvs=...=alice; the recipient is as she wrote it; the bounce reaches her, and only from her tag."""
    tagged, mail = leaves(w)
    assert re.fullmatch(r'prvs=\d{4}[0-9a-f]{6}=alice@example\.test', tagged) and mail['rcpt'][0].startswith('TO:<x@far.example>')
    w.send('Subject: bounce\r\n\r\nx\r\n', '', [tagged])
    assert w.wait_mail('alice')[0]['Subject'] == 'bounce'
    for bad in (tagged.replace('alice', 'bob'), tagged[:9] + 'ffffff' + tagged[15:], 'prvs=0000000000=alice@example.test'):
        code, text = bounce(w, bad)[0]
        assert code == 550 and '5.7.1' in text, (bad, text)
    assert bounce(w, tagged.replace('alice', 'nobody'))[0][0] == 550


def test_S9_batv_untagged_bounce(w):
    code, text = bounce(w, 'alice@example.test')[0]
    assert code == 550 and '5.7.1' in text
    assert bounce(w, 'postmaster@example.test')[0][0] == 250                 # RFC 5321 4.5.1
    assert bounce(w, 'alice@example.test', sender='a@client.example')[0][0] == 250


def test_S9_batv_aliases_and_local(w):
    """An alias of ours that leads away tags our senders too; mail that stays here is not marked."""
    assert leaves(w, 'out@example.test')[0].startswith('prvs=')
    w.sendmail('-f', 'alice@example.test', 'bob@example.test')
    assert w.wait_mail('bob')[0]['Return-Path'] == '<alice@example.test>'
