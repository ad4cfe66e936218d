# SPDX-License-Identifier: ISC
"""A server that asks who wrote its mail, with a name server of its own and clients from any address.

One house serves a whole file of tests: postern with real Maildirs, nsd with the zones below .example and .test, and
XCLIENT so that each message can come from its own address.
"""
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / 'peers')]
import lab  # noqa: E402
import legit  # noqa: E402
from dnslab import Nsd  # noqa: E402

STRANGER = '198.51.100.66'
OURS = 'example.test'


def record(name, kind, *values):
    return ''.join('%s. %s %s\n' % (name, kind, v) for v in values)


def txt(name, text):
    parts = [text[i:i + 200] for i in range(0, len(text), 200)]
    return record(name, 'TXT', ' '.join('"%s"' % p for p in parts))


def site(domain, ip=None, spf=None, dmarc=None, key=None):
    out = record(domain, 'MX', '10 mx.%s.' % domain) + record('mx.' + domain, 'A', ip or '192.0.2.25')
    if spf:
        out += txt(domain, spf)
    if dmarc:
        out += txt('_dmarc.' + domain, 'v=DMARC1; ' + dmarc)
    if key:
        out += key_record(key, domain)
    return out


def key_record(selector, domain):
    der = legit.key()[1]
    return txt('%s._domainkey.%s' % (selector, domain), 'v=DKIM1; k=rsa; p=' + der)


sign = legit.sign
COUNT = [0]


def message(sender, subject=None, to='alice@' + OURS, body='Dear Alice,\r\n\r\nas discussed.\r\n', **more):
    """A message with a subject of its own, by which it is found."""
    COUNT[0] += 1
    return legit.message(sender, to, '%s %d-%d-%s' % (subject or 'mail', COUNT[0], time.monotonic_ns(), 'end'), body, **more)


def token(text):
    if isinstance(text, bytes):
        text = text.decode('latin-1')
    return re.search(r'\d+-\d+-end', text).group(0)


class Answer:
    def __init__(self, code, text, at):
        self.code, self.text, self.at = code, text, at      # at: the command that was answered so

    def __repr__(self):
        return '%d %s (%s)' % (self.code, self.text, self.at)


class Lab:
    """`with Lab(path, zones) as h`: h.give(...) speaks, h.place(...) says where a message is."""

    def __init__(self, path, zones='', conf='', users=('alice', 'bob', 'carol'), dns=None, more=str, **opt):
        self.nsd = None
        if dns is None:
            self.nsd = Nsd(path / 'nsd', port=lab.free_port())
            texts = {'example': '', 'test': ''}
            for line in zones.splitlines():
                name = line.split()[0].rstrip('.')
                texts[name.rpartition('.')[2]] += line + '\n'
            for name, text in texts.items():
                self.nsd.zone(name, text)
            self.nsd.zone('in-addr.arpa', '').zone('ip6.arpa', '').start()
            dns = self.nsd.conf(validate=False)

        def edit(text):
            return more(re.sub(r'(?m)^(listen\s+mx\s+\S+).*$', r'\1 {\n    xclient from 127.0.0.0/8\n}', text)) + \
                '\nlimits {\n    error-delay 0\n    retry 1s\n}\n'
        self.server = lab.Postern(path / 'p', domain=OURS, users=users, extra=dns + conf, edit=edit, check_senders=True, **opt)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        try:
            self.server.__exit__()
        finally:
            if self.nsd:
                self.nsd.stop()

    def give(self, mail_from, text, ip=STRANGER, helo='client.example', to=('alice@' + OURS,), port=None):
        """One message; the last reply, or the first refusal of MAIL or of every recipient."""
        data = text if isinstance(text, bytes) else text.encode('latin-1' if text.isascii() else 'utf-8')
        with self.server.smtp(port) as s:
            s.timeout = 60
            if ip:
                s.ehlo('proxy.example')
                code, said = s.docmd('XCLIENT', 'ADDR=' + (('IPV6:' + ip) if ':' in ip else ip))
                assert code == 220, said
            s.ehlo(helo)
            code, said = s.docmd('MAIL FROM:<%s>%s' % (mail_from, '' if data.isascii() else ' BODY=8BITMIME SMTPUTF8'))
            if code != 250:
                return Answer(code, said.decode(), 'MAIL')
            refused, taken = None, 0
            for rcpt in to:
                code, said = s.docmd('RCPT TO:<%s>' % rcpt)
                taken += code == 250
                refused = refused or (Answer(code, said.decode(), 'RCPT') if code != 250 else None)
            if not taken or (refused and len(to) > 1):
                return refused
            code, said = s.docmd('DATA')
            assert code == 354, (code, said)
            s.send(data.replace(b'\r\n.', b'\r\n..') + b'.\r\n')
            code, said = s.getreply()
            return Answer(code, said.decode(), 'DATA')

    def stored(self, text, user='alice', limit=20):
        """(folder, bytes) of the mail with that token; folder is Inbox or Junk."""
        word = token(text).encode()

        def look():
            box = self.server.maildir(user)
            for folder, where in (('Inbox', box / 'new'), ('Junk', box / '.Junk' / 'new')):
                for f in sorted(where.iterdir()) if where.is_dir() else ():
                    data = f.read_bytes()
                    if word in data:
                        return folder, data
            return None
        return lab.wait_for(look, limit)

    def fate(self, mail_from, text, user='alice', **kw):
        """'550 5.7.1', 'Inbox' or 'Junk', and the reply."""
        a = self.give(mail_from, text, **kw)
        if a.code != 250:
            return ' '.join([str(a.code), a.text.split()[0]]), a
        return self.stored(text, user)[0], a
