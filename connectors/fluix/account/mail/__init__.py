"""The account's mails: queued with the deed that they tell of, sent once, and watched for what comes back.

Rooms: `links` (signed links) · `outbox` (what waits and was sent) · `texts` (templates) · `message` (a row as RFC 5322) ·
`smtp` (one connection) · `sending` (states) · `refused` (addresses) · `reports`, `boxes`, `bounces` (RFC 3464) ·
`resending` (how often) · `mailing` (the facade).
"""
