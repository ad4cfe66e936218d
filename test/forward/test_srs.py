# SPDX-License-Identifier: ISC
"""Aliases to outside addresses, and the way back of what bounces: one house, two next hops of ours, on loopback."""
import hashlib
import json
import os
import re
import signal
import smtplib

import pytest

from peerlab import Hop, House, wait_for

ALIASES = '''postmaster: alice
joe: joe@far.example
both: bob, both@far.example
list: a@far.example, b@far.example
owner-list: carol
'''
MESSAGE = (b'From: Mike <mike@client.example>\r\nTo: joe@example.test\r\nSUBJECT:   folded\r\n\tand  odd  \r\n'
           b'Message-ID: <%s@client.example>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\n'
           b'body  with trailing blanks  \r\n..dots\r\n\r\n\r\n')


class World:
    """The house, where its forwards go (far), where its bounces go (back)."""

    def __init__(self, path):
        self.far, self.back = Hop(), Hop()
        self.house = House(path / 'h', aliases=ALIASES, extra='accept-unresolvable-domains yes\n' + ''.join(
            'route %s via [127.0.0.1]:%d\n' % r for r in (
                ('far.example', self.far.port), ('client.example', self.back.port),
                ('first.example', self.back.port))))

    def __enter__(self):
        self.house.start()
        return self

    def __exit__(self, *_):
        self.house.__exit__()
        self.far.stop()
        self.back.stop()

    def forward(self, to, sender='mike@client.example', tag='m'):
        """Sends and answers what the next hop was given for it."""
        before = len(self.far.mails)
        with self.house.smtp() as s:
            s.sendmail(sender, [to], MESSAGE % tag.encode())
        wait_for(lambda: len(self.far.mails) > before)
        return self.far.mails[before]

    def ask(self, sender, *to):
        """The replies to RCPT."""
        with self.house.smtp() as s:
            s.ehlo('client.example')
            s.mail(sender)
            return [(code, text.decode()) for code, text in (s.rcpt(t) for t in to)]


@pytest.fixture(scope='module')
def w(tmp_path_factory):
    with World(tmp_path_factory.mktemp('srs')) as world:
        yield world


def address(mail):
    return re.match(r'FROM:<([^>]*)>', mail['from']).group(1)


@pytest.fixture(scope='module')
def minted(w):
    return address(w.forward('joe@example.test', tag='minted'))


def test_B13_alias_outside_is_rewritten(w, minted):
    """The envelope becomes ours and leads back; header and body go out as they came, below one trace field."""
    assert re.fullmatch(r'SRS0=[A-Z2-7]{16}=[A-Z2-7]{2}=client\.example=mike@example\.test', minted)
    m = w.forward('joe@example.test', tag='digest')
    mine = MESSAGE % b'digest'
    assert m['data'].endswith(mine) and m['rcpt'] == ['TO:<joe@far.example>']
    assert hashlib.sha256(m['data'][-len(mine):]).digest() == hashlib.sha256(mine).digest()
    trace = re.sub(rb'\r\n[ \t]', b' ', m['data'][:-len(mine)]).splitlines()
    assert trace and all(re.match(rb'(Received|Authentication-Results|Received-SPF):', ln) for ln in trace), trace
    w.house.wait_log('event=forward', 'act=srs', 'rule=forward-foreign-sender', 'made_by=admin-alias')


def test_B13_senders_that_stay(w):
    """The null sender, our own senders, and a list's owner are not rewritten."""
    assert address(w.forward('joe@example.test', sender='')) == ''
    before = len(w.far.mails)
    w.house.sendmail('-f', 'alice@example.test', 'joe@example.test')
    wait_for(lambda: len(w.far.mails) > before)
    assert address(w.far.mails[before]) == 'alice@example.test'
    assert address(w.forward('list@example.test')) == 'owner-list@example.test'


def test_B13_chain_of_forwarders(w):
    """What another forwarder made becomes SRS1 and keeps the first hop; a long sender of others passes."""
    first = 'SRS0=vmyz=2W=somewhere.example=mike@first.example'
    one = address(w.forward('joe@example.test', sender=first))
    assert re.fullmatch(r'SRS1=[A-Z2-7]{16}=first\.example==vmyz=2W=somewhere\.example=mike@example\.test', one)
    two = address(w.forward('joe@example.test', sender=one.replace('@example.test', '@third.example')))
    assert two == one                           # the hash of the hop between is dropped
    long = 'bounce-%s@client.example' % ('x' * 50)
    assert len(address(w.forward('joe@example.test', sender=long)).split('@')[0]) > 64


