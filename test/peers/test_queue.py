# SPDX-License-Identifier: ISC
"""The administrator's hands on the queue: verbs with filters, dry runs and JSON; trace; status; mailq; full disks."""
import json
import os
import smtplib
import subprocess
import time

import pytest

import lab
from peerlab import LOOSE, House, Hop, parse, wait_for

TWO = LOOSE + 'route far.example via [127.0.0.1]:%d\nroute off.example via [127.0.0.1]:%d\n'
CLOSED = {'RCPT': lambda arg, n: '450 4.2.1 closed %s' % ('today' if 'far' in arg else 'off')}


@pytest.fixture
def full(tmp_path):
    """Six messages that wait: from ann and bob, to x and y at far.example and off.example."""
    with Hop(dict(CLOSED)) as hop, House(tmp_path / 'h', extra=TWO % (hop.port, hop.port), retry='1h') as h:
        h.start()
        h.hop = hop
        for sender in ('ann@client.example', 'bob@example.test'):
            for to in ('x@far.example', 'y@far.example', 'x@off.example'):
                h.send('Subject: %s %s\r\n\r\nx\r\n' % (sender, to), sender=sender, to=[to])
        wait_for(lambda: sum(r['state'] == 'waiting' for m in h.queued() for r in m['recipients']) == 6)
        yield h


@pytest.mark.parametrize('filters,n', [
    ((), 6), (('--sender', 'ann@client.example'), 3), (('--sender', '@example.test'), 3),
    (('--recipient', 'x@far.example'), 2), (('--recipient', 'far.example'), 4), (('--domain', 'off.example'), 2),
    (('--reason', 'closed today'), 4), (('--reason', '4.2.1'), 6), (('--older', '1h'), 0), (('--older', '0s'), 6),
    (('--sender', 'ann@client.example', '--domain', 'off.example'), 1), (('--recipient', 'nobody@x'), 0),
])
def test_list_filters(full, filters, n):
    got = full.queued(*filters)
    assert len(got) == n
    for m in got:
        assert set(m) >= {'id', 'sender', 'size', 'received', 'held', 'recipients'}
        assert m['recipients'][0]['status'] == '4.2.1' and m['recipients'][0]['next']
    text = full.verb('queue', 'list', *filters).stdout
    assert text.count('4.2.1 closed') == n


def counts(full, op, *args):
    page = full.queue(op, *args)
    return page[-1]['matched'], page[-1]['changed']


def test_dry_run_changes_nothing(full):
    for op in ('hold', 'drop', 'bounce', 'retry', 'release'):
        assert counts(full, op, '--domain', 'far.example', '--dry-run') == (4, 0)
    assert counts(full, 'redirect', '--to', 'alice@example.test', '--all', '--dry-run') == (6, 0)
    assert len(full.queued()) == 6 and not any(m['held'] for m in full.queued())
    assert '4 matched, 0 changed' in full.verb('queue', 'drop', '--domain', 'far.example', '--dry-run').stdout


def test_a_change_without_a_filter_is_refused(full):
    for op in ('hold', 'drop', 'bounce', 'retry', 'release', 'redirect'):
        r = full.verb('queue', op, check=False)
        assert r.returncode == 64 and ('--all' in r.stderr or '--to' in r.stderr)
    assert full.verb('queue', 'frobnicate', check=False).returncode == 64
    assert full.verb('queue', 'list', '--older', 'soon', check=False).returncode == 64
    assert len(full.queued()) == 6


def test_hold_and_release(full):
    assert counts(full, 'hold', '--sender', 'ann@client.example') == (3, 3)
    assert sum(m['held'] for m in full.queued()) == 3
    full.hop.rules.clear()
    full.queue('flush')
    wait_for(lambda: len(full.queued()) == 3)
    time.sleep(0.3)
    assert {m['sender'] for m in full.queued()} == {'ann@client.example'} and len(full.hop.mails) == 3
    assert counts(full, 'release', '--all') == (3, 3)
    full.wait_empty()
    assert len(full.hop.mails) == 6


def test_hold_lasts_over_a_restart(full):
    full.queue('hold', '--all')
    full.hop.rules.clear()
    full.stop()
    full.start()
    wait_for(lambda: len(full.queued()) == 6)
    time.sleep(0.5)
    assert all(m['held'] for m in full.queued()) and not full.hop.mails
    full.queue('release', '--all')
    full.wait_empty()
    assert len(full.hop.mails) == 6


def test_retry_one(full):
    full.hop.rules.clear()
    one = full.queued()[0]
    assert counts(full, 'retry', one['id']) == (1, 1)
    wait_for(lambda: len(full.hop.mails) >= 1)
    wait_for(lambda: one['id'] not in [m['id'] for m in full.queued()])


def test_bounce(full):
    """Returned to its sender at once, with a reason that names the administrator."""
    assert counts(full, 'bounce', '--sender', 'bob@example.test', '--domain', 'far.example') == (2, 2)
    mails = full.wait_mail('bob', 2)
    assert all('Status: 5.7.0' in m.as_string() and 'administrator' in m.as_string() for m in mails)
    assert len(full.queued()) == 4


