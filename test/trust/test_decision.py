# SPDX-License-Identifier: ISC
"""What becomes of mail from others, by what is known of its author: requirements-2 S6 to S21, requirements-3 3.1."""
import hashlib
import re
import time

import pytest

from decidelab import Lab, OURS, STRANGER, key_record, message, record, sign, site, txt

ZONES = site('friend.example', '203.0.113.9', 'v=spf1 ip4:203.0.113.9 -all', 'p=reject', 's1') + \
    site('plain.example', '203.0.113.10', 'v=spf1 ip4:203.0.113.10 ~all') + \
    site('nothing.example', '203.0.113.11') + \
    site('evil.example', STRANGER, 'v=spf1 ip4:%s -all' % STRANGER, 'p=none', 's1') + \
    site('strict.example', '203.0.113.12', 'v=spf1 ip4:203.0.113.12 -all', 'p=reject', 's1') + \
    site('quarantine.example', '203.0.113.13', 'v=spf1 ip4:203.0.113.13 -all', 'p=quarantine', 's1') + \
    site('none.example', '203.0.113.14', 'v=spf1 ip4:203.0.113.14 -all', 'p=none', 's1') + \
    site('plusall.example', '203.0.113.15', 'v=spf1 +all') + \
    site('bigbank.example', '203.0.113.16', 'v=spf1 ip4:203.0.113.16 -all', 'p=reject', 's1') + \
    site('parked.example', '203.0.113.17', 'v=spf1 -all') + \
    site('forwarder.example', '203.0.113.30', 'v=spf1 ip4:203.0.113.30 -all', None, 's1') + \
    site('inboxer.example', '203.0.113.31', 'v=spf1 ip4:203.0.113.31 -all', None, 's1') + \
    site('allowed.example', '203.0.113.32') + \
    record('nullmx.example', 'MX', '0 .') + txt('nullmx.example', 'v=spf1 ip4:203.0.113.18 ~all') + \
    record('helo.evil.example', 'A', STRANGER) + txt('helo.evil.example', 'v=spf1 a -all') + \
    record('helo.strict.example', 'A', '203.0.113.12') + txt('helo.strict.example', 'v=spf1 ip4:203.0.113.12 -all')
CONF = '''
protect bigbank.example
vip "Jane Doe" jane@example.test jane@friend.example
forwarder forwarder.example via spf-host owner joe reason "old address" until 2099-12-31
forwarder inboxer.example via net 203.0.113.31 for carol@example.test inbox
forwarder past.example via net 203.0.113.33 inbox until 2020-01-01
allow-author @allowed.example for bob@example.test owner bob reason "known by telephone"
relay to domain relayed.example
'''


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    with Lab(tmp_path_factory.mktemp('decision'), ZONES, CONF) as h:
        yield h


def refused(house, fate, mail_from, text, **kw):
    got, said = house.fate(mail_from, text, **kw)
    assert got == fate, said
    return said


def field(data, name):
    head = re.sub(r'\n[ \t]+', ' ', data.decode('latin-1').partition('\n\n')[0])
    return re.findall(r'(?mi)^%s:[ \t]*(.*)$' % name, head)


# ---- authors without policy ----

def test_T_NOSPF_01_S8_nobody_vouches(house):
    """No SPF, no DKIM: taken, into Junk, with the reason in the message."""
    m = message('Ann <ann@nothing.example>')
    assert house.fate('ann@nothing.example', m)[0] == 'Junk'
    data = house.stored(m)[1]
    assert field(data, 'Postern-Verdict') == ['junk; reason=author-unverified']
    assert field(data, 'Postern-Author') == ['unverified']
    assert 'dmarc=none' in field(data, 'Authentication-Results')[0]


def test_T_NOSPF_02_no_such_domain(house):
    refused(house, '550 5.1.8', 'ann@gone.example', message('<ann@gone.example>'))
    refused(house, '550 5.1.8', 'x@evil.example', message('<ann@gone.example>'))
    refused(house, '550 5.7.27', 'x@evil.example', message('<ann@nullmx.example>'))


def test_B14_T_FWD_06_spf_fail_alone_refuses_nothing(house):
    """SPF fails, DKIM passes: the inbox."""
    m = sign(message('<ann@friend.example>'), 'friend.example')
    assert house.fate('ann@friend.example', m, ip='192.0.2.200')[0] == 'Inbox'
    assert 'spf=fail' in field(house.stored(m)[1], 'Authentication-Results')[0]


def test_domain_that_sends_nothing(house):
    """v=spf1 -all and nothing else (RFC 7208 8.4): refused at MAIL, but its own DKIM could not be asked."""
    a = house.give('x@parked.example', message('<x@parked.example>'))
    assert (a.code, a.at) == (550, 'MAIL') and a.text.startswith('5.7.23')


