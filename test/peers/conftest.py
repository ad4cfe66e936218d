# SPDX-License-Identifier: ISC
"""Fixtures of the tests with real programs."""
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]
from peerlab import House  # noqa: E402


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
