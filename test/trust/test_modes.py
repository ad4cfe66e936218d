# SPDX-License-Identifier: ISC
"""The decision when DNS is dead, when rules are only observed, with other switches, and behind LMTP."""
import re

from decidelab import Lab, OURS, STRANGER, lab, message, record, sign, site, txt

ZONES = site('friend.example', '203.0.113.9', 'v=spf1 ip4:203.0.113.9 -all', 'p=reject', 's1') + \
    site('nothing.example', '203.0.113.11') + \
    site('evil.example', STRANGER, 'v=spf1 ip4:%s -all' % STRANGER, 'p=none', 's1') + \
    record(OURS, 'MX', '10 mx.' + OURS + '.') + txt(OURS, 'v=spf1 ip4:203.0.113.77 -all')


def test_T_DNSDOWN_D6(tmp_path):
    """No DNS at all: what claims to be us is refused all the same, others are asked to come again."""
    dead = 'dns {\n    query-localhost yes\n    validate no\n    server 127.0.0.1:%d\n}\n' % lab.free_port()
    with Lab(tmp_path, dns=dead) as h:
        for sender in ('bob@' + OURS, 'santa@' + OURS):
            got, said = h.fate(sender, message('<%s>' % sender))
            assert got == '550 5.7.1', said
        for author in ('<ceo@%s>' % OURS, '<ceo@sub.%s>' % OURS):
            got, said = h.fate('', message(author))
            assert got == '550 5.7.1', said
        got, said = h.fate('', sign(message('<ceo@%s>' % OURS), OURS))       # its key cannot be asked for: come again
        assert got == '451 4.4.3', said
        got, said = h.fate('', message('<x@evil.example>'))
        assert got == '451 4.4.3', said
        got, said = h.fate('x@evil.example', message('<x@evil.example>'))
        assert got == '451 4.1.8', said


def test_observe_everything(tmp_path):
    """policy observe: each rule says in the log what it would have done, and the mail is delivered."""
    with Lab(tmp_path, ZONES, '\npolicy observe\n') as h:
        for mail_from, author, rule in (('bob@' + OURS, '<bob@%s>' % OURS, 'own-domain-claim'),
                                        ('x@evil.example', '<ceo@friend.example>', 'dmarc-reject'),
                                        ('x@evil.example', '<x@nothing.example>', 'author-unverified'),
                                        ('x@evil.example', '<x@evil.example>, <y@friend.example>', 'author-grammar'),
                                        ('x@evil.example', '<x@gone.example>', 'author-domain-gone'),
                                        ('x@evil.example', '"ceo@%s" <x@evil.example>' % OURS, 'display-address')):
            got, said = h.fate(mail_from, message(author))
            assert got == 'Inbox', (rule, said)
            lab.wait_for(lambda: 'event=observed' in h.server.log() and re.search('rule=%s ' % rule, h.server.log()))


def test_observe_one(tmp_path):
    rule = 'own-domain-claim'
    with Lab(tmp_path, ZONES, '\npolicy observe %s\n' % rule) as h:
        assert h.fate('x@evil.example', message('<bob@%s>' % OURS))[0] == 'Inbox'
        assert h.fate('x@evil.example', message('<x@nothing.example>'))[0] == 'Junk'
        out = h.server.run('check', '--config', str(h.server.conf), check=False)
        assert 'observe ' + rule in out.stdout + out.stderr


def test_switches(tmp_path):
    conf = '\nsenders {\n    unverified reject\n    dmarc-reject always\n    own-strict yes\n}\n'
    with Lab(tmp_path, ZONES, conf) as h:
        got, said = h.fate('x@evil.example', message('<x@nothing.example>'))
        assert got == '550 5.7.26', said
        broken = sign(message('<ceo@friend.example>'), 'friend.example').replace('as discussed', 'as disgusting')
        assert h.fate('x@evil.example', broken)[0] == '550 5.7.1'
        a = h.give('bob@' + OURS, message('<bob@%s>' % OURS))
        assert (a.code, a.at) == (550, 'RCPT') and 'must authenticate' in a.text


def test_switch_inbox(tmp_path):
    with Lab(tmp_path, ZONES, '\nsenders {\n    unverified inbox\n    dmarc-reject never\n}\n') as h:
        assert h.fate('x@evil.example', message('<x@nothing.example>'))[0] == 'Inbox'
        assert h.fate('x@evil.example', message('<ceo@friend.example>'))[0] == 'Junk'
        out = h.server.run('check', '--config', str(h.server.conf), check=False)
        assert 'unverified inbox' in out.stdout + out.stderr and 'dmarc-reject never' in out.stdout + out.stderr