def test_T_ALIGN_01_S8_unaligned_pass(house):
    """SPF of the envelope passes, the author is somebody else's."""
    m = message('<ann@nothing.example>')
    assert house.fate('x@evil.example', m)[0] == 'Junk'
    assert 'spf=pass' in field(house.stored(m)[1], 'Authentication-Results')[0]
    assert 'dmarc=none' in field(house.stored(m)[1], 'Authentication-Results')[0]


def test_T_SPFW_01_S12_weak_pass(house):
    """A pass that anybody has is worth nothing."""
    m = message('<x@plusall.example>')
    assert house.fate('x@plusall.example', m)[0] == 'Junk'
    assert 'spf=policy' in field(house.stored(m)[1], 'Authentication-Results')[0]
    assert house.fate('a@plain.example', message('<a@plain.example>'), ip='203.0.113.10')[0] == 'Inbox'


# ---- DMARC ----

def test_B8_dmarc_reject(house):
    """From an address that is not the domain's, without a signature: refused as its owner asks."""
    said = refused(house, '550 5.7.1', 'x@evil.example', message('<ceo@strict.example>'))
    assert 'DMARC policy of strict.example' in said.text
    refused(house, '550 5.7.1', 'ceo@strict.example', message('<ceo@strict.example>'))


def test_B8_dmarc_none_is_marked(house):
    m = message('<ceo@none.example>')
    assert house.fate('x@evil.example', m)[0] == 'Junk'
    results = field(house.stored(m)[1], 'Authentication-Results')[0]
    assert 'dmarc=fail' in results and 'dmarc=pass' not in results


def test_S14_broken_signature_is_junk(house):
    """A signature of the author that does not verify any more could be an honest forward: Junk, never the inbox."""
    m = sign(message('<ceo@strict.example>'), 'strict.example').replace('as discussed', 'as disgusting')
    assert house.fate('x@evil.example', m)[0] == 'Junk'
    assert field(house.stored(m)[1], 'Postern-Verdict') == ['junk; reason=dmarc']


def test_dmarc_quarantine(house):
    assert house.fate('x@evil.example', message('<ceo@quarantine.example>'))[0] == 'Junk'


def test_protected_name_is_refused_even_with_a_broken_signature(house):
    """requirements-3 3.1, 16: a universal spoof address cannot speak as the bank."""
    m = sign(message('<x@bigbank.example>'), 'bigbank.example').replace('as discussed', 'as disgusting')
    refused(house, '550 5.7.1', 'x@plusall.example', m)


# ---- forwarders and exceptions ----

def test_T_FWD_05_S14_forwarder_softens_one_level(house):
    """Through a forwarder we know: Junk instead of 550, never the inbox; our own domain gains nothing."""
    kw = dict(ip='203.0.113.30', helo='mx.forwarder.example')
    m = message('<ceo@strict.example>')
    assert house.fate('srs0=x@forwarder.example', m, **kw)[0] == 'Junk'
    refused(house, '550 5.7.1', 'srs0=x@forwarder.example', message('<ceo@%s>' % OURS), **kw)
    refused(house, '550 5.7.1', 'x@evil.example', message('<ceo@strict.example>'), ip=STRANGER, helo='mx.forwarder.example')


def test_forwarder_of_one_user(house):
    """inbox is for the users who asked for it, and recipients with different rules do not share a message."""
    kw = dict(ip='203.0.113.31', helo='mx.inboxer.example')
    m = message('<ceo@strict.example>')
    assert house.fate('x@inboxer.example', m, user='carol', to=['carol+old@' + OURS], **kw)[0] == 'Inbox'
    refused(house, '550 5.7.1', 'x@inboxer.example', message('<ceo@strict.example>'), **kw)
    a = house.give('x@inboxer.example', message('<ceo@strict.example>'), to=['carol@' + OURS, 'alice@' + OURS], **kw)
    assert (a.code, a.text[:5]) == (452, '4.5.3'), a


def test_exception_ends_with_its_day(house):
    refused(house, '550 5.7.1', 'x@evil.example', message('<ceo@strict.example>'), ip='203.0.113.33')


def test_allowed_author(house):
    m = message('<x@allowed.example>')
    assert house.fate('x@allowed.example', m, user='bob', to=['bob@' + OURS])[0] == 'Inbox'
    assert house.fate('x@allowed.example', message('<x@allowed.example>'))[0] == 'Junk'


def test_junk_without_a_mailbox_here(house):
    """A relayed recipient has no Junk folder: nothing is taken that would be lost."""
    a = house.give('ann@nothing.example', message('<ann@nothing.example>'), to=['x@relayed.example'])
    assert a.code == 550 and a.text.startswith('5.7.1') and a.at == 'DATA', a


