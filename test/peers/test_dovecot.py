# SPDX-License-Identifier: ISC
"""A real Dovecot: mail into it over LMTP (Unix socket and TCP), and its doveadm reading our Maildirs."""
import grp
import os
import pwd
import subprocess

import pytest

import lab
from peerlab import House, Program, free_port, parse, wait_for

CONF = '''protocols = lmtp
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/dovecot.log
ssl = no
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login}
mail_location = {location}
mail_plugins = {plugins}
quota_full_tempfail = yes
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
passdb {{
  driver = passwd-file
  args = username_format=%n {dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%n {dir}/users
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    port = {port}
  }}
  client_limit = 1
}}
service anvil {{
  chroot =
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.test
  lmtp_save_to_detail_mailbox = no
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=64K
  quota_grace = 0
}}
'''


class Dovecot:
    """dovecot in the foreground below its own folder; users alice and bob (not carol)."""

    def __init__(self, path, quota=False, location=None):
        self.dir, self.port = path, free_port()
        path.mkdir(parents=True)
        lab.open_way(path)
        uid, gid = (4711, 4711)
        if location is None:
            (path / 'mail').mkdir()
            os.chown(path / 'mail', uid, gid)
        (path / 'users').write_text(''.join('%s:{PLAIN}x:%d:%d::%s/mail/%s::\n' % (u, uid, gid, path, u)
                                            for u in ('alice', 'bob')))
        accounts = [p.pw_name for p in pwd.getpwall() if p.pw_uid not in (0, 65534) and p.pw_uid < 1000]
        user = 'dovecot' if 'dovecot' in accounts else 'news'
        self.conf = path / 'dovecot.conf'
        self.conf.write_text(CONF.format(
            dir=path, user=user, group=grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name,
            login='dovenull' if 'dovenull' in accounts else 'games', port=self.port, uid=uid, gid=gid,
            location=location or 'maildir:%s/mail/%%n' % path, plugins='quota' if quota else ''))
        self.socket = path / 'run' / 'lmtp'

    def __enter__(self):
        self.program = Program(['dovecot', '-F', '-c', self.conf], lambda: lab.accepts(self.port),
                               log=self.dir / 'out')
        return self

    def __exit__(self, *_):
        self.program.stop()

    def doveadm(self, *args):
        r = subprocess.run(['doveadm', '-c', str(self.conf), *args], capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, r.stderr
        return r.stdout

    def subjects(self, user):
        out = self.doveadm('fetch', '-u', user, 'hdr.subject', 'all')
        return sorted(ln.partition(': ')[2] for ln in out.splitlines() if ln.startswith('hdr.subject'))


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="Dovecot's master wants root")
DELIVER = {'unix': lambda d: 'deliver lmtp %s' % d.socket, 'tcp': lambda d: 'deliver lmtp 127.0.0.1:%d' % d.port}


@needs_root
@pytest.mark.parametrize('way', ['unix', 'tcp'])
def test_A11_lmtp_into_dovecot(tmp_path, way):
    """Per-recipient results: alice and bob have it, carol is unknown there and her sender is told."""
    with Dovecot(tmp_path / 'd') as d, House(tmp_path / 'h', deliver=DELIVER[way](d)) as h:
        h.start()
        h.send('Subject: into\r\n\r\nx\r\n', sender='alice@example.test',
               to=['alice@example.test', 'bob@example.test', 'carol@example.test'])
        wait_for(lambda: d.subjects('bob') == ['into'], 20, 0.2)
        bounce = wait_for(lambda: [s for s in d.subjects('alice') if s != 'into'], 20, 0.2)
        assert len(bounce) == 1
        text = d.doveadm('fetch', '-u', 'alice', 'text', 'subject', bounce[0])
        assert 'Final-Recipient: rfc822; carol@example.test' in text and 'Status: 5.1.1' in text
        assert 'bob@example.test' not in text.split('message/delivery-status')[1].split('text/rfc822')[0]
        h.wait_empty()


@needs_root
def test_dovecot_over_quota_is_temporary(tmp_path):
    """452 for bob, who is full; alice has hers at once and once."""
    with Dovecot(tmp_path / 'd', quota=True) as d, House(tmp_path / 'h', deliver=DELIVER['unix'](d)) as h:
        h.start()
        for i in range(4):              # one after the other: Dovecot counts when it has stored
            h.send('Subject: fill %d\r\n\r\n%s' % (i, ('y' * 70 + '\r\n') * 300), to=['bob@example.test'])
            wait_for(lambda: h.log().count('event=removed') > i or 'status=4.2.2' in h.log())
        h.wait_log('bob@example.test', 'status=4.2.2')
        waiting = wait_for(lambda: h.queued('--recipient', 'bob@example.test'))
        assert waiting[0]['recipients'][0]['class'] == 'quota'
        h.send('Subject: small\r\n\r\nx\r\n', to=['alice@example.test'])
        wait_for(lambda: d.subjects('alice') == ['small'], 20, 0.2)
        had = len(d.subjects('bob'))
        assert 0 < had < 4
        d.doveadm('expunge', '-u', 'bob', 'mailbox', 'INBOX', 'all')
        h.verb('queue', 'retry', '--all')
        h.wait_empty()
        assert len(d.subjects('bob')) + had == 4


@needs_root
def test_dovecot_down_then_up(tmp_path):
    """While it is away mail waits; when it is back everything arrives, once."""
    d = Dovecot(tmp_path / 'd')
    with House(tmp_path / 'h', deliver=DELIVER['tcp'](d)) as h:
        h.start()
        for i in range(5):
            h.send('Subject: %d\r\n\r\nx\r\n' % i)
        h.wait_log('event=destination_dead')
        wait_for(lambda: len(h.queued()) == 5)
        with d:
            h.wait_empty(30)
            assert d.subjects('alice') == [str(i) for i in range(5)]


@needs_root
def test_doveadm_reads_our_maildir(tmp_path):
    """What local wrote is a Maildir for Dovecot: list, fetch, flag, and delivery goes on beside it."""
    with House(tmp_path / 'h') as h:
        d = Dovecot(tmp_path / 'd', location='maildir:%s/mail/example.test/%%n' % h.dir)
        h.start()
        for i in range(3):
            h.send('Subject: m%d\r\n\r\nbody %d\r\n.x\r\n' % (i, i))
        h.wait_mail(n=3)
        st = h.maildir().stat()
        d.conf.write_text(d.conf.read_text().replace('uid = 4711', 'uid = %d' % st.st_uid)
                          .replace('gid = 4711', 'gid = %d' % st.st_gid))
        (d.dir / 'users').write_text('alice:{PLAIN}x:%d:%d::/nonexistent::\n' % (st.st_uid, st.st_gid))
        with d:
            assert d.subjects('alice') == ['m0', 'm1', 'm2']
            assert 'body 2' in d.doveadm('fetch', '-u', 'alice', 'body', 'subject', 'm2')
            d.doveadm('flags', 'add', '-u', 'alice', '\\Seen', 'all')
            h.send('Subject: m3\r\n\r\nlate\r\n')
            wait_for(lambda: d.subjects('alice') == ['m0', 'm1', 'm2', 'm3'], 20, 0.2)
            seen = d.doveadm('search', '-u', 'alice', 'seen')
            assert len(seen.splitlines()) == 3
        assert len(list((h.maildir() / 'cur').iterdir())) + len(h.mails()) == 4
        assert all(parse(p)['Delivered-To'] for p in (h.maildir() / 'cur').iterdir())
