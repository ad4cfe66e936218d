# SPDX-License-Identifier: ISC
"""A message that nobody takes within give-up goes back; begun when the session began, looked at last."""
from test_bounces import report


def test_expired_message_is_returned(expiring):
    """The last reason is told, and a receipt of its own for having waited in vain."""
    m = expiring.wait_mail(limit=90)[0]
    fields, _ = report(m)
    assert fields[1]['Action'] == 'failed' and fields[1]['Status'][1:] == '.4.7'
    assert '452 4.2.2 full' in fields[1]['Diagnostic-Code']
    expiring.wait_empty()