def test_drop(full):
    assert counts(full, 'drop', '--recipient', 'x@off.example') == (2, 2)
    assert len(full.queued()) == 4 and not full.mails('bob')
    full.stop()
    full.start()
    wait_for(lambda: len(full.queued()) == 4)


def test_redirect(full):
    assert counts(full, 'redirect', '--recipient', 'x@far.example', '--to', 'alice@example.test') == (2, 2)
    got = full.wait_mail(n=2)
    assert {m['Subject'].split()[1] for m in got} == {'x@far.example'}
    wait_for(lambda: len(full.queued()) == 4)
    r = full.verb('queue', 'redirect', '--all', '--to', 'nonsense', check=False)
    assert r.returncode != 0 and 'address' in r.stderr


def test_show_one(full):
    one = full.queued()[2]
    shown = full.queue('show', one['id'])[0]['messages']
    assert [m['id'] for m in shown] == [one['id']]
    assert full.verb('queue', 'show', 'nonsense', check=False).returncode != 0
    assert full.queue('show', '0000000000000')[0]['messages'] == []


def test_filters_on_one_recipient_of_many(tmp_path):
    """A message to two: dropping one recipient leaves the other."""
    with Hop(dict(CLOSED)) as hop, House(tmp_path / 'h', extra=TWO % (hop.port, hop.port), retry='1h') as h:
        h.start()
        h.send(to=['x@far.example', 'y@far.example', 'z@off.example'])
        wait_for(lambda: [r['state'] for m in h.queued() for r in m['recipients']] == ['waiting'] * 3)
        assert counts(h, 'drop', '--recipient', 'y@far.example') == (1, 1)
        hop.rules.clear()
        h.queue('flush')
        h.wait_empty()
        assert sorted(r for m in hop.mails for r in m['rcpt']) == ['TO:<x@far.example>', 'TO:<z@off.example>']


def test_trace_tells_the_whole_life(full):
    """From acceptance to removal, every line of one message and of no other; --last; JSON logs too."""
    mid = full.last_id()
    full.wait_log('event=deferred', 'id=' + mid)
    text = full.verb('trace', mid).stdout
    for word in ('event=accepted', 'event=queued', 'event=deferred', 'closed off'):
        assert word in text
    assert all('id=' + mid in ln for ln in text.splitlines())
    full.hop.rules.clear()
    full.queue('flush')
    full.wait_empty()
    full.wait_log('event=removed', 'id=' + mid)
    text = full.verb('trace', mid).stdout
    assert 'event=relayed' in text and 'event=removed' in text
    assert full.verb('trace', '--last').returncode == 0
    assert full.verb('trace', '0000000000000', check=False).returncode == 1
    assert full.verb('trace', 'no-id', check=False).returncode == 64


def test_P16_trace_with_json_log_and_foreign_bytes(tmp_path):
    """The log in JSON: every line parses, whatever a client says."""
    with House(tmp_path / 'h') as h:
        h.conf.write_text(h.conf.read_text().replace('mail.log; }', 'mail.log; json yes; }'))
        h.start()
        with h.smtp() as s:
            s.command_encoding = 'latin-1'
            s.docmd('EHLO x" event=delivered id=\\n\x01\xe9')
            s.ehlo('client.example')
            s.docmd('MAIL FROM:<"a\\" level=error event=x"@client.example>')
            s.docmd('RSET')
            s.sendmail('"q\\" b=c"@client.example', ['alice@example.test'], 'Subject: x\r\n\r\nx\r\n')
        h.wait_mail()
        wait_for(lambda: all(w in (h.dir / 'mail.log').read_text() for w in ('"removed"', '"delivered"', '"accepted"')))
        lines = [json.loads(ln) for ln in (h.dir / 'mail.log').read_text().splitlines()]
        mid = [ln['id'] for ln in lines if ln['event'] == 'queued'][0]
        events = [json.loads(ln)['event'] for ln in h.verb('trace', mid).stdout.splitlines()]
        assert set(events) == {'accepted', 'queued', 'delivered', 'removed'}


def test_status_json(full):
    st = json.loads(full.verb('status', '--json').stdout)
    assert {r['role'] for r in st['roles']} >= {'smtpd', 'queue', 'smtpc', 'local', 'resolver', 'vault', 'lookup',
                                                'admin', 'pool', 'fetch'}
    assert all(r['state'] == 'ready' for r in st['roles'])
    assert st['queue']['messages'] == 6 and st['queue']['waiting'] >= 1 and st['spool_free'] > 0
    text = full.verb('status').stdout
    assert 'smtpd' in text and 'queue:' in text