def test_T_DKIM_REPLAY_S15(tmp_path):
    """The same signature again and again to people it does not name: Junk from the Nth on where that is wished."""
    conf = '\nsenders {\n    dkim-replay junk\n    dkim-replay-count 5\n}\nworkers 1\n'
    with Lab(tmp_path, ZONES, conf) as h:
        fates = []
        for i in range(7):
            m = sign(message('<ann@friend.example>', to='someone@else.example'), 'friend.example') if i == 0 else m
            before = {f: len(list((h.server.maildir() / f).glob('*'))) for f in ('new', '.Junk/new')}
            assert h.give('x@evil.example', m).code == 250
            lab.wait_for(lambda: any(len(list((h.server.maildir() / f).glob('*'))) > n for f, n in before.items()))
            fates.append(len(list((h.server.maildir() / '.Junk/new').glob('*'))))
        assert fates == [0, 0, 0, 0, 0, 1, 2], fates
        named = sign(message('<ann@friend.example>'), 'friend.example')
        for _ in range(7):                                      # who names its recipient is no replay
            assert h.give('x@evil.example', named).code == 250
        lab.wait_for(lambda: len(list((h.server.maildir() / 'new').glob('*'))) == 12)


def test_junk_by_LMTP(tmp_path):
    """The reason in a field of the message for those who sort, a detail where it is wished; bounced is nothing."""
    from peerlab import Hop
    with Hop() as hop:
        path = tmp_path / 'x'
        path.mkdir()

        def edit(text):
            return re.sub(r'(?m)^(\s*deliver\s+).*$', r'\g<1>lmtp 127.0.0.1:%d\n    junk-detail Junk' % hop.port, text)
        with Lab(path, ZONES, more=edit) as h:
            junk, good = message('<x@nothing.example>'), message('<ann@friend.example>')
            assert h.give('x@nothing.example', junk, to=['alice+sales@' + OURS]).code == 250
            assert h.give('ann@friend.example', good, ip='203.0.113.9', to=['alice+sales@' + OURS]).code == 250
            lab.wait_for(lambda: len(hop.mails) == 2)
            found = {m['rcpt'][0].split('>')[0] + '>': m['data'] for m in hop.mails}
            assert set(found) == {'TO:<alice+Junk@%s>' % OURS, 'TO:<alice+sales@%s>' % OURS}, found.keys()
            assert b'Postern-Verdict: junk; reason=author-unverified\r\n' in found['TO:<alice+Junk@%s>' % OURS]
            assert b'Postern-' not in found['TO:<alice+sales@%s>' % OURS]


def test_B2_our_users_must_sign(tmp_path):
    """senders { must-sign }: mail of ours without S/MIME or OpenPGP is refused, by its form alone; others' is not asked."""
    import socket

    with Lab(tmp_path, ZONES, '\nsenders {\n    must-sign any\n}\n') as h:
        def submit(text):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(str(h.server.dir / 'run' / 'submit'))
                f = s.makefile('rb')

                def say(line):
                    if line:
                        s.sendall(line)
                    while (got := f.readline())[3:4] == b'-':
                        pass
                    return got.decode()
                assert say(b'').startswith('220') and say(b'EHLO x\r\n').startswith('250')
                assert say(b'MAIL FROM:<alice@%s>\r\n' % OURS.encode()).startswith('250')
                assert say(b'RCPT TO:<bob@%s>\r\n' % OURS.encode()).startswith('250') and say(b'DATA\r\n').startswith('354')
                return say(text.encode().replace(b'\r\n.', b'\r\n..') + b'.\r\n')
        plain = message('<alice@%s>' % OURS)
        assert submit(plain).startswith('550 5.7.1 mail of our users'), submit(plain)
        for kind in ('pkcs7-signature', 'pgp-signature'):
            m = message('<alice@%s>' % OURS).replace('text/plain; charset=utf-8',
                                                     'multipart/signed; boundary=b;\r\n protocol="application/%s"' % kind, 1)
            assert submit(m).startswith('250'), kind
        opaque = message('<alice@%s>' % OURS).replace('text/plain; charset=utf-8', 'application/pkcs7-mime; smime-type=signed-data', 1)
        assert submit(opaque).startswith('250')
        for kind in ('multipart/signed; protocol="text/plain"', 'application/pkcs7-mime; smime-type=enveloped-data'):
            assert submit(message('<alice@%s>' % OURS).replace('text/plain; charset=utf-8', kind, 1)).startswith('550')
        assert h.fate('ann@friend.example', message('<ann@friend.example>'), ip='203.0.113.9')[0] == 'Inbox'
