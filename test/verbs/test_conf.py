# SPDX-License-Identifier: ISC
"""init, check, config, user and map: what an administrator meets before the first message; and tables
that change while the server runs."""
import json
import os
import re
import smtplib
import socket
import stat
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lab  # noqa: E402


@pytest.fixture
def instance(tmp_path):
    for d in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        d.chmod(0o755)          # role uids must pass
    return lab.Postern(tmp_path / 'p', check_senders=True)


def effective(text):
    return [ln for ln in text.splitlines() if ln.strip() and not ln.strip().startswith('#')]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def check(p):
    """Exit status and the mistakes of `check`."""
    r = p.run('check', '--config', str(p.conf), '--json', check=False)
    return r.returncode, [m['text'] for m in json.loads(r.stdout)['mistakes']], json.loads(r.stdout)


def test_init_writes_a_whole_instance(instance):
    """A4: at most 15 effective lines, keys, users; secrets are the owner's alone."""
    d = instance.dir
    assert len(effective(instance.conf.read_text())) <= 15
    assert len(instance.conf.read_text().splitlines()) > 25         # and it is explained
    assert mode(d / 'users') == 0o600 and mode(d / 'tls/privkey.pem') == 0o600
    assert all(mode(f) == 0o600 for f in (d / 'dkim').iterdir())
    assert re.search(r'_domainkey\.example\.test\. IN TXT "v=DKIM1; k=rsa; p=', (d / 'dns.txt').read_text())
    assert [ln.split(':')[0] for ln in (d / 'users').read_text().splitlines()] == ['alice', 'bob']
    assert check(instance)[0] == 0


def test_init_overwrites_nothing(instance):
    before = instance.conf.read_bytes(), (instance.dir / 'users').read_bytes()
    r = instance.run('init', 'example.test', '--dir', str(instance.dir), check=False)
    assert r.returncode == 73 and 'is there already' in r.stderr
    assert before == (instance.conf.read_bytes(), (instance.dir / 'users').read_bytes())


@pytest.mark.parametrize('args', [('a b',), ('example.test', '--user', '../x'), ('example.test', '--listen-mx', 'x'), ()])
def test_init_refuses_nonsense(instance, tmp_path, args):
    assert instance.run('init', *args, '--dir', str(tmp_path / 'q'), check=False).returncode == 64
    assert not (tmp_path / 'q').exists()


def test_check_names_all_mistakes_at_once(instance):
    """Half-configured: every mistake with file:line:column, exit 78."""
    instance.conf.write_text('hostnam a.example\nlisten mx 1.2.3.4\ndomain x.example { users nobody }\nlimits {\n')
    r = instance.run('check', '--config', str(instance.conf), check=False)
    assert r.returncode == 78
    for want in (r":1:1: unknown word 'hostnam', did you mean 'hostname'\?", r':2:11: .*lacks a port',
                 r':3:26: write: users', r':4:8: block without', 'hostname is missing'):
        assert re.search(want, r.stderr), (want, r.stderr)
    r = instance.run('run', '--config', str(instance.conf), check=False)
    assert r.returncode == 78 and 'hostnam' in r.stderr


def break_key(p):
    (p.dir / 'tls/privkey.pem').chmod(0o644)


def break_dkim(p):
    next((p.dir / 'dkim').iterdir()).chmod(0o640)


def break_users_mode(p):
    (p.dir / 'users').chmod(0o644)


def break_users(p):
    (p.dir / 'users').write_text('alice:x\na/b:x\n')


def break_aliases(p):
    (p.dir / 'aliases').write_text('postmaster: alice\nno colon here\n')


def break_certificate(p):
    (p.dir / 'tls/fullchain.pem').write_text('nothing')


def break_spool(p):
    (p.dir / 'spool').rmdir()
    (p.dir / 'spool').write_text('')


def break_link(p):
    (p.dir / 'aliases').rename(p.dir / 'elsewhere')
    (p.dir / 'aliases').symlink_to('elsewhere')


@pytest.mark.parametrize('breaks,wants', [
    (break_key, r"privkey\.pem is a secret that others can read: chmod 600 '"),
    (break_dkim, r"dkim/.* is a secret that others can read: chmod 600 '"),
    (break_users_mode, r"users is a secret that others can read: chmod 640 '"),
    (break_users, r'users:2: bad user name'),
    (break_aliases, r"aliases:2: no ':' behind the name"),
    (break_certificate, r'fullchain\.pem: no whole certificate'),
    (break_spool, r'spool .* is not a directory'),
    (break_link, r'aliases is a symbolic link'),
])
def test_check_finds(instance, breaks, wants):
    breaks(instance)
    code, texts, _ = check(instance)
    assert code == 78 and len(texts) == 1 and re.search(wants, texts[0]), texts


def test_check_finds_a_port_in_use(instance):
    with socket.socket() as s:
        s.bind(('127.0.0.1', instance.port))
        s.listen()
        code, texts, _ = check(instance)
    assert code == 78 and 'port %d of 127.0.0.1 is in use' % instance.port in texts[0]


