# SPDX-License-Identifier: ISC
"""Recipients: aliases, lists, includes, owners, loops, details, catch-all, virtual and system users, Maildir rules."""
import os
import pwd
import smtplib

import pytest

import lab
from peerlab import House, Hop, parse, wait_for

ALIASES = '''# sendmail's syntax
postmaster: alice
team: alice, bob,
      carol
Info: team
more: :include:{dir}/more.list
news: :include:{dir}/news.list
owner-news: bob
loop1: loop2
loop2: loop1
self: self, alice
outside: x@far.example
both: alice, x@far.example
"quoted name": carol
nobody-home: /dev/null
program: "|/bin/cat"
file: /tmp/should-not-be
'''


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    path = tmp_path_factory.mktemp('aliases') / 'h'
    with Hop() as hop, House(path, aliases=ALIASES.format(dir=path), in_domain='catch-all carol',
                             extra='test {\n    relay-from 127.0.0.0/8\n}\nroute far.example via [127.0.0.1]:%d\n'
                             % hop.port) as h:
        (path / 'more.list').write_text('# members\nalice\nbob@example.test, x@far.example\n')
        (path / 'news.list').write_text('gone@far.example\nalice\n')
        if lab.AS == 'user':
            lab.own(path, lab.NOBODY)
        h.hop = hop
        yield h.start()


def who_got(house, subject, n):
    """{user: copies} once n copies are there (and no more after the queue is empty)."""
    def counts():
        out = {}
        for user in house.users:
            k = sum(m['Subject'] == subject for m in map(parse, house.mails(user)))
            if k:
                out[user] = k
        out.update({r: 1 for m in house.hop.mails if b'Subject: %s\r\n' % subject.encode() in m['data']
                    for r in m['rcpt']})
        return out
    wait_for(lambda: sum(counts().values()) >= n, 20)
    house.wait_empty()
    return counts()


@pytest.mark.parametrize('to,want', [
    ('team', {'alice': 1, 'bob': 1, 'carol': 1}),
    ('TEAM', {'alice': 1, 'bob': 1, 'carol': 1}),
    ('info', {'alice': 1, 'bob': 1, 'carol': 1}),
    ('more', {'alice': 1, 'bob': 1, 'TO:<x@far.example>': 1}),
    ('both', {'alice': 1, 'TO:<x@far.example>': 1}),
    ('outside', {'TO:<x@far.example>': 1}),
    ('alice+lists', {'alice': 1}),
    ('team+x', {'alice': 1, 'bob': 1, 'carol': 1}),
    ('postmaster', {'alice': 1}),
    ('PostMaster', {'alice': 1}),
    ('whoever-it-is', {'carol': 1}),
    ('"quoted name"', {'carol': 1}),
    ('self', {'alice': 1}),
])
def test_A12_who_gets_it(house, to, want):
    subject = 'to ' + to.replace('"', '')
    house.send('Subject: %s\r\n\r\nx\r\n' % subject, to=['%s@example.test' % to])
    assert who_got(house, subject, sum(want.values())) == want


def test_bare_postmaster(house):
    """RFC 5321 4.5.1: <Postmaster> without a domain."""
    house.send('Subject: bare\r\n\r\nx\r\n', to=['Postmaster'])
    assert who_got(house, 'bare', 1) == {'alice': 1}


def test_several_recipients_that_meet_get_one_copy(house):
    house.send('Subject: meet\r\n\r\nx\r\n', to=['team@example.test', 'alice@example.test', 'info@example.test',
                                                 'bob+x@example.test'])
    assert who_got(house, 'meet', 3) == {'alice': 1, 'bob': 1, 'carol': 1}


def test_list_of_many_mailboxes(tmp_path):
    """More mailboxes than one batch holds open are taken by the next batch, not by the next attempt."""
    names = ['u%d' % i for i in range(200)]
    with House(tmp_path / 'h', users=names, aliases='postmaster: u0\nall: %s\n' % ', '.join(names)) as h:
        h.start()
        h.send('Subject: all\r\n\r\nx\r\n', to=['all@example.test'])
        wait_for(lambda: len(list((h.dir / 'mail/example.test').glob('u*/new/*'))) == 200, 20)
        assert 'too many mailboxes' not in h.log()


def test_owner_is_the_sender_of_a_list(house):
    house.send('Subject: list\r\n\r\nx\r\n', to=['news@example.test'])
    assert who_got(house, 'list', 2) == {'alice': 1, 'TO:<gone@far.example>': 1}
    m = [m for m in house.hop.mails if b'Subject: list' in m['data']][0]
    assert m['from'].startswith('FROM:<owner-news@example.test>')
    assert [m['Return-Path'] for m in map(parse, house.mails()) if m['Subject'] == 'list'] == [
        '<owner-news@example.test>']


def test_null_sender_stays_null_through_a_list(house):
    house.send('Subject: null\r\n\r\nx\r\n', sender='', to=['news@example.test'])
    assert who_got(house, 'null', 2)
    m = [m for m in house.hop.mails if b'Subject: null' in m['data']][0]
    assert m['from'].startswith('FROM:<>')