def test_check_lists_exceptions(house):
    out = house.server.run('check', '--config', str(house.server.conf), check=False)
    for want in ('forwarder forwarder.example via spf-host owner "joe" reason "old address" until 2099-12-31',
                 'forwarder inboxer.example via net 203.0.113.31/32 for carol@example.test inbox; no owner named',
                 'allow-author @allowed.example for bob@example.test'):
        assert want in out.stdout + out.stderr, out.stdout + out.stderr


# ---- names that deceive ----

@pytest.mark.parametrize('author', ['"ceo@example.test" <x@evil.example>', 'x@evil.example (ceo@example.test)',
                                    '=?utf-8?b?Y2VvQGV4YW1wbGUudGVzdA==?= <x@evil.example>',
                                    '"The Boss boss@sub.example.test via phone" <x@evil.example>'])
def test_T_DISP_01_S6_address_as_a_name(house, author):
    m = sign(message(author), 'evil.example')
    assert house.fate('x@evil.example', m)[0] == 'Junk'
    assert field(house.stored(m)[1], 'Postern-Verdict') == ['junk; reason=display-address']


def test_T_DISP_02_S6_known_person(house):
    m = sign(message('"Jane DOE (CEO)" <x@evil.example>'), 'evil.example')
    assert house.fate('x@evil.example', m)[0] == 'Junk'
    assert field(house.stored(m)[1], 'Postern-Verdict') == ['junk; reason=display-vip']
    m = sign(message('Jane Doe <jane@friend.example>'), 'friend.example')
    assert house.fate('jane@friend.example', m, ip='203.0.113.9')[0] == 'Inbox'


def test_T_DISP_03_S6_ordinary_names(house):
    for name in ('"Doe, John"', 'Jane', '"ann@friend.example via Talk"', 'Jane D.'):
        m = sign(message('%s <x@evil.example>' % name), 'evil.example')
        assert house.fate('x@evil.example', m)[0] == 'Inbox', name


# ---- null sender ----

def test_T_NULL_01_S9_one_recipient(house):
    a = house.give('', message('<x@evil.example>'), to=['alice@' + OURS, 'bob@' + OURS])
    assert (a.code, a.text[:5]) == (452, '4.5.3'), a


def test_T_NULL_02_S9_helo_counts_only_aligned(house):
    """SPF of HELO passes for the attacker and says nothing of the author."""
    said = refused(house, '550 5.7.1', '', message('<ceo@strict.example>'), helo='helo.evil.example')
    assert 'DMARC' in said.text
    m = message('<postmaster@strict.example>')
    assert house.fate('', m, ip='203.0.113.12', helo='helo.strict.example')[0] == 'Inbox'


def test_T_NULL_03_S9_bounce_as_us(house):
    refused(house, '550 5.7.1', '', message('Mail Delivery System <mailer-daemon@%s>' % OURS))


@pytest.mark.parametrize('sender', ['(any@evil.example', '<any@evil.example>(x'])
def test_T_NULL_04_S9_no_alias_of_null(house, sender):
    a = house.give(sender, message('<ceo@strict.example>'))
    assert a.code in (501, 553, 555) and a.at == 'MAIL', a


# ---- replay, forged fields, content ----

