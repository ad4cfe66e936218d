# SPDX-License-Identifier: ISC
"""What filters may do, and what they may not: a milter and a policy service that follow orders."""
import struct
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from filterlab import LOOSE_PEER, Filtered, Milter, Policy, lab, talk, wait_for  # noqa: E402

OK = [250, 250, 250]


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    """One server; each test gives the milter its orders."""
    with Milter() as m, Filtered(tmp_path_factory.mktemp('filters') / 'h', m.port, test=LOOSE_PEER) as h:
        h.start()
        h.milter = m
        yield h


@pytest.fixture(autouse=True)
def fresh(request):
    if 'house' in request.fixturenames:
        h = request.getfixturevalue('house')
        h.milter.rules, h.milter.seen = {}, []


def z(*parts):
    return b''.join(p.encode() + b'\0' for p in parts)


def codes(replies):
    return [c for c, _ in replies]


def order(house, **rules):
    house.milter.rules = rules


def test_milter_hears_the_whole_message(house):
    assert codes(talk(house)) == OK
    letters = [k for k, _ in house.milter.seen if k != 'D']
    assert ''.join(letters).rstrip('Q') == 'OCHMRTLLNBE'
    seen = dict((k, d) for k, d in house.milter.seen if k in 'HMRB')
    assert seen['H'] == z('client.example') and seen['B'] == b'hello\r\n'
    assert seen['M'].startswith(z('<ann@client.example>')) and seen['R'].startswith(z('<alice@example.test>'))
    headers = [d for k, d in house.milter.seen if k == 'L']
    assert headers[0].startswith(b'Subject\0')
    macros = b''.join(d for k, d in house.milter.seen if k == 'D')
    assert b'client.example' in macros


@pytest.mark.parametrize('letter,at', [('M', 0), ('R', 1), ('T', 2), ('E', 2)])
@pytest.mark.parametrize('answer,code', [(('r', b''), 550), (('t', b''), 451), (('y', z('554 5.7.9 no such thing')), 554)])
def test_milter_refuses_at_each_stage(house, letter, at, answer, code):
    before = len(house.accepted())
    order(house, **{letter: [answer]})
    replies = talk(house)
    assert replies[at][0] == code and codes(replies[:at]) == OK[:at]
    if answer[0] == 'y':
        assert replies[at][1] == '5.7.9 no such thing'
    assert len(house.accepted()) == before


def test_milter_refuses_one_recipient_of_two(house):
    milter = house.milter

    def answer(h, letter, data, old=milter.answer):
        if letter == 'R' and b'bob' in data:
            h.say('r')
            return True
        return old(h, letter, data)
    milter.answer = answer
    try:
        assert codes(talk(house, to=('alice@example.test', 'bob@example.test'))) == [250, 250, 550, 250]
        assert house.accepted()[-1]['rcpt_to'] == ['alice@example.test']
    finally:
        del milter.answer


def test_milter_changes_header_and_body(house):
    order(house, E=[('h', z('X-Added', 'yes')), ('i', struct.pack('>I', 0) + z('X-First', 'one')),
                    ('m', struct.pack('>I', 1) + z('Subject', 'other')), ('b', b'new body\r\n'), ('c', b'')])
    assert codes(talk(house)) == OK
    text = house.accepted()[-1]['text']
    head, _, body = text.partition('\r\n\r\n')
    assert body == 'new body\r\n' and 'X-Added: yes' in head and 'Subject: other' in head and 'Subject: t' not in head
    assert head.index('X-First: one') < head.index('Subject')


@pytest.mark.parametrize('name,value', [('X-A\r\nEvil: 1', 'v'), ('X A', 'v'), ('', 'v'), ('X-A', 'v\r\n\r\nbody'), ('X-A', 'v\r\nEvil: 1')])
def test_milter_cannot_inject_fields(house, name, value):
    order(house, E=[('h', z(name, value)), ('c', b'')])
    before = len(house.accepted())
    got = codes(talk(house))
    for m in house.accepted()[before:]:
        head, _, body = m['text'].partition('\r\n\r\n')
        assert body == 'hello\r\n' and not any(ln.startswith('Evil') for ln in head.split('\r\n'))
    assert got[-1] in (250, 451)


def test_milter_adds_and_removes_recipients_of_ours(house):
    order(house, E=[('+', z('<bob@example.test>')), ('-', z('<alice@example.test>')), ('c', b'')])
    assert codes(talk(house)) == OK
    assert house.accepted()[-1]['rcpt_to'] == ['bob@example.test']


def test_R1_milter_cannot_grant_relay(house):
    """A filter names a stranger's address, an unknown one of ours, and one of ours as the sender: nothing of it is done."""
    order(house, E=[('+', z('<victim@elsewhere.example>')), ('+', z('<nobody@example.test>')), ('c', b'')])
    assert codes(talk(house))[:2] == OK[:2]
    for m in house.accepted():
        assert not any('elsewhere.example' in r or 'nobody' in r for r in m['rcpt_to'])
    order(house, E=[('e', z('<alice@example.test>')), ('c', b'')])
    before = len(house.accepted())
    talk(house)
    assert all(m['mail_from'] != 'alice@example.test' for m in house.accepted()[before:])
    order(house, R=[('a', b'')], M=[('a', b'')], C=[('a', b'')])
    assert codes(talk(house, to=('victim@elsewhere.example',))) == [250, 550], 'accept is no grant'


