# SPDX-License-Identifier: ISC
"""Outgoing mail from the running server to sinks on loopback: SMTP and LMTP, refusals, hostile servers, reuse."""
import re
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent)]
from outlab import Server, Sink, lab, opened  # noqa: E402

HOSTILE = ['greet421', 'greet554', 'endless', 'hugeline', 'crtricks', 'rubbish', 'close-mail', 'close-data', 'close-dot']


@pytest.fixture(scope='module')
def house(tmp_path_factory):
    """One server, a sink for everything, and sinks of other kinds behind routes of their own."""
    path = opened(tmp_path_factory.mktemp('out'))
    sinks = {'ok': Sink(path / 'ok.json'), 'plain': Sink(path / 'plain.json', plain=True),
             'chunking': Sink(path / 'chunking.json', mode='chunking'), 'lmtp': Sink(path / 'lmtp.json', lmtp=True),
             'unix': Sink(path / 'unix.json', '%s/lmtp.sock' % path, lmtp=True)}
    sinks.update({m: Sink(path / (m + '.json'), mode=m) for m in HOSTILE})
    routes = 'route * via %s\nroute lmtp.test via lmtp:%s\nroute unix.test via lmtp:%s\n' % (
        sinks['ok'].hop, sinks['lmtp'].where[0], sinks['unix'].where[0])
    routes += ''.join('route %s.test via %s\n' % (k, s.hop) for k, s in sinks.items() if k not in ('ok', 'lmtp', 'unix'))
    server = Server(path / 'server', routes).start()
    server.sinks = sinks
    yield server
    status = server.stop()
    for s in sinks.values():
        s.stop()
    assert status == 0


def taken(house, sink, word, n=1):
    """The messages with that word in their subject, once there are n."""
    def found():
        got = [m for m in house.sinks[sink].mails() if word.encode() in m['body']]
        return got if len(got) >= n else None
    return lab.wait_for(found)


def test_relayed_whole(house):
    text = 'Subject: whole\r\n\r\n.a dot\r\n..\r\n.\r.\r\n'.replace('.\r.', '. .') + 'x' * 900 + '\r\n'
    house.send(text, 'ann@client.example', ['bob@d.example', 'carl@d.example'])
    m = taken(house, 'ok', 'whole')[0]
    assert m['mail'].startswith('MAIL FROM:<ann@client.example> SIZE=')
    assert [r[:28] for r in m['rcpts']] == ['RCPT TO:<bob@d.example>', 'RCPT TO:<carl@d.example>']
    assert m['body'].endswith(text.encode()) and m['body'].startswith(b'Received: ') and not m['bare']


def test_dsn_and_8bit_parameters(house):
    with house.smtp() as s:
        s.ehlo('client.example')
        assert s.mail('ann@client.example', ['BODY=8BITMIME', 'RET=HDRS', 'ENVID=q+2B1'])[0] == 250
        assert s.rcpt('bob@d.example', ['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;other@d.example'])[0] == 250
        assert s.data('Subject: params\r\n\r\n\u00fc\r\n'.encode())[0] == 250
    m = taken(house, 'ok', 'params')[0]
    assert re.fullmatch(r'MAIL FROM:<ann@client.example> SIZE=\d+ BODY=8BITMIME RET=HDRS ENVID=q\+2B1', m['mail'])
    assert m['rcpts'] == ['RCPT TO:<bob@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;other@d.example']


def test_old_server_without_ehlo(house):
    house.send('Subject: old\r\n\r\nx\r\n', to=['bob@plain.test'])
    m = taken(house, 'plain', 'old')[0]
    assert m['hello'].startswith('HELO') and m['mail'] == 'MAIL FROM:<ann@client.example>'


def test_chunking(house):
    body = 'Subject: chunks\r\n\r\n' + '.\r\nline\r\n' * 100
    house.send(body, to=['bob@chunking.test'])
    m = taken(house, 'chunking', 'chunks')[0]
    assert m['bdat'] and m['body'].endswith(body.encode())


def test_P2_large_message_has_clean_line_ends(house):
    body = 'Subject: large\r\n\r\n' + ('.' * 3 + 'y' * 60 + '\r\n') * 40_000
    house.send(body, to=['bob@d.example'])
    m = taken(house, 'ok', 'large')[0]
    assert m['body'].endswith(body.encode()) and not m['bare']