def test_S15_expired_signature(house):
    """x= is honoured: an old copy of a signed message is an unsigned one."""
    text = message('<ann@friend.example>')
    import dkim
    from legit import key
    d = dkim.DKIM(text.encode())
    old = int(time.time()) - 10 * 86400
    tag = d.sign(b's1', b'friend.example', key()[0], canonicalize=(b'relaxed', b'relaxed')).decode()
    # dkimpy has no x=: sign a header that carries it by hand
    import base64
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    bh = re.search(r'bh=([^;]+);', tag.replace('\r\n ', '')).group(1)
    unsigned = 'v=1; a=rsa-sha256; c=relaxed/relaxed; d=friend.example; s=s1; t=%d; x=%d; h=from:to:subject:date; bh=%s; b=' % (
        old, old + 86400, bh.replace(' ', ''))
    names = dict(ln.split(': ', 1) for ln in text.partition('\r\n\r\n')[0].split('\r\n'))
    block = ''.join('%s:%s\r\n' % (h.lower(), names[h]) for h in ('From', 'To', 'Subject', 'Date')) + 'dkim-signature:' + unsigned
    k = serialization.load_pem_private_key(key()[0], None)
    b = base64.b64encode(k.sign(block.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    m = 'DKIM-Signature: ' + unsigned + b + '\r\n' + text
    got = house.fate('ann@friend.example', m, ip='192.0.2.201')[0]
    assert got == 'Junk'                    # a signature of the author is there, and it is no pass
    assert 'expired' in field(house.stored(m)[1], 'Authentication-Results')[0]


FORGED = ['Authentication-Results: {us}; dmarc=pass header.from=strict.example', 'authentication-results: {us}; spf=pass',
          'AUTHENTICATION-RESULTS:{us};dkim=pass', 'Authentication-Results:\r\n {us};\r\n dkim=pass',
          'Authentication-Results : {us}; dkim=pass', 'Authentication-Results: {us} 1; dkim=pass',
          'Authentication-Results: "{us}"; dkim=pass', 'Authentication-Results: (hi) {us} (you); dkim=pass',
          'Authentication-Results: {US}; dkim=pass', 'Authentication-Results: {us}.; dkim=pass',
          'Authentication-Results: (a (nested)) "{us}" 1; dkim=pass', 'Authentication-Results:\t{us}\t; dkim=pass',
          'Authentication-Results: ; dkim=pass', 'Authentication-Results: ;;;', 'Postern-Verdict: inbox',
          'postern-author: verified', 'Postern-Origin: x', 'POSTERN-Anything: y', 'Postern-Verdict:\r\n folded',
          'Authentication-Results: "\\{us}"; dkim=pass']


@pytest.mark.parametrize('n', range(len(FORGED)))
def test_T_AR_01_S20_forged_fields(house, n):
    """Whatever stands in our name and came from outside is gone; what others wrote stays."""
    us = 'mail.' + OURS
    forged = FORGED[n].format(us=us, US=us.upper())
    other = 'Authentication-Results: mx.other.example; dkim=pass\r\n'
    m = forged + '\r\n' + other + sign(message('<ann@friend.example>'), 'friend.example') 
    got, data = (house.fate('ann@friend.example', m, ip='203.0.113.9'), house.stored(m)[1])
    results = [r for r in field(data, 'Authentication-Results') + field(data, 'Authentication-Results ')]
    assert len(results) == 2 and results[0].startswith(us + ';') and 'mx.other.example' in results[1], results
    assert 'dmarc=pass header.from=friend.example' in results[0]
    ours = re.findall(r'(?mi)^postern-[a-z]+:.*', data.decode('latin-1').partition('\n\n')[0])
    if ' :' in forged:                      # old syntax is suspect whatever it says
        assert got[0] == 'Junk' and ours == ['Postern-Verdict: junk; reason=header-odd']
    else:
        assert got[0] == 'Inbox' and ours == []


def test_S21_reply_elsewhere_is_logged(house):
    m = sign(message('<x@evil.example>', Reply_To='<boss@friend.example>'), 'evil.example')
    assert house.fate('x@evil.example', m)[0] == 'Inbox'
    assert re.search(r'event=accepted .*author_domain=evil.example .*reply_to=elsewhere', house.server.log())


SMIME = ('This is signed.  \r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ntrailing blanks   \r\n.dot\r\n\ttab\t\r\n'
         '\u00e4\u00f6\u00fc\r\n\r\n\r\n--b\r\nContent-Type: application/%s; name=x\r\n\r\nMIIB\r\n--b--\r\n\r\n\r\n')


@pytest.mark.parametrize('kind,proto', [('pkcs7-signature', 'smime'), ('pgp-signature', 'openpgp')])
def test_B1_B2_signed_bodies_stay(house, kind, proto):
    """S/MIME and OpenPGP are not needed and not broken: every octet of the body stays."""
    body = SMIME % kind
    m = message('<ann@friend.example>', body=body).replace(
        'text/plain; charset=utf-8', 'multipart/signed; boundary=b; protocol="application/%s"; micalg=sha-256' % kind, 1)
    assert house.fate('ann@friend.example', m, ip='203.0.113.9')[0] == 'Inbox'
    stored = house.stored(m)[1].partition(b'\n\n')[2]
    want = body.encode('utf-8').replace(b'\r\n', b'\n')
    assert hashlib.sha256(stored).digest() == hashlib.sha256(want).digest()


def test_header_octets_stay(house):
    """What nobody has to change arrives octet by octet, odd folding included."""
    odd = 'X-Odd:   two  blanks \r\n\t folded\r\nx-ODD:none\r\nSubject'
    m = message('<ann@friend.example>').replace('Subject', odd, 1)
    assert house.fate('ann@friend.example', m, ip='203.0.113.9')[0] == 'Inbox'
    assert m.encode().replace(b'\r\n', b'\n') in house.stored(m)[1]


@pytest.mark.parametrize('name', ['To', 'Reply_To', 'Cc', 'X_Long'])
def test_A10_long_headers_arrive_whole(house, name):
    """6,500 addresses in one field: taken with every octet, or not taken."""
    many = ',\r\n '.join('u%d@somewhere.example' % i for i in range(6500))
    m = message('<ann@friend.example>', **{name: many}) if name != 'To' else message('<ann@friend.example>', to=many)
    m = sign(m, 'friend.example')
    assert house.fate('x@evil.example', m)[0] in ('Inbox', 'Junk')
    assert m.encode().replace(b'\r\n', b'\n') in house.stored(m)[1]
