# SPDX-License-Identifier: ISC
"""Fixtures of the tests with real programs."""
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]
from peerlab import LOOSE, Hop, House  # noqa: E402


@pytest.fixture
def house(tmp_path):
    """One running postern for example.test that relays for loopback."""
    with House(tmp_path / 'h') as h:
        yield h.start()


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    """The same, kept for all tests of a file: each must look for its own mail."""
    with House(tmp_path_factory.mktemp('shared') / 'h') as h:
        yield h.start()


@pytest.fixture(scope='session', autouse=True)
def expiring(tmp_path_factory):
    """A house with a message that its next hop will never take; give-up cannot be shorter than a minute."""
    with Hop({'RCPT': lambda arg, n: '452 4.2.2 full'}) as hop, House(
            tmp_path_factory.mktemp('expiring') / 'h', extra=LOOSE + 'route far.example via [127.0.0.1]:%d\n' % hop.port,
            limits=['give-up 60s', 'delay-notice 0'], retry='20s') as h:
        h.start()
        h.send(sender='alice@example.test', to=['x@far.example'])
        yield h
