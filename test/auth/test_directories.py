# SPDX-License-Identifier: ISC
"""Users in real directories: OpenLDAP, PostgreSQL, PAM, Dovecot's auth socket.  Each: right, wrong and unknown
passwords, injection through the name, and a directory that is down, which is 454 and never 235 or 535."""
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / 'peers')]
import lab  # noqa: E402
from authlab import House, Scram, scram_entry  # noqa: E402
from peerlab import Program  # noqa: E402
from test_dovecot import Dovecot  # noqa: E402

INJECTIONS = ["x' or '1'='1", '*', 'carol)(uid=*', 'carol,dc=x', "carol'--", '%u', 'carol\\', 'carol*']


def outcomes(h, user='carol', password='secret-c'):
    """The same questions for every store."""
    assert h.plain(user, password)[0] == 235
    assert h.plain(user + '@victim.example', password)[0] == 235
    assert h.plain(user, password + 'x')[0] == 535
    assert h.plain(user, '')[0] in (501, 535)
    assert h.plain('nobody', password)[0] == 535
    for name in INJECTIONS:
        code = h.plain(name, password)[0]
        assert code in (501, 535), (name, code)


def down(h, user='carol', password='secret-c', code=454):
    lab.wait_for(lambda: h.plain(user, password)[0] == code, 40, 0.3)
    assert h.plain(user, 'wrong')[0] == code


SLAPD = '''include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {dir}/slapd.pid
argsfile {dir}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 10485760
suffix "dc=victim,dc=example"
rootdn "cn=root,dc=victim,dc=example"
rootpw rootpw
directory {dir}/db
access to attrs=userPassword by anonymous auth by * none
access to * by * read
'''
LDIF = '''dn: dc=victim,dc=example
objectClass: dcObject
objectClass: organization
dc: victim
o: victim

dn: uid=carol,dc=victim,dc=example
objectClass: inetOrgPerson
uid: carol
cn: Carol
sn: C
mail: carol@victim.example
userPassword: secret-c

dn: uid=empty,dc=victim,dc=example
objectClass: inetOrgPerson
uid: empty
cn: Empty
sn: E
'''


class Slapd:
    def __init__(self, path):
        self.dir, self.port = path, lab.free_port()
        (path / 'db').mkdir(parents=True)
        (path / 'slapd.conf').write_text(SLAPD.format(dir=path))
        (path / 'data.ldif').write_text(LDIF)
        subprocess.run(['slapadd', '-f', path / 'slapd.conf', '-l', path / 'data.ldif'], check=True, capture_output=True,
                       timeout=60)
        self.program = Program(['slapd', '-d', '0', '-h', 'ldap://127.0.0.1:%d' % self.port, '-f', path / 'slapd.conf'],
                               lambda: lab.accepts(self.port), log=path / 'out')


@pytest.mark.parametrize('way', ['user_dn', 'search'])
def test_B10_ldap(tmp_path, way):
    ldap = Slapd(tmp_path / 'ldap')
    text = 'uri = ldap://127.0.0.1:%d\n' % ldap.port
    text += 'user_dn = uid=%u,dc=victim,dc=example\n' if way == 'user_dn' else \
        'base = dc=victim,dc=example\nfilter = (&(objectClass=inetOrgPerson)(mail=%w))\n'

    def before(path):
        (path / 'ldap').write_text(text)
        (path / 'ldap').chmod(0o600)
    h = House.make(tmp_path / 'h', passwords='passwords ldap DIR/ldap', before=before)
    try:
        outcomes(h)
        assert h.plain('empty', 'x')[0] == 535
        ldap.program.stop()
        down(h)
    finally:
        ldap.program.stop()
        h.stop()


