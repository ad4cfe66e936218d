# SPDX-License-Identifier: ISC
"""Instances and peers of the tests with real programs.

`House` is one postern with a configuration of its own (users alice, bob and carol, aliases, quick
retries); the others start a program of the distribution in the foreground and end it by its pid.
All is on loopback or in a network namespace of the test.
"""
import email
import email.policy
import json
import os
import shutil
import signal
import smtplib
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

TEST = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TEST), str(TEST / 'peers'), str(TEST.parent / 'bench')]
import lab  # noqa: E402
from lab import free_port, wait_for  # noqa: E402,F401

CONF = '''hostname {hostname}
listen mx {address}:{port}
listen local run/submit.sock
spool spool
run run
workers 1
clients 1
limits {{
    retry {retry}
    retry-jitter 0
    error-delay 0
    sessions-per-address 1000
    connections-per-minute 1000000
    messages-per-connection 100000
    spool-segment 8M
    spool-big-file 1M
    spool-ahead 2
    spool-reserve 1M
    {limits}
}}
log {{ file {dir}/mail.log; }}
may-send uid:0 @client.example @far.example
domain {domain} {{
    users file {dir}/users
    aliases file {dir}/aliases
    {deliver}
    {in_domain}
}}
{dns}
{extra}
'''
NO_DNS = 'dns { server 127.0.0.1:9; query-localhost yes; }'      # nobody listens there: nothing leaves the machine
UNCHECKED = '\ntest {\n    check-senders no\n}\n'
OBSERVED = '\npolicy observe author-grammar own-domain-claim author-look-up author-unverified author-domain-gone\n'
LOOSE = 'test {\n    relay-from 127.0.0.0/8\n}\n'
ALIASES = 'postmaster: alice\n'


class House(lab.Postern):
    """One postern; `extra` goes to the end of its configuration, `domain` into its domain block."""

    def __init__(self, path, extra=LOOSE, **opt):
        self.dir = Path(path)
        self.domain, self.users = opt.get('domain', 'example.test'), opt.get('users', ('alice', 'bob', 'carol'))
        self.prefix, self.process, self.submission = list(opt.get('prefix', ())), None, None
        self.port, self.address = opt.get('port') or free_port(), opt.get('address', '127.0.0.1')
        self.binary, self.conf = lab.BINARY, self.dir / 'postern.conf'
        self.log_file, self.bin = self.dir / 'server.out', self.dir / 'bin'
        self.dir.mkdir(parents=True)
        lab.open_way(self.dir)
        (self.dir / 'users').write_text(''.join('%s:{PLAIN}secret::::::\n' % u for u in self.users))
        (self.dir / 'aliases').write_text(opt.get('aliases', ALIASES))
        self.conf.write_text(CONF.format(
            hostname=opt.get('hostname', 'mx.' + self.domain), address=self.address, port=self.port, dir=self.dir,
            domain=self.domain, retry=opt.get('retry', '1s'), limits='\n    '.join(opt.get('limits', ())),
            deliver=opt.get('deliver', 'deliver maildir %s/mail/{domain}/{user}' % self.dir),
            in_domain=opt.get('in_domain', ''),
            dns='' if 'dns {' in extra else NO_DNS,
            extra=extra + ('' if opt.get('check_senders') else UNCHECKED if self.address.startswith('127.') else OBSERVED)))
        os.chmod(self.dir / 'users', 0o640)
        self.bin.mkdir()
        for name in ('sendmail', 'mailq', 'newaliases'):
            (self.bin / name).symlink_to(self.binary)
        if lab.AS == 'user':
            lab.own(self.dir, lab.NOBODY)

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended at start:\n' + self.log()[-3000:])
        if self.prefix:                          # in a namespace: asked through its own control socket
            return self.verb('status', check=False).returncode == 0
        return super().ready()

    def log(self):
        file = self.dir / 'mail.log'
        return super().log() + (file.read_text(errors='replace') if file.exists() else '')

    def sendmail(self, *args, text='Subject: t\n\nhello\n', check=True, **kw):
        """The sendmail command, with this instance's configuration."""
        if isinstance(text, str):
            text = text.encode()
        r = subprocess.run([str(self.bin / 'sendmail'), '-C', str(self.conf), *args], input=text,
                           capture_output=True, timeout=60, **kw)
        r.stdout, r.stderr = r.stdout.decode(errors='replace'), r.stderr.decode(errors='replace')
        assert not check or r.returncode == 0, 'sendmail %s: %d\n%s%s' % (args, r.returncode, r.stdout, r.stderr)
        return r

    def wait_mail(self, user='alice', n=1, limit=20):
        """Waits until user has n mails; the parsed messages, oldest first."""
        try:
            files = wait_for(lambda: len(self.mails(user)) >= n and self.mails(user), limit)
        except AssertionError as e:
            raise AssertionError('%s has %d mails, not %d\n%s' % (user, len(self.mails(user)), n,
                                                                  self.log()[-4000:])) from e
        assert len(files) == n, '%s has %d mails, not %d' % (user, len(files), n)
        return [parse(f) for f in sorted(files, key=lambda f: f.stat().st_mtime_ns)]

    def maildir(self, user='alice'):
        return self.dir / 'mail' / self.domain / user

    def queue(self, *args):
        """A queue verb; its JSON pages."""
        out = self.verb('queue', *args, '--json').stdout
        return [json.loads(line) for line in out.splitlines()]

    def queued(self, *filters):
        return [m for page in self.queue('list', *filters) for m in page['messages']]

    def wait_empty(self, limit=20):
        """Everything that was accepted since the start has been taken up, and nothing waits."""
        def empty():
            st = json.loads(self.verb('status', '--json').stdout)
            accepted = sum(r['done'] for r in st['roles'] if r['role'] == 'smtpd')
            return st['queue']['messages'] == 0 and st['queue']['taken'] >= accepted and st['queue']['recovered']
        try:
            wait_for(empty, limit, 0.1)
            wait_for(empty, limit, 0.1)          # a notice may just have been on its way
        except AssertionError as e:
            raise AssertionError('the queue does not empty: %s\n%s' % (self.queued(), self.log()[-4000:])) from e

    def wait_log(self, *words, limit=20):
        """Waits for a log line that has all the words; that line."""
        def line():
            for ln in self.log().splitlines():
                if all(w in ln for w in words):
                    return ln
        try:
            return wait_for(line, limit)
        except AssertionError as e:
            raise AssertionError('no log line with %s:\n%s' % (words, self.log()[-4000:])) from e

    def last_id(self):
        ids = [w[3:] for ln in self.log().splitlines() if 'event=queued' in ln for w in ln.split()
               if w.startswith('id=')]
        return ids[-1]


