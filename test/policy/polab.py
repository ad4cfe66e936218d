# SPDX-License-Identifier: ISC
"""Whole-program tests of who may send: a server whose clients say with XCLIENT where they come from."""
import os
import re
import smtplib
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / 'peers')]
from dnslab import Nsd  # noqa: E402,F401
from lab import Postern, wait_for  # noqa: E402,F401

OUTSIDE = '198.51.100.66'


class House(Postern):
    """A server on loopback that takes XCLIENT from there; files named in tables are written first."""

    def __init__(self, path, extra='', tables=None, **kw):
        path = Path(path)

        def edit(text):
            for name, content in (tables or {}).items():
                (path / name).write_text(content)
                os.chmod(path / name, 0o644)
            return re.sub(r'(?m)^(listen\s+mx\s+\S+)[ \t]*$', r'\1 {\n    xclient from 127.0.0.1\n}', text)
        os.chmod(path.parent, 0o755)
        super().__init__(path, extra='limits {\n    spool-reserve 1M\n}\n' + extra, edit=edit, **kw)

    def rewrite(self, name, content):
        new = self.dir / (name + '.new')
        new.write_text(content)
        os.chmod(new, 0o644)
        os.rename(new, self.dir / name)

    def client(self, ip=OUTSIDE, helo='client.example'):
        return Client(self.port, ip, helo)

    def reply(self, sender, rcpt, ip=OUTSIDE):
        """The reply that ends a dialogue: of the connection, MAIL, or RCPT."""
        with self.client(ip) as c:
            return c.mail_rcpt(sender, rcpt)


class Client(smtplib.SMTP):
    def __init__(self, port, ip, helo):
        super().__init__('127.0.0.1', port, timeout=90)
        self.hello = helo
        self.ehlo(helo)
        self.greeted = self.docmd('XCLIENT', 'ADDR=' + ('IPV6:' + ip if ':' in ip else ip))
        if self.greeted[0] == 220:
            self.ehlo(helo)

    def mail_rcpt(self, sender, *rcpts):
        if self.greeted[0] != 220:
            return text(self.greeted)
        r = self.docmd('MAIL', 'FROM:<%s>' % sender)
        for rcpt in rcpts:
            if r[0] != 250:
                break
            r = self.docmd('RCPT', 'TO:<%s>' % rcpt)
        return text(r)

    def message(self, sender, rcpt, body='Subject: t\r\n\r\nhello\r\n'):
        r = self.mail_rcpt(sender, rcpt)
        if not r.startswith('250'):
            return r
        return text(self.data(body))

    def __exit__(self, *_):
        try:
            self.docmd('QUIT')
        except (smtplib.SMTPException, OSError):
            pass
        self.close()


def text(reply):
    return '%d %s' % (reply[0], reply[1].decode(errors='replace'))
