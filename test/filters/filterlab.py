# SPDX-License-Identifier: ISC
"""Filters for tests: a milter and a policy service that do what a test tells them, and a server that asks them."""
import base64
import json
import socketserver
import struct
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / 'peers')]
import lab  # noqa: E402
from peerlab import House  # noqa: E402,F401

# What a milter may ask for (SMFIF_): everything.
ACTIONS = 0x1ff


class Threads(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True


class Milter:
    """Speaks the milter protocol (version 6) to each connection.  rules maps a command letter (C H M R T L N B E) to a list of
    frames sent as the answer: (letter, data); 'E' frames stand before the last one, which decides.  seen collects what came."""

    def __init__(self, rules=None, options=None, mangle=None):
        self.rules, self.options, self.mangle, self.seen = dict(rules or {}), options, mangle, []
        milter = self

        class Handler(socketserver.BaseRequestHandler):
            def need(self, n):
                data = b''
                while len(data) < n:
                    more = self.request.recv(n - len(data))
                    if not more:
                        raise EOFError
                    data += more
                return data

            def say(self, letter, data=b''):
                self.request.sendall(struct.pack('>I', len(data) + 1) + letter.encode() + data)

            def handle(self):
                try:
                    while True:
                        size = struct.unpack('>I', self.need(4))[0]
                        frame = self.need(size)
                        if not milter.answer(self, chr(frame[0]), frame[1:]):
                            return
                except (EOFError, OSError):
                    pass

        self.server = Threads(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, h, letter, data):
        self.seen.append((letter, data))
        if letter == 'O':
            if self.mangle:
                h.request.sendall(self.mangle)
                return True
            h.say('O', self.options or struct.pack('>III', 6, ACTIONS, 0))
        elif letter == 'Q':
            return False
        elif letter not in 'DAK':
            for answer in self.rules.get(letter, []) or [('c', b'')]:
                h.say(*answer)
        return True

    def letters(self):
        return ''.join(k for k, _ in self.seen)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Policy:
    """Postfix's access policy protocol: action(request) gives the text behind action=."""

    def __init__(self, action):
        self.action, self.seen = action, []
        policy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    request = {}
                    for line in self.rfile:
                        name, _, value = line.decode().rstrip('\n').partition('=')
                        if not name:
                            break
                        request[name] = value
                    if not request:
                        return
                    policy.seen.append(request)
                    self.wfile.write(('action=%s\n\n' % policy.action(request)).encode())

        self.server = Threads(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# Clients are strangers, although they come from loopback.
LOOSE_PEER = 'peer-address 198.51.100.66'
CONF = '''%s NAME {
    address inet:127.0.0.1:%d
    timeout 3s
    failure %s
}
test {
    accepted-file accepted.jsonl
    %s
}
'''


class Filtered(House):
    """A server whose strangers' mail the filter sees."""

    def __init__(self, path, port, kind='milter', failure='tempfail', more='', test=''):
        super().__init__(path, extra=(CONF % (kind, port, failure, test)).replace('NAME', 'f') + more)

    def accepted(self):
        name = self.dir / 'accepted.jsonl'
        out = [json.loads(ln) for ln in name.read_text().splitlines()] if name.exists() else []
        for m in out:
            m['text'] = base64.b64decode(m['message_b64']).decode('utf-8', 'replace')
        return out


def talk(house, text='Subject: t\r\nFrom: ann@client.example\r\n\r\nhello\r\n', sender='ann@client.example',
         to=('alice@example.test',)):
    """The replies of one transaction: [MAIL, RCPT..., DATA's end]; stops at the first refusal of MAIL."""
    with house.smtp() as s:
        s.ehlo('client.example')
        out = [s.docmd('MAIL', 'FROM:<%s>' % sender)]
        if out[-1][0] == 250:
            out += [s.docmd('RCPT', 'TO:<%s>' % r) for r in to]
            if any(c == 250 for c, _ in out[1:]):
                code = s.docmd('DATA')
                if code[0] == 354:
                    s.send(text.replace('\r\n.', '\r\n..') + '.\r\n')
                    code = s.getreply()
                out.append(code)
        return [(c, t.decode()) for c, t in out]


wait_for = lab.wait_for
