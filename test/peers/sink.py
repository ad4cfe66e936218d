#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted SMTP or LMTP server for tests: takes mail on several addresses, writes what it saw as JSON lines.

    sink.py --out FILE [--lmtp] [--plain] [--mode MODE] ADDRESS:PORT | [ADDRESS6]:PORT | /PATH ...

Modes: ok; greet421, greet554, endless, hugeline, crtricks, closerset, close-mail, close-data, close-dot, mute,
mute-dot, rubbish (hostile or broken servers); chunking (announces it).  In every mode the local part decides:
bad* is 550 5.1.1, later* 451 4.7.1, evil* a refusal full of control octets, dot-bad* refused after the message.
Standard library only; ends with its standard input.
"""
import argparse
import base64
import json
import os
import re
import socket
import socketserver
import sys
import threading
import time

LOCK = threading.Lock()
ARGS = None
COUNT = {'connection': 0}


def note(record):
    with LOCK, open(ARGS.out, 'a') as f:
        f.write(json.dumps(record) + '\n')


class Session(socketserver.StreamRequestHandler):
    timeout = 120

    def say(self, text):
        self.wfile.write(text.encode('latin-1') + b'\r\n')
        self.wfile.flush()

    def greet(self):
        mode = ARGS.mode
        if mode == 'greet421':
            self.say('421 4.3.2 busy')
        elif mode == 'greet554':
            self.say('554 5.7.1 not you')
        elif mode == 'endless':
            for _ in range(100000):
                self.say('220-and another thing')
        elif mode == 'hugeline':
            self.wfile.write(b'220-' + b'x' * 1_000_000)
        elif mode == 'crtricks':
            self.wfile.write(b'220 mx\r250 fake\n354\r\r\n\x00\x1b[31m 220 x\r\n')
        elif mode == 'mute':
            time.sleep(60)
        elif mode == 'rubbish':
            self.wfile.write(os.urandom(5000) + b'\r\n')
        else:
            self.say('220 sink.example ESMTP')
            return True
        return False

    def ehlo(self):
        words = ['sink.example'] if ARGS.plain else ['sink.example', 'PIPELINING', 'SIZE 20000000', '8BITMIME', 'DSN',
                                                     'ENHANCEDSTATUSCODES', 'SMTPUTF8']
        if ARGS.mode == 'chunking':
            words.append('CHUNKING')
        for w in words[:-1]:
            self.say('250-' + w)
        self.say('250 ' + words[-1])

    def rcpt(self, line):
        local = re.match(r'RCPT TO:<([^@>]*)', line, re.I)
        local = local.group(1) if local else ''
        if local.startswith('bad'):
            return self.say('550 5.1.1 no such user')
        if local.startswith('later'):
            return self.say('451 4.7.1 greylisted')
        if local.startswith('evil'):
            return self.wfile.write(b'550 5.1.1 \x1b[2J\x00fake\x07 \xff\xfe event=forged\r\n')
        self.tx['rcpts'].append(line)
        self.say('250 2.1.5 ok')

    def finish(self, data, bare):
        taken, self.tx['data'] = self.tx['rcpts'], base64.b64encode(data).decode()
        self.tx['bare'] = bare
        if ARGS.mode == 'close-dot':
            return False
        if ARGS.mode == 'mute-dot':
            time.sleep(60)
        if any('<dot-bad' in r for r in taken):
            self.say('554 5.7.1 content refused')
        else:
            note(self.tx)
            for _ in taken if ARGS.lmtp else [0]:
                self.say('250 2.0.0 taken')
        self.tx = None
        return True

    def data(self):
        if not self.tx or not self.tx['rcpts']:
            self.say('503 5.5.1 no recipients')
            return True
        self.say('354 go')
        if ARGS.mode == 'close-data':
            return False
        raw = bytearray()
        while not (raw.endswith(b'\r\n.\r\n') or raw == b'.\r\n'):
            line = self.rfile.readline(100000)
            if not line:
                return False
            raw += line
        text = bytes(raw[:-3])
        bare = bool(re.search(rb'\r(?!\n)|(?<!\r)\n', text))
        return self.finish(re.sub(rb'(?m)^\.\.', b'.', text), bare)

    def bdat(self, line):
        n = int(line.split()[1])
        raw = b''
        while len(raw) < n:
            piece = self.rfile.read(min(n - len(raw), 65536))
            if not piece:
                return False
            raw += piece
        self.tx['bdat'] = True
        return self.finish(raw, bool(re.search(rb'\r(?!\n)|(?<!\r)\n', raw)))

    def command(self, line):
        verb = line[:4].upper()
        if verb in ('EHLO', 'LHLO'):
            self.hello = line
            if ARGS.plain and verb == 'EHLO':
                self.say('502 5.5.1 what')
            else:
                self.ehlo()
        elif verb == 'HELO':
            self.hello = line
            self.say('250 sink.example')
        elif verb == 'MAIL':
            if ARGS.mode == 'close-mail':
                return False
            self.tx = {'to': '%s:%s' % self.server.server_address[:2] if not ARGS.path else ARGS.path, 'mail': line,
                       'rcpts': [], 'hello': self.hello, 'connection': self.number, 'at': time.time()}
            self.say('250 2.1.0 ok')
        elif verb == 'RCPT' and self.tx:
            self.rcpt(line)
        elif verb == 'DATA':
            return self.data()
        elif verb == 'BDAT' and self.tx:
            return self.bdat(line)
        elif verb == 'RSET':
            self.tx = None
            self.say('250 2.0.0 ok')
        elif verb == 'QUIT':
            self.say('221 2.0.0 bye')
            return False
        else:
            self.say('503 5.5.1 not now')
        return True

    def handle(self):
        with LOCK:
            COUNT['connection'] += 1
            self.number = COUNT['connection']
        self.tx, self.hello = None, ''
        try:
            go = self.greet()
            while go:
                line = self.rfile.readline(100000)
                if not line:
                    break
                if not line.endswith(b'\r\n'):
                    note({'wrong': 'command without CRLF', 'line': repr(line)})
                go = self.command(line.decode('utf-8', 'replace').rstrip('\r\n'))
        except (OSError, ValueError, IndexError):
            pass


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 200


class Tcp6(Tcp):
    address_family = socket.AF_INET6


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads, request_queue_size = True, 200


def serve(where):
    if where.startswith('/'):
        ARGS.path = where
        server = Unix(where, Session)
        os.chmod(where, 0o777)
    else:
        host, _, port = where.rpartition(':')
        server = (Tcp6 if host.startswith('[') else Tcp)((host.strip('[]'), int(port)), Session)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    global ARGS
    p = argparse.ArgumentParser()
    p.add_argument('--out', required=True)
    p.add_argument('--mode', default='ok')
    p.add_argument('--lmtp', action='store_true')
    p.add_argument('--plain', action='store_true')
    p.add_argument('where', nargs='+')
    ARGS = p.parse_args()
    ARGS.path = None
    for where in ARGS.where:
        serve(where)
    print('ready', flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