def parse(path):
    return email.message_from_bytes(Path(path).read_bytes(), policy=email.policy.default)


class Program:
    """A program in the foreground; ended by its pid."""

    def __init__(self, argv, ready, prefix=(), log=None, **kw):
        self.out = open(log, 'ab') if log else subprocess.DEVNULL
        self.process = subprocess.Popen([*prefix, *[str(a) for a in argv]], stdout=self.out, stderr=self.out,
                                        stdin=subprocess.DEVNULL, **kw)

        def up():
            assert self.process.poll() is None, 'ended at start: %s %s' % (
                argv, Path(log).read_text(errors='replace') if log else '')
            return ready()
        try:
            wait_for(up, 15)
        except AssertionError:
            self.stop()
            raise

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def postfix_tool(name):
    """A program of the private Postfix prefix, and the environment it needs."""
    import postfix
    root = postfix.unpack()
    env = dict(os.environ, LD_LIBRARY_PATH=str(root / 'usr/lib/postfix'), MAIL_CONFIG='/nonexistent')
    path = root / 'usr/sbin' / name
    assert path.exists(), '%s is not in the package' % name
    return path, env


class Hop:
    """A next hop with a will of its own: answers by rules, keeps what it is given.

    rules: {'RCPT': lambda arg, n: '450 4.2.0 later' or None, 'DATA.': ...}; n counts the calls.
    """

    def __init__(self, rules=None, ehlo=('PIPELINING', '8BITMIME', 'DSN', 'SIZE 10000000'), address='127.0.0.1'):
        hop = self
        self.rules, self.ehlo, self.mails, self.count = rules or {}, list(ehlo), [], {}
        self.sessions = 0

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                hop.sessions += 1
                hop.session(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self.server = Server((address, 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05})
        self.thread.start()

    def say(self, verb, arg, otherwise):
        n = self.count[verb] = self.count.get(verb, 0) + 1
        return (self.rules[verb](arg, n) if verb in self.rules else None) or otherwise

    def session(self, h):
        def put(line):
            h.wfile.write(line.encode() + b'\r\n')
        put(self.say('CONNECT', '', '220 hop.example ESMTP'))
        sender, rcpt, args = None, [], []
        while line := h.rfile.readline():
            text = line.decode(errors='replace').strip()
            verb, _, arg = text.partition(' ')
            verb = verb.upper()
            if verb in ('EHLO', 'LHLO'):
                answer = self.say('EHLO', arg, None)
                if answer:
                    put(answer)
                else:
                    for i, word in enumerate(['hop.example', *self.ehlo]):
                        put('250%s%s' % (' ' if i == len(self.ehlo) else '-', word))
            elif verb == 'MAIL':
                reply = self.say('MAIL', arg, '250 2.1.0 ok')
                sender, rcpt, args = arg if reply[0] == '2' else None, [], [arg]
                put(reply)
            elif verb == 'RCPT':
                reply = self.say('RCPT', arg, '250 2.1.5 ok') if sender is not None else '503 5.5.1 no sender'
                if reply[0] == '2':
                    rcpt.append(arg)
                    args.append(arg)
                put(reply)
            elif verb == 'DATA':
                if not rcpt:
                    put('554 5.5.1 no valid recipients')
                    continue
                put('354 go ahead')
                data = []
                while (part := h.rfile.readline()) not in (b'.\r\n', b''):
                    data.append(part[1:] if part.startswith(b'.') else part)
                reply = self.say('DATA.', b''.join(data), '250 2.0.0 kept')
                if reply[0] == '2':
                    self.mails.append({'from': sender, 'rcpt': rcpt, 'args': args, 'data': b''.join(data)})
                put(reply)
            elif verb == 'QUIT':
                put('221 2.0.0 bye')
                return
            else:
                put('250 2.0.0 ok' if verb in ('RSET', 'NOOP') else '502 5.5.1 no')

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