def test_mailq_is_queue_list(full):
    r = subprocess.run([str(full.bin / 'mailq'), '-C', str(full.conf)], capture_output=True, text=True, timeout=20)
    assert r.returncode == 0 and r.stdout == full.verb('queue', 'list').stdout
    r = subprocess.run([str(full.bin / 'sendmail'), '-C', str(full.conf), '-qRoff.example'], capture_output=True,
                       text=True, timeout=20)
    assert r.returncode == 0 and '2 matched' in r.stdout, r.stderr


def test_verbs_without_a_server(tmp_path):
    """One line that says so, exit 69."""
    h = House(tmp_path / 'h')
    for verb in (('status',), ('queue', 'list'), ('reload',), ('stop',)):
        r = h.verb(*verb, check=False)
        assert r.returncode == 69 and len(r.stderr.splitlines()) == 1, (verb, r)


def test_discard_route_and_error_route(tmp_path):
    """`via discard` takes and forgets; `via error` refuses or returns with its words; longest match; default."""
    with Hop() as hop, House(tmp_path / 'h', extra=LOOSE + '''route void.example via discard
route .void.example via discard
route keep.void.example via [127.0.0.1]:%d
route shut.example via error:5.1.2:moved.away
route * via [127.0.0.1]:%d
''' % (hop.port, hop.port)) as h:
        h.start()
        h.send(to=['a@void.example', 'b@sub.void.example', 'c@keep.void.example', 'd@other.example'],
               sender='bob@example.test')
        h.wait_empty()
        assert sorted(r for m in hop.mails for r in m['rcpt']) == ['TO:<c@keep.void.example>', 'TO:<d@other.example>']
        assert h.log().count('via=discard') == 2
        try:
            h.send(to=['e@shut.example'], sender='bob@example.test')
            assert 'moved.away' in h.wait_mail('bob')[0].as_string()
        except smtplib.SMTPRecipientsRefused as e:
            assert b'moved.away' in list(e.recipients.values())[0][1]


def test_X6_bounded_by_a_small_disk(tmp_path):
    """The spool on a small file system: 452 when it is nearly full, no loss, works again when there is space."""
    if lab.AS != 'root' or os.getuid() != 0:
        pytest.skip('mounting needs root')
    with House(tmp_path / 'h', limits=['spool-reserve-percent 30']) as h:
        spool = h.dir / 'spool'
        spool.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=80m,mode=755', 'tmpfs', str(spool)], check=True)
        try:
            h.start()
            h.send('Subject: before\r\n\r\nx\r\n')
            h.wait_mail(n=1)
            filler = spool / 'filler'
            with open(filler, 'wb') as f:
                try:
                    while True:
                        f.write(bytes(1 << 20))
                        f.flush()
                except OSError:
                    pass
            def refused():
                try:
                    h.send('Subject: during\r\n\r\nx\r\n')
                except smtplib.SMTPResponseException as e:
                    return e.smtp_code == 452
                except smtplib.SMTPRecipientsRefused as e:
                    return list(e.recipients.values())[0][0] == 452
            wait_for(refused, 20, 0.2)
            filler.unlink()
            def taken():
                try:
                    return h.send('Subject: after\r\n\r\nx\r\n') == {}
                except smtplib.SMTPException:
                    return False
            wait_for(taken, 30, 0.2)
            h.wait_empty()
            subjects = [m['Subject'] for m in map(parse, h.mails())]
            assert subjects.count('before') == 1 and subjects.count('after') == 1
            h.stop()
        finally:
            if h.process is not None:
                h.stop()
            subprocess.run(['umount', str(spool)], check=True)


def test_mailbox_on_a_full_disk_is_temporary(tmp_path):
    """No space for the Maildir: kept in the queue, delivered when there is room; nothing half-written is seen."""
    if lab.AS != 'root' or os.getuid() != 0:
        pytest.skip('mounting needs root')
    with House(tmp_path / 'h') as h:
        box = h.dir / 'mail'
        box.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', str(box)], check=True)
        try:
            h.start()
            (box / 'filler').write_bytes(b'')
            h.send('Subject: fits\r\n\r\nx\r\n')
            h.wait_mail(n=1)
            h.send('Subject: large\r\n\r\n' + ('y' * 76 + '\r\n') * 20_000)
            h.wait_log('event=deferred', 'alice@example.test', 'status=4.3.1')
            assert len(h.mails()) == 1 and not list((h.maildir() / 'tmp').iterdir())
            subprocess.run(['mount', '-o', 'remount,size=20m', str(box)], check=True)
            h.queue('retry', '--all')
            h.wait_mail(n=2)
            h.stop()
        finally:
            if h.process is not None:
                h.stop()
            subprocess.run(['umount', str(box)], check=True)


def test_spool_check_of_a_stopped_server(full):
    """Offline: says what is in the spool; a running server's spool is left alone."""
    full.stop()
    out = json.loads(full.run('spool', 'check', '--config', str(full.conf), '--json').stdout)
    assert out['ok'] and out['messages'] == 6 and out['damaged'] == 0, out
    full.start()
    wait_for(lambda: len(full.queued()) == 6)
