"""Words that come from elsewhere (states, steps, checks) and are shown translated: named here, so that catalogues have them."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as word

WORDS: Final = (
    *(word("proceed"), word("hold"), word("refuse")),
    *(word("running"), word("done"), word("failed"), word("interrupted")),
    *(word("approved"), word("waiting"), word("refused")),
    *(word("stale"), word("skipped"), word("unproven"), word("ordered")),
    *(word("open"), word("written"), word("confirmed"), word("withdrawn")),
    *(word("viewer"), word("operator"), word("approver"), word("admin")),
    *(word("read"), word("scope"), word("map"), word("match"), word("merge")),
    *(word("diff"), word("policy"), word("approval"), word("outcome")),
    *(word("invited"), word("active"), word("draft"), word("assigned")),
    *(word("new"), word("exists"), word("duplicate"), word("invalid"), word("changed"), word("left")),
    *(word("valid"), word("revoked"), word("expired"), word("write"), word("events")),
    *(word("asked"), word("sent"), word("acknowledged"), word("differing")),
    *(word("would send"), word("unchanged")),
    *(word("error"), word("warning"), word("note")),
    *(word("pending"), word("provisioned"), word("held"), word("leaving"), word("deprovisioned")),
    *(word("excluded"), word("undecided")),
)

CHECKS: Final = (
    *(word("certificate"), word("pinned"), word("conflict"), word("unreadable"), word("taken"), word("new_key")),
    *(word("deleted_by_hand"), word("shrink"), word("budget"), word("quarantine"), word("clock"), word("restored")),
    *(word("adoption"), word("admin"), word("workflow"), word("documents"), word("unknown"), word("workflow_shared")),
    *(word("owner"), word("last_admin"), word("protected"), word("workflow_alone"), word("capability"), word("seats")),
    *(word("contradicted"), word("webhook"), word("approve_again"), word("ordered"), word("withdrawn")),
    *(word("returning"), word("last_days"), word("waiting"), word("drift"), word("email_differs")),
    *(word("group_name_taken"), word("group_missing"), word("not_ours")),
)
"""Why something is held, as `docs/operations.md` names it."""

HTTP: Final = (
    *(word("Bad Request"), word("Unauthorized"), word("Forbidden"), word("Not Found"), word("Method Not Allowed")),
    *(word("Conflict"), word("Gone"), word("Request Entity Too Large"), word("Content Too Large")),
    *(word("Unprocessable Entity"), word("Unprocessable Content"), word("Too Many Requests")),
    *(word("Internal Server Error"), word("Service Unavailable")),
    word("The browser (or proxy) sent a request that this server could not understand."),
    word(
        "The requested URL was not found on the server. "
        "If you entered the URL manually please check your spelling and try again."
    ),
    word("The method is not allowed for the requested URL."),
    word("The data value transmitted exceeds the capacity limit."),
)
"""Titles of what is refused, and what werkzeug says of it."""

PASSWORDS: Final = (
    *(word("straight rows of keys are easy to guess"), word("short keyboard patterns are easy to guess")),
    word('repeats like "aaa" are easy to guess'),
    word('repeats like "abcabcabc" are only slightly harder to guess than "abc"'),
    word('sequences like "abc" or "6543" are easy to guess'),
    *(word("recent years are easy to guess"), word("dates are often easy to guess")),
    *(word("this is a top-10 common password"), word("this is a top-100 common password")),
    *(word("this is a very common password"), word("this is similar to a commonly used password")),
    word("a word by itself is easy to guess"),
    word("names and surnames by themselves are easy to guess"),
    word("common names and surnames are easy to guess"),
)
"""What zxcvbn says of a password, as `access.passwords` goes on with it."""