def test_R7_T_SRS_01_forged(w, minted):
    for bad in (minted.replace('client', 'victim'), minted.replace('=mike@', '=root@'), minted[:5] + 'AAAAAAAAAAAAAAAA' + minted[21:],
                'SRS0=vmyz=2W=victim.example=a@example.test', 'SRS1=AAAAAAAAAAAAAAAA=victim.example==a=b=c=d@example.test',
                'srs0+' + minted[5:9] + minted[21:], 'SRS0=@example.test'):
        code, text = w.ask('', bad)[0]
        assert code == 550 and '5.7.1' in text, (bad, text)


def test_R7_T_SRS_03_foreign_secret(w):
    """The right form, made under somebody else's secret."""
    out = w.house.run(
        'srs', 'forward', '--strong', '--domain', 'example.test', '--secret', 'x' * 32, '--', 'mike@client.example')
    code, text = w.ask('', json.loads(out.stdout)['address'])[0]
    assert code == 550 and '5.7.1' in text


def test_R7_T_SRS_04_non_null_sender(w, minted):
    code, text = w.ask('someone@client.example', minted)[0]
    assert code == 550 and '5.7.1' in text


def test_R7_T_SRS_05_two_recipients(w, minted):
    first, second = w.ask('', minted, 'bob@example.test')
    assert first[0] == 250 and second[0] == 550 and '5.7.1' in second[1]
    first, second = w.ask('', 'bob@example.test', minted)
    assert first[0] == 250 and second[0] == 550 and '5.7.1' in second[1]


@pytest.mark.parametrize('spell', [str, str.lower, str.upper])
def test_R7_T_SRS_good_bounce(w, minted, spell):
    """From <>, alone: to the original sender, once, still from <>, and nobody else."""
    before, far = len(w.back.mails), len(w.far.mails)
    with w.house.smtp() as s:
        s.sendmail('', [spell(minted)], b'From: <>\r\nSubject: bounce %s\r\n\r\nx\r\n' % spell.__name__.encode())
    w.house.wait_empty()
    got = w.back.mails[before:]
    assert len(got) == 1 and got[0]['rcpt'][0].lower() == 'to:<mike@client.example>' and address(got[0]) == ''
    assert len(w.far.mails) == far
    w.house.wait_log('event=srs_returned')


def test_B13_refusal_behind_us_comes_back(w, minted):
    """The next hop refuses what we forward: our notice goes to the true sender, not to the rewritten one."""
    before = len(w.back.mails)
    w.far.rules['RCPT'] = lambda arg, n: '550 5.1.1 gone'
    try:
        with w.house.smtp() as s:
            s.sendmail('mike@client.example', ['joe@example.test'], MESSAGE % b'refused')
        w.house.wait_empty()
    finally:
        del w.far.rules['RCPT']
    got = w.back.mails[before:]
    assert len(got) == 1 and got[0]['rcpt'][0].startswith('TO:<mike@client.example>') and b'Action: failed' in got[0]['data']


def test_B13_vault_dies(w, minted):
    """Without vault nothing is rewritten and nothing is lost: it goes when vault is back; its secrets are the same."""
    vault = [pid for name, pid in w.house.roles().items() if name.startswith('vault')]
    os.kill(vault[0], signal.SIGKILL)
    assert address(w.forward('joe@example.test', tag='after-vault')).startswith('SRS0=')
    wait_for(lambda: w.ask('', minted)[0][0] == 250)


def test_catch_all_takes_no_bounce_addresses(w):
    """An SRS address is ours or nobody's."""
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        w.house.send(sender='', to=['SRS0=AAAAAAAAAAAAAAAA=AA=a.example=b@example.test'])


def test_R7_secrets_outlive_a_reload(w, minted):
    """A new generation has a vault of its own, with the same secrets."""
    w.house.verb('reload')
    wait_for(lambda: 'generation=2' in w.house.log())
    assert wait_for(lambda: w.ask('', minted)[0][0] == 250)
    assert address(w.forward('joe@example.test', tag='reloaded')).startswith('SRS0=')


def test_R7_secrets_outlive_a_restart(w, minted):
    w.house.stop()
    w.house.start()
    assert w.ask('', minted)[0][0] == 250


def test_R9_T_BNC_01_unknown_in_session(w):
    """Who is not there is said at RCPT, and nothing is left to bounce."""
    code, text = w.ask('victim@client.example', 'nobody@example.test')[0]
    assert code == 550 and '5.1.1' in text
    assert not w.house.queued() and w.house.queued('--undelivered') == []


def test_R8_aliases_that_leave_go_alone(w):
    """A stranger's message has one verdict: recipients with and without a mailbox here do not share it."""
    with w.house.smtp() as s:
        s.ehlo('client.example')
        s.mail('a@client.example')
        assert [s.rcpt(t)[0] for t in ('joe@example.test', 'bob@example.test', 'list@example.test',
                                       'both@example.test')] == [250, 452, 250, 452]
        s.rset()
        s.mail('a@client.example')
        assert [s.rcpt(t)[0] for t in ('both@example.test', 'bob@example.test', 'joe@example.test')] == [250, 250, 452]
