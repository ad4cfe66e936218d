# SPDX-License-Identifier: ISC
"""A receiver that believes nothing: pyspf at MAIL, dkimpy and a plain DMARC at the final dot; a fail is refused.

    strict.py ADDRESS NAMESERVER OUT.jsonl

Each message becomes a line of OUT: what it was given, what the checks said, what was answered.
"""
import base64
import email
import json
import re
import socketserver
import sys

import dkim
import dns.resolver
import spf


def txt(name, **_):
    try:
        answer = dns.resolver.resolve(name if isinstance(name, str) else name.decode(), 'TXT')
        return b''.join(next(iter(answer)).strings)
    except dns.exception.DNSException:
        return None


def judge(data, sender_domain, spf_result):
    """dkim domains that pass, and DMARC as the receiver of a p=reject domain sees it (exact and sub-domains)."""
    passed = []
    message = email.message_from_bytes(data)
    for i, field in enumerate(message.get_all('DKIM-Signature', [])):
        if dkim.DKIM(data).verify(i, dnsfunc=txt):
            passed.append(re.search(r'\bd=([^;\s]+)', field).group(1))
    author = email.utils.parseaddr(message.get('From', ''))[1].rpartition('@')[2]
    policy = re.search(rb'\bp=(\w+)', txt('_dmarc.' + author) or b'')
    aligned = author in passed or (spf_result == 'pass' and sender_domain == author)
    dmarc = 'none' if not policy else 'pass' if aligned else policy.group(1).decode()
    return passed, dmarc


class Session(socketserver.StreamRequestHandler):
    def put(self, text):
        self.wfile.write(text.encode() + b'\r\n')

    def handle(self):
        self.put('220 strict.example ESMTP')
        helo, sender, rcpt, result = '', '', [], 'none'
        while line := self.rfile.readline():
            verb, _, arg = line.decode(errors='replace').strip().partition(' ')
            verb = verb.upper()
            if verb == 'EHLO':
                helo = arg
                self.put('250 strict.example')
            elif verb == 'MAIL':
                sender, rcpt = re.match(r'(?i)FROM:<([^>]*)>', arg).group(1), []
                result = spf.check2(self.client_address[0], sender or 'postmaster@' + helo, helo)[0]
                self.put('550 5.7.23 SPF: ' + result if result in ('fail', 'softfail') else '250 2.1.0 ok')
            elif verb == 'RCPT':
                rcpt.append(re.match(r'(?i)TO:<([^>]*)>', arg).group(1))
                unknown = rcpt[-1].startswith('nobody')
                self.put('550 5.1.1 nobody there' if unknown else '250 2.1.5 ok')
            elif verb == 'DATA':
                self.put('354 go ahead')
                data = b''
                while (part := self.rfile.readline()) not in (b'.\r\n', b''):
                    data += part[1:] if part.startswith(b'.') else part
                passed, dmarc = judge(data, sender.rpartition('@')[2], result)
                answer = '550 5.7.1 DMARC' if dmarc == 'reject' else '250 2.0.0 kept'
                with open(OUT, 'a') as f:
                    f.write(json.dumps(dict(mail_from=sender, rcpt=rcpt, spf=result, dkim=passed, dmarc=dmarc,
                                            answer=answer, data=base64.b64encode(data).decode())) + '\n')
                self.put(answer)
            else:
                self.put('221 2.0.0 bye' if verb == 'QUIT' else '250 2.0.0 ok')
                if verb == 'QUIT':
                    return


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True


if __name__ == '__main__':
    ADDRESS, NAMESERVER, OUT = sys.argv[1:]
    dns.resolver.default_resolver = dns.resolver.Resolver(configure=False)
    dns.resolver.default_resolver.nameservers = [NAMESERVER]
    Server((ADDRESS, 25), Session).serve_forever()
