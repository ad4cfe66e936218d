# SPDX-License-Identifier: ISC
"""Composition attacks: two programs read one message and see two senders (requirements-2 S10, S11).

None of them reaches the inbox, and no result in our name says pass for the domain that is imitated.
"""
import base64
import re

import dkim
import pytest

from decidelab import Lab, OURS, STRANGER, key_record, message, record, sign, site, txt

BANK = 'bank.example'
ZONES = site(BANK, '203.0.113.10', 'v=spf1 ip4:203.0.113.10 -all', 'p=reject', 's1') + \
    site('nopolicy.example', '203.0.113.11', 'v=spf1 ip4:203.0.113.11 -all') + \
    site('evil.example', STRANGER, 'v=spf1 ip4:%s -all' % STRANGER, 'p=none', 's1') + \
    record('helo.evil.example', 'A', STRANGER) + txt('helo.evil.example', 'v=spf1 ip4:%s -all' % STRANGER) + \
    txt('sub.evil.example', 'v=spf1 ip4:%s -all' % STRANGER) + \
    key_record('selector._domainkey.evil.example', 'evil.example')
REST = 'To: <alice@%s>\r\nSubject: %%s\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@evil.example>\r\n' % OURS
GOOD = 'From: <x@evil.example>\r\n'
FAKE = 'From: <admin@bank.example>\r\n'
B64 = '=?utf-8?B?%s?=' % base64.b64encode(b'<admin@bank.example>').decode()


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp('composition'), ZONES) as h:
        yield h


def harmless(house, mail_from, raw, helo='helo.evil.example', imitated=(BANK, OURS)):
    raw = raw.replace('%s', re.search(r'Subject: (.*)\r', message('<x@evil.example>')).group(1), 1)
    fate, said = house.fate(mail_from, raw, helo=helo)
    assert fate != 'Inbox' and not fate.startswith('4'), (fate, said)
    if fate == 'Junk':
        data = house.stored(raw)[1].decode('latin-1')
        head = re.sub(r'\n[ \t]+', ' ', data.partition('\n\n')[0])
        ours = re.findall(r'(?mi)^Authentication-Results: mail\.example\.test;(.*)$', head)
        assert len(ours) == 1
        for name in imitated:
            assert not re.search(r'=pass[^;]*header\.(from|d)=%s' % re.escape(name), ours[0]), ours
    return fate


def signed(head, body='hi\r\n', domain='evil.example', **kw):
    return sign(head + '\r\n' + body, domain, **kw)


# name: (MAIL FROM, header section, HELO)
ESP = {
    'A1 helo passes, null sender': ('', FAKE + REST),
    'A2 helo passes, envelope of the victim': ('admin@bank.example', FAKE + REST),
    'A3 NUL in the selector': ('x@evil.example', 'DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; s=selector._domainkey.evil.example\0.x; '
                               'h=from; bh=AAAA; b=AAAA\r\n' + FAKE + REST),
    'A4 quote in the domain': ('x@evil.example', 'DKIM-Signature: v=1; a=rsa-sha256; d=bank.example\'a.evil.example; s=s1; h=from; bh=AA; b=AA\r\n'
                               + FAKE + REST),
    'A5 parenthesis in d=': ('x@evil.example', 'DKIM-Signature: v=1; a=rsa-sha256; d=bank.example(.evil.example; s=s1; h=from; bh=AA; b=AA\r\n'
                             + FAKE + REST),
    'A6 sub-domain envelope': ('any@sub.evil.example', FAKE + REST),
    'A7 route in From': ('x@evil.example', 'From: <@evil.example,@bank.example:admin@bank.example>\r\n' + REST),
    'A8 two From, theirs first': ('x@evil.example', GOOD + FAKE + REST),
    'A9 two From, the victim first': ('x@evil.example', FAKE + GOOD + REST),
    'A10 From with a space before the colon': ('x@evil.example', 'From : <admin@bank.example>\r\n' + GOOD + REST),
    'A11 From folded before the colon': ('x@evil.example', 'From\r\n : <admin@bank.example>\r\n' + GOOD + REST),
    'A12 first line begins with a blank': ('x@evil.example', ' From: <admin@bank.example>\r\n' + GOOD + REST),
    'A13 From without colon name, Sender is theirs': ('x@evil.example', FAKE + 'Sender: <x@evil.example>\r\n' + REST),
    'A14 Resent-From is theirs': ('x@evil.example', FAKE + 'Resent-From: <x@evil.example>\r\n' + REST),
    'A15 two addresses': ('x@evil.example', 'From: <admin@bank.example>, <x@evil.example>\r\n' + REST),
    'A16 encoded address': ('x@evil.example', 'From: %s <x@evil.example>,\r\n' % B64 + REST),
    'A17 encoded address alone': ('x@evil.example', 'From: %s\r\n' % B64 + REST),
    'A18 quoted pair': ('x@evil.example', 'From: <admin@bank.example>\\,<x@evil.example>\r\n' + REST),
    'A19 text behind the brackets': ('x@evil.example', 'From: <x@evil.example>admin@bank.example\r\n' + REST),
    'A20 two brackets': ('x@evil.example', 'From: <admin@bank.example><x@evil.example>\r\n' + REST),
    'A21 comma hidden in a comment': ('x@evil.example', 'From: admin@bank.example(,x@evil.example)\r\n' + REST),
}
WEAK = {
    '01 no From at all': ('x@evil.example', REST),
    '02 From is empty': ('x@evil.example', 'From:\r\n' + REST),
    '03 no From, Sender of the victim': ('x@evil.example', 'Sender: <admin@bank.example>\r\n' + REST),
    '04 empty envelope': ('', FAKE + REST),
    '05 group': ('x@evil.example', 'From: admins: <admin@bank.example>;\r\n' + REST),
    '06 address without domain': ('x@evil.example', 'From: <admin>\r\n' + REST),
    '07 control character': ('x@evil.example', 'From: <admin@bank.example\x01>\r\n' + REST),
    '08 bidirectional override': ('x@evil.example', 'From: "\u202eelpmaxe.knab" <x@evil.example>\r\n' + REST),
    '09 zero width': ('x@evil.example', 'From: <admin@bank\u200b.example>\r\n' + REST),
    '10 non-existing sub-domain of the victim': ('x@evil.example', 'From: <admin@no.such.bank.example>\r\n' + REST),
    '11 our own sub-domain': ('x@evil.example', 'From: <admin@no.such.%s>\r\n' % OURS + REST),
    '12 address as the name': ('x@evil.example', 'From: "admin@%s" <x@evil.example>\r\n' % OURS + REST),
    '13 literal for a domain': ('x@evil.example', 'From: <admin@[203.0.113.10]>\r\n' + REST),
    '14 several envelopes in one': ('x@evil.example,admin@bank.example', FAKE + REST),
    '15 domain with a final dot': ('x@evil.example', 'From: <admin@bank.example.>\r\n' + REST),
    '16 comment between local part and domain': ('x@evil.example', 'From: <admin@(x@evil.example)bank.example>\r\n' + REST),
}


