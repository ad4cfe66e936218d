# SPDX-License-Identifier: ISC
"""The tests of forwarding use the houses and peers of test/peers."""
import sys
from pathlib import Path

TEST = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TEST), str(TEST / 'peers')]
