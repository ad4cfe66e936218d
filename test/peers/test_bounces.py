# SPDX-License-Identifier: ISC
"""Bounces, delay notices and receipts from end to end: RFC 3461, 3464, 6522; what a next hop may answer."""
import email
import email.policy

import pytest

from peerlab import LOOSE, House, Hop, wait_for

FAR = LOOSE + 'route far.example via [127.0.0.1]:%d\n'
MAIL = 'Subject: the original\r\nX-Mark: kept\r\n\r\nthe body text\r\n'


def no_such(arg, n):
    return '550 5.1.1 no such user <b\x00> here' .replace('\x00', '?') if 'bad' in arg else None


@pytest.fixture
def pair(tmp_path):
    """A house whose mail for far.example goes to a next hop that refuses bad*@."""
    with Hop({'RCPT': no_such}) as hop, House(tmp_path / 'h', extra=FAR % hop.port, limits=['delay-notice 2s']) as h:
        h.hop = hop
        yield h.start()


def submit(h, to, sender='alice@example.test', mail=(), rcpt=(), text=MAIL):
    with h.smtp() as s:
        s.ehlo('client.example')
        s.sendmail(sender, to, text, mail_options=list(mail), rcpt_options=list(rcpt))


def report(m):
    """The machine-readable part: [message fields, recipient fields...]."""
    assert m.get_content_type() == 'multipart/report' and m.get_param('report-type') == 'delivery-status'
    parts = list(m.iter_parts())
    assert parts[0].get_content_type() == 'text/plain' and parts[1].get_content_type() == 'message/delivery-status'
    return [email.message_from_string(p.as_string(), policy=email.policy.default)
            for p in parts[1].get_payload()], parts


def test_bounce_has_all_fields(pair):
    """One refused of two: one bounce about one recipient, null sender, headers only, all fields of RFC 3464."""
    submit(pair, ['good@far.example', 'bad@far.example'], mail=['ENVID=abc+2B123'],
           rcpt=['ORCPT=rfc822;Orig+2BAddr@far.example'])
    m = pair.wait_mail()[0]
    assert m['Return-Path'] == '<>' and m['Auto-Submitted'].startswith('auto-replied')
    assert 'postmaster@mx.example.test' in m['From'] and 'alice@example.test' in m['To']
    fields, parts = report(m)
    assert fields[0]['Reporting-MTA'] == 'dns; mx.example.test'
    assert fields[0]['Original-Envelope-Id'] == 'abc+123' and fields[0]['Arrival-Date']
    assert len(fields) == 2
    r = fields[1]
    assert r['Final-Recipient'] == 'rfc822; bad@far.example'
    assert r['Original-Recipient'] == 'rfc822; Orig+Addr@far.example'
    assert (r['Action'], r['Status']) == ('failed', '5.1.1')
    assert r['Diagnostic-Code'].startswith('smtp; 550 5.1.1 no such user') and r['Remote-MTA'].startswith('dns; ')
    assert r['Last-Attempt-Date']
    assert parts[2].get_content_type() == 'text/rfc822-headers'
    headers = parts[2].as_string()
    assert 'X-Mark: kept' in headers and 'the body text' not in m.as_string()
    assert 'bad@far.example' in parts[0].get_content() and 'good@far.example' not in parts[0].get_content()
    pair.wait_empty()
    assert len(pair.hop.mails) == 1 and pair.hop.mails[0]['rcpt'][0].startswith('TO:<good@far.example>')


def test_ret_full_returns_the_body(pair):
    submit(pair, ['bad@far.example'], mail=['RET=FULL'])
    _, parts = report(pair.wait_mail()[0])
    assert parts[2].get_content_type() == 'message/rfc822' and 'the body text' in parts[2].as_string()


def test_ret_hdrs_does_not(pair):
    submit(pair, ['bad@far.example'], mail=['RET=HDRS'])
    _, parts = report(pair.wait_mail()[0])
    assert parts[2].get_content_type() == 'text/rfc822-headers'


@pytest.mark.parametrize('notify,told', [('NEVER', False), ('SUCCESS', False), ('DELAY', False), ('FAILURE', True),
                                         ('SUCCESS,FAILURE', True)])
def test_notify_decides_about_bounces(pair, notify, told):
    submit(pair, ['bad@far.example'], rcpt=['NOTIFY=' + notify])
    pair.wait_log('event=bounced')
    pair.wait_empty()
    assert len(pair.wait_mail(n=1) if told else pair.mails()) == (1 if told else 0)


def test_success_receipt_for_a_mailbox(pair):
    submit(pair, ['bob@example.test'], rcpt=['NOTIFY=SUCCESS'])
    fields, _ = report(pair.wait_mail()[0])
    assert (fields[1]['Action'], fields[1]['Status'][0]) == ('delivered', '2')
    pair.wait_mail('bob')


def test_dsn_parameters_travel_to_a_next_hop_that_knows_them(pair):
    """RFC 3461 5.2.1: passed on, and no receipt of our own."""
    submit(pair, ['good@far.example'], mail=['ENVID=e1', 'RET=HDRS'],
           rcpt=['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;o@far.example'])
    pair.wait_empty()
    args = wait_for(lambda: pair.hop.mails)[0]['args']
    assert 'ENVID=e1' in args[0] and 'RET=HDRS' in args[0]
    assert 'NOTIFY=SUCCESS,DELAY' in args[1] and 'ORCPT=rfc822;o@far.example' in args[1]
    assert not pair.mails()