def test_check_lists_what_is_loosened(instance):
    instance.conf.write_text(instance.conf.read_text() + 'limits { hard-errors 500 }\nexempt from 192.0.2.0/24\n')
    code, _, answer = check(instance)
    assert code == 0
    assert answer['loosened'] == ['limits: hard-errors 500 (default 15)', 'exempt: 1 network']


def test_config_show_says_where_values_come_from(instance, tmp_path):
    instance.conf.write_text(instance.conf.read_text() + 'limits {\n message-size 10M\n}\n')
    line = len(instance.conf.read_text().splitlines()) - 1
    values = json.loads(instance.verb('config', 'show', '--json').stdout)
    by_name = {(v['block'], v['name']): v for v in values}
    assert by_name['limits', 'message-size'] == {
        'block': 'limits', 'of': '', 'name': 'message-size', 'value': '10M', 'from': '%s:%d' % (instance.conf, line)}
    assert by_name['limits', 'hard-errors']['from'] == 'default'
    again = instance.dir / 'again.conf'                              # what is shown is a configuration
    again.write_text(instance.verb('config', 'show').stdout)
    shown = instance.run('config', 'show', '--json', '--config', str(again)).stdout
    assert [v['value'] for v in json.loads(shown)] == [v['value'] for v in values]


def test_every_setting_is_in_the_manual(instance):
    manual = instance.run('config', 'manual').stdout
    names = {v['name'] for v in json.loads(instance.verb('config', 'show', '--json').stdout)}
    for name in names:
        assert '.It Ic %s ' % name in manual, name


def test_user_add_passwd_del_list(instance):
    def users():
        return [u['user'] for u in json.loads(instance.verb('user', 'list', '--json').stdout)]
    added = instance.verb('user', 'add', 'carol').stdout
    assert re.fullmatch(r'user carol@example\.test password \S{19}\n', added)
    assert users() == ['alice', 'bob', 'carol']
    assert instance.verb('user', 'add', 'Carol', check=False).returncode == 73
    before = (instance.dir / 'users').read_text()
    instance.verb('user', 'passwd', 'bob@example.test', '--stdin', input='secret word\n')
    after = (instance.dir / 'users').read_text()
    assert [a == b for a, b in zip(before.splitlines(), after.splitlines())] == [True, False, True]
    instance.verb('user', 'del', 'bob')
    assert users() == ['alice', 'carol']
    assert instance.verb('user', 'del', 'bob', check=False).returncode == 67
    assert instance.verb('user', 'add', '../x', check=False).returncode == 65
    assert mode(instance.dir / 'users') == 0o600
    assert check(instance)[0] == 0


@pytest.fixture
def server(instance):
    with open(instance.conf, 'a') as f:
        f.write('test { check-senders no; }\n')
    with instance.start():
        yield instance


def connect(p):
    return smtplib.SMTP('127.0.0.1', p.port, local_hostname='client.example', timeout=10)


def rcpt(p, address):
    with connect(p) as s:
        s.ehlo()
        s.docmd('MAIL FROM:<a@client.example>')
        return s.docmd('RCPT TO:<%s>' % address)[0]


def send(p, address):
    with connect(p) as s:
        s.sendmail('a@client.example', [address], 'Subject: x\n\nx\n')


def append(path, text):
    with open(path, 'a') as f:
        f.write(text)


def test_tables_follow_their_files(server):
    """A55: aliases are read as they are, at once; a file that turns bad keeps its last good state."""
    p = server
    assert rcpt(p, 'list@example.test') == 550
    append(p.dir / 'aliases', 'list: alice, bob\nowner-list: alice\n')
    lab.wait_for(lambda: rcpt(p, 'list@example.test') == 250)
    send(p, 'list@example.test')
    for user in ('alice', 'bob'):
        new = p.dir / 'mail/example.test' / user / 'new'
        lab.wait_for(lambda: new.is_dir() and list(new.iterdir()))
        assert list(new.iterdir())[0].read_text().startswith('Return-Path: <owner-list@example.test>')
    append(p.dir / 'aliases', 'broken\n')
    lab.wait_for(lambda: 'event=table_bad' in p.log())
    assert re.search(r'event=table_bad file=\S+/aliases line=\d+ why="no \':\' behind the name" last_good_kept=true', p.log())
    assert rcpt(p, 'list@example.test') == 250
    os.unlink(p.dir / 'users')
    lab.wait_for(lambda: p.log().count('event=table_bad') == 2)
    assert rcpt(p, 'alice@example.test') == 250
    assert rcpt(p, 'nobody@example.test') == 550


def test_postmaster_always_works(server):
    """F2: postmaster bare, at each name and address of ours, without an alias too."""
    p = server
    for text in ((p.dir / 'aliases').read_text(), '# none\n'):
        (p.dir / 'aliases').write_text(text)
        for address in ('postmaster', 'PostMaster@EXAMPLE.test', 'postmaster@mail.example.test',
                        'postmaster@[127.0.0.1]'):
            assert lab.wait_for(lambda: rcpt(p, address)) == 250, address
    lab.wait_for(lambda: 'generation=2' in ''.join(ln for ln in p.log().splitlines() if 'event=tables ' in ln))
    send(p, 'postmaster')
    new = p.dir / 'mail/example.test/alice/new'                      # the first user
    lab.wait_for(lambda: new.is_dir() and list(new.iterdir()))
