# SPDX-License-Identifier: ISC
"""joe@forwardtome.com in all variants, over real DNS and several mail servers in namespaces of their own."""
import base64
import email
import email.policy
import os

import pytest

import lab
from joelab import Scene, letter
from peerlab import parse, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0 or lab.AS != 'root', reason='network namespaces and port 25 need root')

ALIASES = ('postmaster: alice\njoe: joe@strict.example\ngone: nobody@strict.example\n'
           'home: joe@joes.example\nother: alice@joes.example\n')
LISTED = 'forwarder forwardtome.com via spf-host for joe@joes.example\n'


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    """mike's server and the forwarder are postern, the next hop is strict and written by others."""
    path = tmp_path_factory.mktemp('ours')
    lab.open_way(path)
    with Scene(path) as scene:
        scene.out = scene.strict()
        scene.origin = scene.house('mike', 'somedomain.com', users=('mike', 'alice', 'pm'),
                                   aliases='postmaster: pm\ndead: nobody@strict.example\n',
                                   extra='senders {\n    unverified inbox\n}\n')
        scene.forwarder = scene.house('forwarder', 'forwardtome.com', aliases=ALIASES, extra='forward-unsigned wrap\n',
                                      forwards='bob bob@strict.example confirmed only\n')
        scene.home = scene.house('joe', 'joes.example', users=('joe', 'alice'), extra=LISTED)
        yield scene


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
    """The forwarder is a Postfix that keeps the sender; joe's provider is postern and joe has listed the forwarder."""
    path = tmp_path_factory.mktemp('raw')
    lab.open_way(path)
    with Scene(path) as scene:
        scene.origin = scene.house('mike', 'somedomain.com', users=('mike', 'alice'))
        scene.fix = scene.postfix({'joe@forwardtome.com': 'joe@joes.example', 'alice@forwardtome.com': 'alice@joes.example'})
        scene.home = scene.house('joe', 'joes.example', users=('joe', 'alice'), extra=LISTED)
        yield scene


def kept(scene, tag):
    def found():
        return [m for m in scene.out() if b'Subject: ' + tag.encode() in base64.b64decode(m['data'])]
    return wait_for(found, 30)


def folder(house, user, tag):
    """Where the mail of that subject lies: (folder, message)."""
    base = house.maildir(user)

    def look():
        for name, place in (('inbox', base / 'new'), ('junk', base / '.Junk' / 'new')):
            for f in place.iterdir() if place.is_dir() else ():
                m = parse(f)
                if m['Subject'] == tag:
                    return name, m
    try:
        return wait_for(look, 40)
    except AssertionError as e:
        raise AssertionError('%s has no %s\n%s' % (user, tag, house.log()[-3000:])) from e


def test_T_SRS_06_strict_receiver(ours):
    """Our forward passes SPF, DKIM and DMARC where -all and p=reject are enforced, and the content is untouched."""
    message = ours.key.sign(letter('strict'))
    ours.origin.sendmail('-f', 'mike@somedomain.com', 'joe@forwardtome.com', text=message)
    got = kept(ours, 'strict')
    assert len(got) == 1, got
    m = got[0]
    assert m['spf'] == 'pass' and m['dkim'] == ['somedomain.com'] and m['dmarc'] == 'pass', m
    assert m['mail_from'].startswith('SRS0=') and m['mail_from'].endswith('=somedomain.com=mike@forwardtome.com')
    assert base64.b64decode(m['data']).endswith(message)
    assert m['answer'].startswith('250')


def test_B13_bounce_comes_home(ours):
    """The next hop refuses: the forwarder's notice reaches mike's mailbox, once."""
    ours.origin.sendmail('-f', 'mike@somedomain.com', 'gone@forwardtome.com', text=ours.key.sign(letter('gone')))
    m = ours.origin.wait_mail('mike', limit=40)[0]
    assert 'nobody@strict.example' in m.as_string() and m['Return-Path'] == '<>'


def test_B13_late_bounce_through_srs(ours):
    """The next hop took it and bounces later, to the envelope sender it was given: home, once; not twice a recipient."""
    ours.origin.sendmail('-f', 'alice@somedomain.com', 'joe@forwardtome.com',
                         text=ours.key.sign(letter('late', 'alice@somedomain.com')))
    srs = kept(ours, 'late')[0]['mail_from']
    bounce = b'From: mailer@strict.example\r\nSubject: undeliverable\r\n\r\nsorry\r\n'
    assert ours.send('liar', '', srs, bounce).startswith('250')
    assert folder(ours.origin, 'alice', 'undeliverable')[1]['Return-Path'] == '<>'
    assert ours.send('liar', 'x@liar.example', srs, bounce).startswith('550')
    assert ours.send('liar', '', srs.replace('alice', 'mike'), bounce).startswith('550')
    ours.forwarder.wait_empty()
    ours.origin.wait_empty()
    assert len(list(ours.origin.maildir('alice').glob('**/new/*'))) == 1


