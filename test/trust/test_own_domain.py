# SPDX-License-Identifier: ISC
"""Nobody outside writes in the name of our domains: requirements-2 S1, S2, requirements-3 3.1 (1, 4, 10)."""
import dkim
import pytest

from decidelab import Lab, OURS, key_record, message, record, sign, site, txt

FRIEND = site('friend.example', '203.0.113.9', 'v=spf1 ip4:203.0.113.9 -all', 'p=reject', 's1')
ZONES = FRIEND + site('evil.example', '198.51.100.66', 'v=spf1 ip4:198.51.100.66 -all', 'p=none', 's1') + \
    site('list.example', '203.0.113.20', 'v=spf1 ip4:203.0.113.20 -all', None, 's1') + \
    record(OURS, 'MX', '10 mx.' + OURS + '.') + txt(OURS, 'v=spf1 ip4:203.0.113.77 -all') + key_record('saas', OURS)


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp('own'), ZONES) as h:
        yield h


PLACES = {'outside': '198.51.100.66', 'LAN': '192.168.1.20', 'localhost': None}


@pytest.mark.parametrize('place', PLACES)
def test_T_SPOOF_01_S1_telnet(house, place):
    """The lines of 2005: an envelope sender of ours, known or not, from anywhere."""
    for sender, code in (('bob@' + OURS, '550 5.7.1'), ('santa@' + OURS, '550 5.7.1'), ('x@sub.' + OURS, '550 5.7.1')):
        m = message('<%s>' % sender)
        fate, said = house.fate(sender, m, ip=PLACES[place])
        assert fate == code, said
    assert 'requires authentication' in said.text


@pytest.mark.parametrize('place', PLACES)
def test_T_SPOOF_02_S2_header(house, place):
    """A foreign envelope in perfect order, and From, Sender or both are ours."""
    for more in ({}, {'Sender': '<boss@%s>' % OURS}):
        for author in ('<ceo@%s>', '"The Boss" <boss@%s>', 'boss@%s (the boss)', '<ceo@unused.sub.%s>'):
            fate, said = house.fate('x@evil.example', message(author % OURS, **more), ip=PLACES[place])
            assert fate == '550 5.7.1' and 'requires authentication (own-domain)' in said.text, said
    fate, said = house.fate('x@evil.example', sign(message('<x@evil.example>', Sender='<boss@%s>' % OURS), 'evil.example'))
    assert fate == '550 5.7.1', said


def test_T_SPOOF_02_case_and_script(house):
    for author in ('<ceo@EXAMPLE.Test>', '=?utf-8?q?ceo?= <ceo@example.test>'):
        fate, said = house.fate('x@evil.example', message(author))
        assert fate == '550 5.7.1', said


def test_S2_spf_alone_is_no_proof(house):
    """From the address that our SPF record names, without a signature: Junk, not the inbox and not a refusal."""
    m = message('<shop@%s>' % OURS)
    fate, said = house.fate('bob@' + OURS, m, ip='203.0.113.77')
    assert fate == 'Junk', said
    assert b'Postern-Verdict: junk; reason=own-domain-spf' in house.stored(m)[1]


def test_S2_published_key_is_a_proof(house):
    """An outside service signs with a key that our DNS shows."""
    m = sign(message('<news@%s>' % OURS), OURS, 'saas')
    assert house.fate('bounce@list.example', m, ip='203.0.113.20')[0] == 'Inbox'
    broken = m.replace('as discussed', 'as disgusting')
    assert house.fate('bounce@list.example', broken, ip='203.0.113.20')[0] == '550 5.7.1'
    forged = sign(message('<news@%s>' % OURS), OURS, 'nokey')
    assert house.fate('bounce@list.example', forged, ip='203.0.113.20')[0] == '550 5.7.1'


def test_S2_list_keeps_its_reader(house):
    """Our mail through a foreign list that changes it: the list signs, so it is junked and not refused."""
    m = sign(message('<bob@%s>' % OURS, List_Id='Talk <talk.list.example>'), 'list.example')
    assert house.fate('talk-bounces@list.example', m, ip='203.0.113.20')[0] == 'Junk'
    unsigned = message('<bob@%s>' % OURS, List_Id='Talk <talk.list.example>')
    assert house.fate('talk-bounces@list.example', unsigned, ip='203.0.113.20')[0] == '550 5.7.1'


def test_T_INBOUND_OK(house):
    """Ordinary mail of others needs no login (3.1, 10)."""
    m = sign(message('Ann <ann@friend.example>'), 'friend.example')
    assert house.fate('ann@friend.example', m, ip='203.0.113.9')[0] == 'Inbox'
    assert house.fate('ann@friend.example', message('Ann <ann@friend.example>'), ip='203.0.113.9')[0] == 'Inbox'
    assert b'Authentication-Results: ' in house.stored(m)[1]


def own_key(house):
    """Selector and private key of this server's own signatures, as init made them."""
    import re
    line = re.search(r'(?m)^\s*dkim\s+(\S+)\s+(\S+)', house.server.conf.read_text())
    return line.group(1), (house.server.dir / line.group(2)).read_bytes()


def test_S1_S2_our_own_mail_comes_home(house):
    """A plain forward brings our signed mail back: the key of this server proves it, and no DNS shows that key."""
    selector, pem = own_key(house)

    def sign_as_we(text, include=None):
        return dkim.sign(text.encode(), selector.encode(), OURS.encode(), pem, canonicalize=(b'relaxed', b'relaxed'),
                         include_headers=include).decode() + text
    m = sign_as_we(message('Bob <bob@%s>' % OURS))
    assert house.fate('bob@' + OURS, m, ip='203.0.113.20')[0] == 'Inbox'
    assert house.fate('srs@list.example', sign_as_we(message('Bob <bob@%s>' % OURS)), ip='203.0.113.20')[0] == 'Inbox'
    for changed in (m.replace('as discussed', 'as disgusting'), m.replace('Subject: ', 'Subject: you '),
                    m.replace('Bob <bob', 'Bob <boss')):
        assert house.fate('bob@' + OURS, changed, ip='203.0.113.20')[0] == '550 5.7.1'
    half = sign_as_we(message('Bob <bob@%s>' % OURS), [b'from', b'date'])          # what a reader sees is not covered
    assert house.fate('bob@' + OURS, half, ip='203.0.113.20')[0] == '550 5.7.1'