def test_relayed_receipt_where_the_next_hop_knows_no_dsn(tmp_path):
    """RFC 3461 5.2.2: NOTIFY=SUCCESS and a hop without DSN: `relayed`."""
    with Hop(ehlo=['8BITMIME']) as hop, House(tmp_path / 'h', extra=FAR % hop.port) as h:
        h.start()
        submit(h, ['good@far.example'], rcpt=['NOTIFY=SUCCESS'])
        fields, _ = report(h.wait_mail()[0])
        assert fields[1]['Action'] == 'relayed'
        assert 'NOTIFY' not in hop.mails[0]['args'][1]


def test_delay_notice_once_for_our_own(tmp_path):
    """A local sender hears once that mail is late; then it arrives after all."""
    with Hop({'RCPT': lambda arg, n: '451 4.7.1 greylisted' if n < 6 else None}) as hop, House(
            tmp_path / 'h', extra=FAR % hop.port, limits=['delay-notice 2s']) as h:
        h.start()
        h.sendmail('-f', 'alice@example.test', 'late@far.example')
        m = h.wait_mail()[0]
        fields, _ = report(m)
        assert (fields[1]['Action'], fields[1]['Status']) == ('delayed', '4.7.1') and fields[1]['Will-Retry-Until']
        h.wait_empty()
        assert len(hop.mails) == 1 and len(h.mails()) == 1


def test_notify_never_and_delay(tmp_path):
    with Hop({'RCPT': lambda arg, n: '451 4.7.1 later' if n < 8 else None}) as hop, House(
            tmp_path / 'h', extra=FAR % hop.port, limits=['delay-notice 2s']) as h:
        h.start()
        h.sendmail('-N', 'never', '-f', 'alice@example.test', 'a@far.example')
        h.wait_empty(30)
        assert not h.mails() and len(hop.mails) == 1


def test_double_bounce_goes_to_postmaster_once(tmp_path):
    """The bounce itself cannot be delivered: postmaster is told, with a null sender, once; no third."""
    with Hop({'RCPT': lambda arg, n: '550 5.1.1 unknown'}) as hop, House(
            tmp_path / 'h', extra=FAR % hop.port, aliases='postmaster: bob\n') as h:
        h.start()
        submit(h, ['x@far.example'], sender='gone@far.example')
        m = h.wait_mail('bob')[0]
        assert m['Return-Path'] == '<>'
        h.wait_empty()
        assert len(h.mails('bob')) == 1 and hop.count['RCPT'] == 2


def test_double_bounce_that_bounces_is_only_logged(tmp_path):
    """Even postmaster cannot be reached: the end, and no loop."""
    with Hop({'RCPT': lambda arg, n: '550 5.1.1 unknown'}) as hop, House(
            tmp_path / 'h', extra=FAR % hop.port, aliases='postmaster: pm@far.example\n') as h:
        h.start()
        submit(h, ['x@far.example'], sender='gone@far.example')
        h.wait_log('event=bounced', 'to=nobody')
        h.wait_empty()
        assert hop.count['RCPT'] == 3


def test_null_sender_makes_no_bounce_to_anybody_but_postmaster(pair):
    submit(pair, ['bad@far.example'], sender='')
    pair.wait_log('event=bounced', 'postmaster')
    pair.wait_empty()
    assert len(pair.mails()) == 1           # alice is postmaster


def test_P17_foreign_text_does_not_break_a_bounce(tmp_path):
    """Control characters, 8-bit and a very long reply of the next hop: a bounce that still parses."""
    def rude(arg, n):
        return '550-5.1.1 \xff\xfe bad\x1b[31m \xe9\r\n550-X-Evil: 1\r\n550 5.1.1 ' + 'z' * 400
    with Hop({'RCPT': rude}) as hop, House(tmp_path / 'h', extra=FAR % hop.port) as h:
        h.start()
        submit(h, ['x@far.example'])
        h.wait_mail()
        raw = h.mails()[0].read_bytes()
        fields, _ = report(h.wait_mail()[0])
        assert fields[1]['Status'] == '5.1.1' and 'X-Evil' not in fields[1]
        assert b'\x1b' not in raw and b'\xff' not in raw
        assert max(len(ln) for ln in raw.splitlines()) <= 998


@pytest.mark.parametrize('rules,class_', [
    ({'CONNECT': lambda a, n: '554 5.3.2 not today'}, None),
    ({'CONNECT': lambda a, n: '421 4.3.2 too busy' if n < 3 else None}, 'ok'),
    ({'MAIL': lambda a, n: '451 4.7.1 who are you' if n < 3 else None}, 'ok'),
    ({'DATA.': lambda a, n: '451 4.3.0 disk' if n < 3 else None}, 'ok'),
    ({'RCPT': lambda a, n: '452 4.5.3 too many' if n in (3, 4) else None}, 'ok'),
    ({'DATA.': lambda a, n: '554 5.6.0 spam'}, 'bounce'),
])
def test_what_a_next_hop_may_answer(tmp_path, rules, class_):
    """Temporary answers are tried again, permanent ones returned, nothing is delivered twice."""
    with Hop(rules) as hop, House(tmp_path / 'h', extra=FAR % hop.port) as h:
        h.start()
        submit(h, ['a@far.example', 'b@far.example', 'c@far.example', 'd@far.example'])
        if class_ == 'bounce':
            fields, _ = report(h.wait_mail()[0])
            assert len(fields) == 5 and {f['Status'] for f in fields[1:]} == {'5.6.0'}
        elif class_ == 'ok':
            h.wait_empty()
            got = sorted(r for m in hop.mails for r in m['rcpt'])
            assert [r[4:5] for r in got] == ['a', 'b', 'c', 'd']
            assert not h.mails()
        else:
            h.wait_log('destination_dead')
            assert h.queued() or h.mails()