@pytest.fixture
def postgres(tmp_path):
    """A cluster of its own, as the unprivileged user that PostgreSQL insists on."""
    who = pwd.getpwnam('postgres')
    top = tmp_path / 'pg'
    top.mkdir()
    lab.open_way(top)
    os.chown(top, who.pw_uid, who.pw_gid)
    port = lab.free_port()
    tools = sorted(Path('/usr/lib/postgresql').glob('*/bin'))[-1]

    def as_postgres(*argv, **kw):
        return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True, timeout=120, cwd=top,
                              user=who.pw_uid, group=who.pw_gid, extra_groups=[], **kw)
    as_postgres(tools / 'initdb', '-D', top / 'data', '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C')
    program = Program([tools / 'postgres', '-D', top / 'data', '-k', top, '-c', 'listen_addresses=127.0.0.1', '-p', port, '-F'],
                      lambda: lab.accepts(port), log=top / 'out', user=who.pw_uid, group=who.pw_gid, extra_groups=[], cwd=top)
    sql = ("create table users (name text, domain text, password text);"
           "insert into users values ('carol', 'victim.example', '%s'), ('empty', 'victim.example', '');"
           "create role mta login; grant select on users to mta;" % scram_entry('secret-c'))
    lab.wait_for(lambda: subprocess.run([str(tools / 'psql'), '-h', '127.0.0.1', '-p', str(port), '-U', 'postgres', '-c', 'select 1'],
                                        capture_output=True).returncode == 0, 30, 0.2)
    as_postgres(tools / 'psql', '-h', '127.0.0.1', '-p', port, '-U', 'postgres', '-c', sql)
    yield port, program
    program.stop()


def test_B10_postgresql(tmp_path, postgres):
    port, program = postgres

    def before(path):
        (path / 'sql').write_text('connect = host=127.0.0.1 port=%d user=mta dbname=postgres\n'
                                  'query = SELECT password FROM users WHERE name = %%u AND domain = %%d\n' % port)
        (path / 'sql').chmod(0o600)
    h = House.make(tmp_path / 'h', passwords='passwords postgresql DIR/sql', before=before)
    try:
        outcomes(h)
        assert h.plain('empty', 'x')[0] == 535
        s = Scram('carol', 'secret-c')
        assert h.auth('SCRAM-SHA-256', s.first(), s.answers())[0] == 235
        program.stop()
        down(h)
    finally:
        h.stop()


SERVICE = 'postern-test'


@pytest.fixture
def pam_service():
    where = Path('/etc/pam.d') / SERVICE
    yield where
    where.unlink(missing_ok=True)


@pytest.mark.skipif(os.getuid() != 0, reason='a PAM service is installed by root')
def test_B10_pam_account_says_no(tmp_path, pam_service):
    """Every password is right, no account is valid: the door opens, nobody enters."""
    pam_service.write_text('auth required pam_permit.so\naccount required pam_deny.so\n')
    h = House.make(tmp_path / 'h', passwords='passwords pam ' + SERVICE)
    try:
        assert h.plain('carol', 'secret-c')[0] == 535
    finally:
        h.stop()


ACCOUNT = 'posternpam'


@pytest.fixture
def account():
    made = subprocess.run(['useradd', '-M', '-N', '-s', '/usr/sbin/nologin', ACCOUNT], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    subprocess.run(['chpasswd'], input=ACCOUNT + ':secret-c\n', text=True, check=True)
    yield ACCOUNT
    subprocess.run(['userdel', ACCOUNT], capture_output=True)


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which('useradd'), reason='an account is made by root')
def test_B10_pam_unix(tmp_path, pam_service, account):
    """A system account, by pam_unix: right, wrong, locked."""
    pam_service.write_text('auth required pam_unix.so nodelay\naccount required pam_unix.so\n')
    h = House.make(tmp_path / 'h', passwords='passwords pam ' + SERVICE)
    try:
        outcomes(h, account)
        subprocess.run(['usermod', '-L', account], check=True)
        assert h.plain(account, 'secret-c')[0] == 535
        subprocess.run(['usermod', '-U', account], check=True)
        assert h.plain(account, 'secret-c')[0] == 235
        subprocess.run(['chage', '-E', '1970-01-02', account], check=True)
        assert h.plain(account, 'secret-c')[0] == 535
    finally:
        h.stop()


AUTH_SOCKET = '''
service auth {
  unix_listener postern {
    mode = 0666
  }
}
auth_failure_delay = 0
'''


@pytest.mark.skipif(os.getuid() != 0, reason="Dovecot's master wants root")
def test_A19_dovecot_auth_socket(tmp_path):
    d = Dovecot(tmp_path / 'd')
    with open(d.conf, 'a') as f:
        f.write(AUTH_SOCKET)
    (d.dir / 'users').write_text('carol:{PLAIN}secret-c:4711:4711::%s/mail/carol::\n' % d.dir)
    with d:
        h = House.make(tmp_path / 'h', passwords='passwords dovecot %s' % (d.dir / 'run' / 'postern'))
        try:
            outcomes(h)
            d.program.stop()
            time.sleep(0.2)
            down(h)
        finally:
            h.stop()
