"""Small builders for the core's values: a test names only what its sentence is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.model import Account, Dossier, WorkflowPart, normalise_email, normalise_name
from syncd.core.change import Change, Decision, RecordKey
from syncd.core.diff import Difference, Ground, diff
from syncd.core.humans import Cluster, Entry, Leaver, Link, Present
from syncd.core.leaving import known
from syncd.core.plan import Plan
from syncd.core.resolve import resolve
from syncd.core.rules import Shaped, Wanted
from syncd.core.safety import Facts, Policy, review

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
ANNA = "anna@example.com"


def key(text):
    """`people/E1`, as the messages write it."""
    return RecordKey(*text.split("/"))


def entry(text, email=ANNA, name="Anna", groups=(), *, out="", problem="", gone=False, trusted=True, pinned=False):
    """A record: live, unless it is `out`, has a `problem`, or is `gone`."""
    address = normalise_email(email) if email else None
    wanted = None if out or problem else Wanted(email, name, tuple(groups))
    shaped = Shaped(address, wanted, out, problem)
    return Entry(key(text), shaped, LONG_AGO if gone else None, trusted=trusted, pinned=pinned)


def link(text, fluix_id="f1", *, since=None, reads=0, **given):
    """What we own; `given` is empty unless told."""
    if "groups" in given:
        given["groups"] = list(given["groups"])
    return Link(key(text), fluix_id, given, since, reads)


def waited(text, fluix_id="f1", **given):
    """The link of a leaver who has waited long enough."""
    return link(text, fluix_id, since=LONG_AGO, reads=5, **given)


def account(fluix_id="f1", email=ANNA, name="Anna", groups=(), state="active"):
    return Account(fluix_id, email, name, state, frozenset(groups))


def cluster(*parts, pinned_addresses=()):
    """Entries, links and accounts in any order."""
    return Cluster(
        [part for part in parts if isinstance(part, Entry)],
        [part for part in parts if isinstance(part, Link)],
        [part for part in parts if isinstance(part, Account)],
        frozenset(pinned_addresses),
    )


def ground(*groups, **more):
    """What a run stands on; `groups` are those that Fluix has."""
    plain = {"now": NOW, "groups": {normalise_name(name): name for name in groups}}
    return Ground(**{**plain, "counted": frozenset({"people", "ad", "hr"}), **more})


def compare(*parts, on=None, adopt=True, precedence=(), pinned_addresses=()):
    """Resolve a cluster and add up what its verdicts come to."""
    total = Difference()
    for verdict in resolve(cluster(*parts, pinned_addresses=pinned_addresses), adopt=adopt, precedence=precedence):
        difference = diff(verdict, on or ground())
        total.changes += difference.changes
        total.findings += difference.findings
        total.links += difference.links
        total.noted += difference.noted
        total.waits |= difference.waits
        total.leaving = difference.leaving or total.leaving
    return total


def keys(changes):
    return [change.key for change in changes]


def checks(findings):
    return [(finding.check, finding.decision.word) for finding in findings]


def leaver(*entries, links=None, of=None, reason="people/E1 is gone from its source"):
    entries = entries or (entry("people/E1", gone=True),)
    links = links or tuple(waited(str(one.key)) for one in entries)
    return Leaver(of or account(), tuple(links), tuple(entries), reason)


def present(*entries, links=(), of=None, **more):
    wanted = entries[0].shaped.wanted
    return Present(wanted, tuple(entries), tuple(links), of, **more)


def change(kind, user=None, group=None, *, fluix_id=None, records=(), **more):
    if fluix_id is None and user and kind != "create_user":
        fluix_id = f"id of {user}"
    return Change(kind, user, group, fluix_id=fluix_id, records=tuple(key(text) for text in records), **more)


def deletion(user=ANNA, *, of=None, groups=(), records=("people/E1",), after=None):
    """A deletion as `farewell` leaves it: with everything known of the account in `before`."""
    before = {"display_name": "Anna", "state": "active", "groups": sorted(groups), **known(of or dossier())}
    return change("delete_user", user, before=before, after=after, reason="gone", records=records)


def dossier(**more):
    """An account that nothing speaks for keeping."""
    plain = {"owner": False, "role": "", "admins": 3, "workflows": (), "drafts": 0, "assigned": 0}
    return Dossier("f1", **{**plain, **more})


def part(workflow="Permits", step="Approve", *, alone=False):
    return WorkflowPart(workflow, step, alone)


def many(kind, count, **more):
    """So many changes of a kind, of as many users."""
    return [
        change(kind, f"u{n}@x.example", "Field" if "member" in kind else None, records=["people/E1"], **more)
        for n in range(count)
    ]


def deletions(count, **more):
    """So many users who are deleted."""
    return [deletion(f"d{n}@x.example", **more) for n in range(count)]


def judge(changes, policy=None, **facts):
    """The review of a plan of these changes."""
    return review(Plan.of(changes), Facts(**{"managed": 100, **facts}), policy or Policy())


def held(reviewed):
    """Keys of the changes that do not proceed."""
    return {name for name, decision in reviewed.decisions.items() if decision is not Decision.PROCEED}