def test_B13_unsigned_and_strict_is_wrapped(ours):
    """p=reject, SPF alone: behind us DMARC would fail, so the message goes whole inside one of ours, and passes."""
    message = letter('wrap')
    assert ours.send('mike', 'mike@somedomain.com', 'joe@forwardtome.com', message).startswith('250')
    m = kept(ours, 'wrap')[0]
    data = base64.b64decode(m['data'])
    outer = email.message_from_bytes(data, policy=email.policy.default)
    assert m['spf'] == 'pass' and m['dmarc'] != 'reject' and m['mail_from'].startswith('SRS0=')
    assert outer['Subject'] == 'Fwd: wrap' and 'postmaster@forwardtome.com' in outer['From']
    assert 'mike@somedomain.com' in outer['Reply-To'] and outer.get_content_type() == 'message/rfc822'
    assert data.endswith(message) and len(outer.get_all('Received')) >= 1
    ours.forwarder.wait_log('event=forward', 'act=wrap', 'rule=forward-unsigned-wrapped')
    ours.forwarder.wait_empty()
    assert len(kept(ours, 'wrap')) == 1


def test_R9_T_BNC_02_late_failure(ours):
    """Taken, and refused by the next hop: whoever SPF does not speak for is told nothing, postmaster gets the message."""
    assert ours.send('liar', 'x@nospf.example', 'dead@somedomain.com', letter('bnc', 'x@nospf.example'),
                     server='mike').startswith('250')
    where, m = folder(ours.origin, 'pm', 'bnc')
    assert m.get_content().startswith('Dear Joe')
    ours.origin.wait_log('event=undelivered', 'x@nospf.example')
    kept_back = ours.origin.queued('--undelivered')
    assert len(kept_back) == 1 and kept_back[0]['recipients'][0]['address'] == 'nobody@strict.example'
    assert 'nobody there' in kept_back[0]['recipients'][0]['reason']
    assert not [ln for ln in ours.origin.log().splitlines() if 'event=bounced' in ln and 'nospf' in ln]
    ours.origin.verb('queue', 'drop', '--undelivered')
    assert ours.origin.queued('--undelivered') == []
    assert ours.send('liar', 'x@liar.example', 'dead@somedomain.com', letter('bnc2', 'x@liar.example'),
                     server='mike').startswith('250')
    ours.origin.wait_log('event=bounced', 'to=x@liar.example')
    ours.origin.verb('queue', 'drop', '--all')


def results(m):
    field = ' '.join(m['Authentication-Results'].split())
    assert field.startswith('mx.joes.example') and sum('mx.joes' in f for f in m.get_all('Authentication-Results')) == 1
    return field


def test_T_JOE_1_direct(raw):
    """mike writes to joe at home: SPF passes and is aligned."""
    raw.origin.sendmail('-f', 'mike@somedomain.com', 'joe@joes.example', text=letter('direct', to='joe@joes.example'))
    where, m = folder(raw.home, 'joe', 'direct')
    assert where == 'inbox' and 'spf=pass' in results(m) and 'dmarc=pass' in results(m)


def test_T_JOE_2a_T_FWD_06_raw_forward_signed(raw):
    """Passed on as it is: SPF fails, the signature survives, the inbox."""
    raw.origin.sendmail('-f', 'mike@somedomain.com', 'joe@forwardtome.com', text=raw.key.sign(letter('2a')))
    where, m = folder(raw.home, 'joe', '2a')
    field = results(m)
    assert where == 'inbox' and 'spf=fail' in field and 'dkim=pass' in field and 'dmarc=pass' in field
    raw.origin.sendmail('-f', 'mike@somedomain.com', 'alice@forwardtome.com', text=raw.key.sign(letter('2a-alice')))
    assert folder(raw.home, 'alice', '2a-alice')[0] == 'inbox'           # whether she has listed the forwarder or not