def test_loop_is_bounded_and_reported(house):
    """An alias that leads to itself: refused or returned, never spinning."""
    try:
        house.send('Subject: loop\r\n\r\nx\r\n', sender='bob@example.test', to=['loop1@example.test'])
    except smtplib.SMTPRecipientsRefused as e:
        assert list(e.recipients.values())[0][0] in (550, 554)
        return
    got = wait_for(lambda: [m for m in map(parse, house.mails('bob')) if m['From'] and 'Status: 5.4.6' in m.as_string()], 20)
    assert len(got) == 1
    house.wait_empty()


@pytest.mark.parametrize('to', ['program', 'file'])
def test_pipes_and_files_are_refused_for_now(house, to):
    """This version delivers neither to programs nor to files: the sender is told."""
    try:
        house.send('Subject: %s\r\n\r\nx\r\n' % to, sender='bob@example.test', to=['%s@example.test' % to])
        wait_for(lambda: [m for m in map(parse, house.mails('bob')) if to + '@example.test' in m.as_string()], 20)
    except smtplib.SMTPRecipientsRefused as e:
        assert list(e.recipients.values())[0][0] == 550
    assert not os.path.exists('/tmp/should-not-be')


def test_dev_null_takes_and_forgets(house):
    house.send('Subject: void\r\n\r\nx\r\n', sender='bob@example.test', to=['nobody-home@example.test'])
    house.wait_log('event=accepted', 'nobody-home@example.test')
    house.wait_empty()
    assert not [m for u in house.users for m in map(parse, house.mails(u)) if m['Subject'] == 'void']


def test_T_HARV_unknown_without_catch_all(tmp_path):
    with House(tmp_path / 'h') as h:
        h.start()
        with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
            h.send(to=['whoever@example.test'])
        code, text = list(e.value.recipients.values())[0]
        assert code == 550 and text.startswith(b'5.1.1')


def test_maildir_layout_and_modes(house):
    """Maildir as everybody reads it: tmp, new, cur; private; unique names; Return-Path and Delivered-To."""
    house.send('Subject: layout\r\n\r\nx\r\n', to=['alice+tag@example.test'])
    who_got(house, 'layout', 1)
    box = house.maildir()
    assert {p.name for p in box.iterdir()} >= {'tmp', 'new', 'cur'}
    assert not list((box / 'tmp').iterdir())
    for p in (box, box / 'new', box / 'cur', box / 'tmp'):
        assert p.stat().st_mode & 0o777 == 0o700
    for f in house.mails():
        assert f.stat().st_mode & 0o777 == 0o600 and ':' not in f.name and '/' not in f.name
    m = [m for m in map(parse, house.mails()) if m['Subject'] == 'layout'][0]
    assert list(m.keys())[:2] == ['Return-Path', 'Delivered-To']


def test_A14_two_domains_two_bases(tmp_path):
    """Users of one domain are not users of another."""
    extra = '''domain second.test {
    users file %s/users2
    deliver maildir %s/mail/{domain}/{user}
}
''' % (tmp_path / 'h', tmp_path / 'h')
    (tmp_path / 'h').parent.mkdir(exist_ok=True)
    with House(tmp_path / 'h', extra=extra) as h:
        (h.dir / 'users2').write_text('dora:{PLAIN}x::::::\n')
        os.chmod(h.dir / 'users2', 0o640)
        if lab.AS == 'user':
            lab.own(h.dir, lab.NOBODY)
        h.start()
        h.send(to=['dora@second.test'])
        wait_for(lambda: len(list((h.dir / 'mail/second.test/dora/new').glob('*'))) == 1 if (
            h.dir / 'mail/second.test/dora/new').exists() else False)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            h.send(to=['alice@second.test'])
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            h.send(to=['dora@example.test'])


def test_users_own_ids(tmp_path):
    """A passwd-file user with a uid of its own gets the mail as that uid."""
    if lab.AS != 'root':
        pytest.skip('only root can become the recipient')
    with House(tmp_path / 'h', deliver='deliver maildir %s/of-{user}/Maildir' % (tmp_path / 'h')) as h:
        home = h.dir / 'of-alice'
        home.mkdir()
        os.chown(home, 4711, 4712)
        (h.dir / 'users').write_text('alice:{PLAIN}x:4711:4712::%s::\n' % home)
        h.start()
        h.send()
        mail = wait_for(lambda: list((home / 'Maildir/new').glob('*')))[0]
        assert (mail.stat().st_uid, mail.stat().st_gid) == (4711, 4712)


def test_system_users(tmp_path):
    """Accounts of the machine, through NSS in lookup's child; mail is written as that account."""
    games = pwd.getpwnam('games')
    deliver = 'deliver maildir %s/spool-{user}/{user}' % (tmp_path / 'h')
    with House(tmp_path / 'h', deliver=deliver) as h:
        h.conf.write_text(h.conf.read_text().replace('users file %s/users' % h.dir, 'users system'))
        box = h.dir / 'spool-games'
        box.mkdir()
        if lab.AS == 'user':
            lab.own(h.dir, lab.NOBODY)
        else:
            os.chown(box, games.pw_uid, games.pw_gid)
        h.start()
        with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
            h.send(to=['no-such-account@example.test'])
        assert list(e.value.recipients.values())[0][0] == 550
        h.send(to=['games@example.test'])
        if lab.AS == 'user':
            h.wait_log('event=deferred', 'games@example.test')      # nobody but root can become games
            return
        mail = wait_for(lambda: [p for p in box.rglob('new/*')])[0]
        assert mail.stat().st_uid == games.pw_uid