@pytest.mark.parametrize('name', ESP)
def test_T_ESP_S10_composition(house, name):
    mail_from, head = ESP[name]
    harmless(house, mail_from, head + '\r\nhi\r\n')


@pytest.mark.parametrize('name', [n for n in ESP if '\0' not in ESP[n][1] and 'DKIM' not in ESP[n][1]])
def test_T_ESP_S10_signed_by_the_attacker(house, name):
    """The same with a valid signature of the attacker's own domain."""
    mail_from, head = ESP[name]
    word = re.search(r'Subject: (.*)\r', message('<x@evil.example>')).group(1)
    try:
        raw = signed(head.replace('%s', word, 1))
    except (dkim.DKIMException, IndexError):    # what dkimpy cannot read goes out with a signature of something else
        signature = signed(GOOD + REST.replace('%s', word, 1)).partition('From:')[0]
        raw = head.replace('%s', word, 1) + signature + '\r\nhi\r\n'
    harmless(house, mail_from, raw)


@pytest.mark.parametrize('name', WEAK)
def test_T_WEAK_S11_weak_links(house, name):
    mail_from, head = WEAK[name]
    harmless(house, mail_from, head + '\r\nhi\r\n')


def test_S11_grammar_names_the_place(house):
    """550 5.6.0 says what is wrong and where."""
    for head, words in (('Subject: %s\r\nFrom: <a@evil.example>, <b@evil.example>\r\n', 'From names several authors (octet '),
                        ('Subject: %s\r\nFrom: <a@evil.example>\r\nFrom: <a@evil.example>\r\n', 'there are several From fields (octet '),
                        ('Subject: %s\r\n', 'there is no From field')):
        said = house.give('x@evil.example', head.replace('%s', 'x') + '\r\nhi\r\n')
        assert said.code == 550 and said.text.startswith('5.6.0') and words in said.text, said
    said = house.give('x@evil.example', 'From: <a@evil.example>, <b@bank.example>\r\n\r\nhi\r\n')
    assert said.code == 550


@pytest.mark.parametrize('name', ['Subject', 'Date', 'Reply-To', 'Sender'])
def test_S11_twice(house, name):
    m = message('<x@evil.example>', **{name.replace('-', '_'): '<x@evil.example>'} if name in ('Reply-To', 'Sender') else {})
    m = m.replace('\r\nMIME-Version', '\r\n%s: <y@evil.example>\r\nMIME-Version' % name)
    if name in ('Reply-To', 'Sender'):
        assert m.count(name + ':') == 2
    said = house.give('x@evil.example', m)
    assert said.code == 550 and said.text.startswith('5.6.0'), said