def test_milter_discards_and_quarantines(house):
    before = len(house.accepted())
    order(house, E=[('d', b'')])
    assert codes(talk(house)) == OK and len(house.accepted()) == before
    house.wait_log('event=discarded', 'milter')
    order(house, E=[('q', z('looks odd')), ('c', b'')])
    assert codes(talk(house)) == OK
    held = wait_for(lambda: [m for m in house.queued() if m['held']])
    assert len(held) == 1
    house.wait_log('event=held', 'looks odd')
    house.queue('drop', '--all')


def test_milter_that_accepts_hears_no_more(house):
    order(house, M=[('a', b'')])
    assert codes(talk(house)) == OK
    assert not set(house.milter.letters()) & set('RTLNBE')


BROKEN = {
    'down': None, 'garbage': b'\xff' * 64, 'empty frame': struct.pack('>I', 0), 'huge frame': struct.pack('>I', 1 << 30) + b'O',
    'no options': struct.pack('>I', 2) + b'Oz', 'another letter': struct.pack('>I', 1) + b'c', 'reply': struct.pack('>I', 12) + b'y200 2.0.0 \0',
}


@pytest.mark.parametrize('failure,code', [('tempfail', 451), ('reject', 550), ('accept', 250)])
def test_filter_that_is_down_or_talks_nonsense(tmp_path, failure, code):
    with Milter() as m, Filtered(tmp_path / 'h', m.port, failure=failure) as h:
        h.start()
        for name, octets in BROKEN.items():
            m.mangle = octets
            if octets is None:
                continue
            got = codes(talk(h))
            assert got[0 if code != 250 else -1] == code, (name, got)
        m.mangle = None
        assert codes(talk(h)) == OK
        m.close()
        got = codes(talk(h))
        assert got[0 if code != 250 else -1] == code, ('down', got)
        h.wait_log('event=filter_failed')


def test_filter_that_is_slow_and_one_that_is_at_work(tmp_path):
    with Milter() as m, Filtered(tmp_path / 'h', m.port) as h:
        h.start()
        normal = m.answer
        m.answer = lambda c, letter, data: time.sleep(4.5) or True if letter == 'E' else normal(c, letter, data)
        t = time.monotonic()
        assert codes(talk(h))[-1] == 451 and 2.5 < time.monotonic() - t < 20

        def at_work(c, letter, data):
            if letter == 'E':
                for _ in range(4):
                    time.sleep(1.2)
                    c.say('p')
            return normal(c, letter, data)
        m.answer = at_work
        assert codes(talk(h)) == OK


# ---- policy services ----

@pytest.mark.parametrize('action,code', [
    ('OK', 250), ('DUNNO', 250), ('REJECT go away', 550), ('DEFER', 450), ('DEFER_IF_PERMIT later', 450), ('554 5.7.7 never', 554),
    ('451 4.3.5 later', 451), ('permit_mynetworks', 451), ('', 451), ('FILTER smtp:x', 451)])
def test_policy_service_actions(tmp_path, action, code):
    with Policy(lambda r: action) as p, Filtered(tmp_path / 'h', p.port, kind='policy-service') as h:
        h.start()
        got = codes(talk(h))
        assert got[1] // 100 == code // 100 and (code < 400 or got[1] == code or action.startswith('DEFER')), got
        first = p.seen[0]
        assert first['request'] == 'smtpd_access_policy' and first['protocol_state'] == 'RCPT'
        assert first['sender'] == 'ann@client.example' and first['recipient'] == 'alice@example.test'
        assert first['client_address'] == '127.0.0.1' and first['helo_name'] == 'client.example'


def test_R1_policy_service_cannot_grant_relay(tmp_path):
    def action(r):
        return {'hold': 'HOLD wait', 'prepend': 'PREPEND X-Policy: seen', 'discard': 'DISCARD'}.get(
            r['sender'].partition('@')[0], 'OK')
    with Policy(action) as p, Filtered(tmp_path / 'h', p.port, kind='policy-service', test=LOOSE_PEER) as h:
        h.start()
        assert codes(talk(h, to=('victim@elsewhere.example',))) == [250, 550]
        assert codes(talk(h, sender='prepend@client.example')) == OK
        assert 'X-Policy: seen\r\n' in h.accepted()[-1]['text'].partition('\r\n\r\n')[0]
        n = len(h.accepted())
        assert codes(talk(h, sender='discard@client.example')) == OK and len(h.accepted()) == n
        assert codes(talk(h, sender='hold@client.example')) == OK
        wait_for(lambda: [m for m in h.queued() if m['held']])


def test_policy_service_down(tmp_path):
    port = lab.free_port()
    with Filtered(tmp_path / 'h', port, kind='policy-service') as h:
        h.start()
        assert codes(talk(h))[1] == 451
        h.wait_log('event=filter_failed')