def test_T_JOE_2b_raw_forward_unsigned_listed(raw):
    """No signature, p=reject, but joe named this forwarder: delivered and marked, not refused."""
    raw.origin.sendmail('-f', 'mike@somedomain.com', 'joe@forwardtome.com', text=letter('2b'))
    where, m = folder(raw.home, 'joe', '2b')
    assert where == 'junk' and 'dmarc=fail' in results(m) and m['Postern-Verdict'].startswith('junk')


def test_T_JOE_2c_raw_forward_unsigned_unlisted(raw):
    """The same for alice, who has not: 550, and mike is told by the forwarder."""
    raw.origin.sendmail('-f', 'mike@somedomain.com', 'alice@forwardtome.com', text=letter('2c'))
    line = wait_for(lambda: [ln for ln in (raw.fix.dir / 'maillog').read_text().splitlines() if 'status=bounced' in ln and
                             'alice@joes.example' in ln], 40)[0]
    assert '550 5.7.1' in line and 'DMARC' in line
    assert not (raw.home.maildir('alice') / '.Junk').exists() or 'Subject: 2c' not in ''.join(
        f.read_text() for f in (raw.home.maildir('alice') / '.Junk' / 'new').iterdir())


def test_T_JOE_2e_T_FWD_05_spoofer_through_the_listed_forwarder(raw):
    """A liar writes as mike through the forwarder that joe trusts: Junk, never the inbox."""
    assert raw.send('liar', 'mike@somedomain.com', 'joe@forwardtome.com', letter('2e')).startswith('250')
    where, m = folder(raw.home, 'joe', '2e')
    assert where == 'junk' and 'dmarc=fail' in results(m)
    assert raw.send('liar', 'x@liar.example', 'joe@forwardtome.com', letter('2e-own')).startswith('250')
    assert folder(raw.home, 'joe', '2e-own')[0] == 'junk'


def test_T_JOE_2d_srs(ours):
    """The forwarder rewrites: SPF passes for it; the signature decides where it lies."""
    ours.origin.sendmail('-f', 'mike@somedomain.com', 'home@forwardtome.com', text=ours.key.sign(letter('2d')))
    where, m = folder(ours.home, 'joe', '2d')
    field = results(m)
    assert where == 'inbox' and 'spf=pass' in field and 'dkim=pass' in field and 'dmarc=pass' in field
    assert m['Return-Path'].startswith('<SRS0=')
    plain = letter('2d-plain', 'mike@sometimes.example')
    assert ours.send('mike', 'mike@sometimes.example', 'home@forwardtome.com', plain).startswith('250')
    where, m = folder(ours.home, 'joe', '2d-plain')
    assert where == 'junk' and 'spf=pass' in results(m), 'unsigned, no policy: nobody vouches for the author'


def test_T_FWD_03_spoof_is_not_forwarded(ours):
    """A spoof that arrives at our forwarder: refused there, nothing goes out."""
    got = ours.send('liar', 'mike@somedomain.com', 'joe@forwardtome.com', letter('spoof'))
    assert got.startswith('550 5.7.1') or got.startswith("550 b'5.7.1"), got
    got = ours.send('liar', 'mike@sometimes.example', 'joe@forwardtome.com', letter('spoof2', 'mike@sometimes.example'))
    assert got.startswith('550'), got                               # junk for somebody without a mailbox here
    ours.forwarder.wait_empty()
    assert not [m for m in ours.out() if b'spoof' in base64.b64decode(m['data'])]


def test_T_FWD_03_forward_of_a_user(ours):
    """What fails is refused, what is junk stays in bob's Junk, what reaches the inbox is passed on and not kept."""
    got = ours.send('liar', 'mike@somedomain.com', 'bob@forwardtome.com', letter('bob-spoof'))
    assert got.startswith('550') and '5.7.1' in got, got
    assert ours.send('liar', 'mike@sometimes.example', 'bob@forwardtome.com',
                     letter('bob-junk', 'mike@sometimes.example')).startswith('250')
    assert folder(ours.forwarder, 'bob', 'bob-junk')[0] == 'junk'
    ours.forwarder.wait_log('event=forward', 'act=refuse', 'rule=forward-junk', 'made_by=confirmed-forward')
    ours.origin.sendmail('-f', 'mike@somedomain.com', 'bob@forwardtome.com', text=ours.key.sign(letter('bob-good')))
    assert kept(ours, 'bob-good')[0]['dmarc'] == 'pass'
    ours.forwarder.wait_empty()
    assert not ours.forwarder.mails('bob')
    assert not [m for m in ours.out() if b'bob-junk' in base64.b64decode(m['data']) or b'bob-spoof' in base64.b64decode(m['data'])]