def test_lmtp_results_per_recipient(house):
    house.send('Subject: mailbox\r\n\r\nx\r\n', to=['ann@lmtp.test', 'bad@lmtp.test', 'later@lmtp.test'])
    assert len(taken(house, 'lmtp', 'mailbox')[0]['rcpts']) == 1
    house.send('Subject: socket\r\n\r\nx\r\n', to=['ann@unix.test'])
    assert taken(house, 'unix', 'socket')[0]['hello'] == 'LHLO mail.me.test'
    lab.wait_for(lambda: house.events('deferred', to=house.sinks['lmtp'].where[0]))


def test_refused_for_ever_becomes_a_bounce(house):
    house.send('Subject: bounce me\r\n\r\nx\r\n', 'alice@me.test', ['bad1@d.example', 'good@d.example'])
    taken(house, 'ok', 'bounce me')
    report = lab.wait_for(lambda: [b for b in house.bounces() if b'bad1@d.example' in b])[0]
    assert b'5.1.1' in report and b'no such user' in report and b'good@d.example' not in report.split(b'message/delivery')[1]
    house.send('Subject: at the end\r\n\r\nx\r\n', 'alice@me.test', ['dot-bad@d.example'])
    assert b'5.7.1' in lab.wait_for(lambda: [b for b in house.bounces() if b'dot-bad@d.example' in b])[0]


def test_P17_words_of_a_server_are_sanitised(house):
    house.send('Subject: evil\r\n\r\nx\r\n', 'alice@me.test', ['evil@d.example'])
    report = lab.wait_for(lambda: [b for b in house.bounces() if b'evil@d.example' in b])[0]
    assert not re.search(rb'[\x00-\x08\x0b\x0c\x0e-\x1f]', report)
    assert not re.search(r'[\x00-\x08\x0b-\x1f]', house.log())
    assert not house.events('forged')


def test_refused_for_now_is_kept(house):
    house.send('Subject: later\r\n\r\nx\r\n', 'ann@client.example', ['later2@d.example'])
    line = lab.wait_for(lambda: house.events('deferred', to=house.sinks['ok'].where[0]))[0]
    assert 'status=4.7.1' in line and 'greylisted' in line
    assert 'later2@d.example' in house.run('queue', 'list', '--json', '--config', str(house.conf)).stdout


@pytest.mark.parametrize('mode', HOSTILE)
def test_P17_hostile(house, mode):
    """Whatever the server does, the message is kept, and mail for others flows."""
    house.send('Subject: %s\r\n\r\nx\r\n' % mode, 'ann@client.example', ['bob@%s.test' % mode])
    lab.wait_for(lambda: house.events('deferred', to=house.sinks[mode].where[0]))
    house.send('Subject: beside-%s\r\n\r\nx\r\n' % mode, to=['bob@d.example'])
    taken(house, 'ok', 'beside-' + mode)


def test_connections_are_reused(house):
    """Sixty messages at once over a few connections, each whole, none twice."""
    before = {m['connection'] for m in house.sinks['ok'].mails()}
    with house.smtp() as s:
        for i in range(60):
            s.sendmail('ann@client.example', ['r%d@d.example' % i], 'Subject: reuse-%d.\r\n\r\nx\r\n' % i)
    got = taken(house, 'ok', 'reuse-', 60)
    assert sorted(r for m in got for r in m['rcpts']) == sorted('RCPT TO:<r%d@d.example>' % i for i in range(60))
    assert len({m['connection'] for m in got} - before) <= 20


def test_killed_client_role_loses_nothing(house):
    """smtpc dies by SIGKILL with mail on its way: it is back, and each message arrives at least once."""
    import os
    import signal
    with house.smtp() as s:
        for i in range(40):
            s.sendmail('ann@client.example', ['k%d@d.example' % i], 'Subject: killed-%d.\r\n\r\nx\r\n' % i)
            if i in (10, 25):
                os.kill(lab.wait_for(lambda: house.roles().get('smtpc 0')), signal.SIGKILL)
    lab.wait_for(lambda: len({r for m in house.sinks['ok'].mails() for r in m['rcpts'] if '<k' in r}) == 40, 40)
