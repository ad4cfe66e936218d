# SPDX-License-Identifier: ISC
"""joe@forwardtome.com in all variants, over real DNS and several mail servers in namespaces of their own."""
import base64
import os

import pytest

import lab
from joelab import Scene, letter
from peerlab import wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0 or lab.AS != 'root', reason='network namespaces and port 25 need root')

ALIASES = 'postmaster: alice\njoe: joe@strict.example\ngone: nobody@strict.example\n'


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    """mike's server and the forwarder are postern, the next hop is strict and written by others."""
    path = tmp_path_factory.mktemp('ours')
    lab.open_way(path)
    with Scene(path) as scene:
        scene.out = scene.strict()
        scene.origin = scene.house('mike', 'somedomain.com', users=('mike', 'alice'))
        scene.forwarder = scene.house('forwarder', 'forwardtome.com', aliases=ALIASES)
        yield scene


def kept(scene, tag):
    def found():
        return [m for m in scene.out() if b'Subject: ' + tag.encode() in base64.b64decode(m['data'])]
    return wait_for(found, 30)


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
    m = ours.origin.wait_mail('alice', limit=40)[0]
    assert m['Subject'] == 'undeliverable'
    assert ours.send('liar', 'x@liar.example', srs, bounce).startswith('550')
    assert ours.send('liar', '', srs.replace('alice', 'mike'), bounce).startswith('550')
    ours.forwarder.wait_empty()
    assert len(ours.origin.mails('alice')) == 1
