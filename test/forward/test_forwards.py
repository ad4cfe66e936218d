# SPDX-License-Identifier: ISC
"""Forwards that users asked for: kept here until their target confirms, then by the rules of all forwarding."""
import json
import re

import pytest

from peerlab import Hop, House, wait_for


class World:
    def __init__(self, path):
        self.far = Hop()
        file = path / 'h' / 'forwards'
        self.house = House(path / 'h', in_domain='forwards file %s' % file, limits=['forward-rate 3'],
                           extra='accept-unresolvable-domains yes\nroute far.example via [127.0.0.1]:%d\n' % self.far.port)
        file.write_text('# forwards of users\n')
        file.chmod(0o640)
        self.house.start()

    def forward(self, *args, check=True):
        return self.house.verb('forward', *args, check=check)

    def list(self):
        return {f['target']: (f['state'], f['only']) for f in json.loads(self.forward('list', '--json').stdout)}

    def token(self, user, target, *args):
        """Asks for a forward; the token that was mailed to its target."""
        before = len(self.far.mails)
        self.forward('add', user, target, *args)
        wait_for(lambda: len(self.far.mails) > before)
        m = self.far.mails[before]
        assert m['rcpt'][0].startswith('TO:<%s>' % target) and 'postmaster@example.test' in m['from'], m
        return re.search(rb'forward confirm (\w+)', m['data']).group(1).decode()

    def seen(self, generation):
        """The server has taken up the file as it is now."""
        wait_for(lambda: self.house.log().count('event=tables ') > generation)

    def change(self, *args):
        generation = self.house.log().count('event=tables ')
        r = self.forward(*args)
        self.seen(generation)
        return r

    def mail(self, user, tag, sender='mike@client.example'):
        """Sends; the envelope senders under which it went out."""
        before, at_home = len(self.far.mails), len(self.house.mails(user))
        self.house.send('From: m@client.example\r\nSubject: %s\r\n\r\nx\r\n' % tag, sender, [user + '@example.test'])
        self.house.wait_empty()
        return [m['from'] for m in self.far.mails[before:]], len(self.house.mails(user)) - at_home


@pytest.fixture(scope='module')
def w(tmp_path_factory):
    world = World(tmp_path_factory.mktemp('forwards'))
    with world.house:
        yield world
    world.far.stop()


def test_R8_T_FWD_02_unconfirmed_stays_here(w):
    """Asked for and not confirmed: kept locally. Confirmed: a copy leaves under a sender of ours. Removed: here again."""
    token = w.token('bob', 'bob@far.example')
    assert w.list() == {'bob@far.example': ('waiting', False)}
    assert token not in (w.house.dir / 'forwards').read_text()
    assert w.mail('bob', 'waiting') == ([], 1)
    bad = w.forward('confirm', 'f' * 32, check=False)
    assert bad.returncode == 65 and 'no forward waits' in bad.stderr
    w.change('confirm', token)
    assert w.list() == {'bob@far.example': ('confirmed', False)}
    out, here = w.mail('bob', 'confirmed')
    assert here == 1 and len(out) == 1 and re.match(r'FROM:<SRS0=.*=client\.example=mike@example\.test>', out[0])
    w.house.wait_log('event=forward', 'made_by=confirmed-forward', 'act=srs')
    assert w.forward('confirm', token, check=False).returncode == 65           # a token is used once
    w.change('remove', 'bob', 'bob@far.example')
    assert w.mail('bob', 'removed') == ([], 1) and w.list() == {}
    assert w.forward('remove', 'bob', 'bob@far.example', check=False).returncode == 67


def test_R8_asked_again_voids_the_token(w):
    first = w.token('bob', 'again@far.example')
    second = w.token('bob', 'again@far.example')
    assert w.forward('confirm', first, check=False).returncode == 65
    w.change('confirm', second)
    w.change('remove', 'bob', 'again@far.example')


def test_R8_no_copy_and_the_rate(w):
    """`only` keeps nothing here, but for what is over the rate of the forward."""
    w.change('add', 'carol@example.test', 'carol@far.example', '--only', '--trusted')
    assert w.list()['carol@far.example'] == ('confirmed', True)
    for n in range(3):
        out, here = w.mail('carol', 'n%d' % n)
        assert len(out) == 1 and here == 0
    assert w.mail('carol', 'over') == ([], 1)
    w.house.wait_log('rule=forward-rate')
    w.change('remove', 'carol', 'carol@far.example')


@pytest.mark.parametrize('target', ['|/bin/sh', '/var/mail/bob', ':include:/etc/passwd', 'bob', 'a@b.example,c@d.example',
                                    'a@b.example confirmed', ''])
def test_T_FWD_01_addresses_only(w, target):
    r = w.forward('add', 'bob', target, '--trusted', check=False)
    assert r.returncode == 65 and 'one whole address' in r.stderr
    assert w.list() == {}


def test_T_FWD_01_what_stands_in_the_file_by_hand(w):
    """A program in the file: the file is refused with its line, the last good one stays in force, nothing runs."""
    file = w.house.dir / 'forwards'
    before = file.read_text()
    file.write_text(before + 'bob |/bin/sh confirmed\n')
    w.house.wait_log('forwards', 'one whole address')
    assert w.mail('bob', 'program') == ([], 1)
    generation = w.house.log().count('event=tables ')
    file.write_text(before)
    wait_for(lambda: w.house.log().count('event=table') > generation)


def test_R8_usage(w):
    for args in ((), ('add', 'bob'), ('confirm',), ('open', 'x'), ('add', 'bob', 'x@far.example', '--sudo')):
        assert w.forward(*args, check=False).returncode == 64
    assert w.forward('add', 'bob@other.example', 'x@far.example', check=False).returncode == 78
    assert w.forward('add', '../bob', 'x@far.example', check=False).returncode == 65
