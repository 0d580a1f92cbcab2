"""How it stands with one person, in a word and a sentence: for whoever asked for the account and cannot see the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from syncd.core.change import Change, Decision, Finding, RecordKey
from syncd.core.diff import Difference
from syncd.core.humans import Cluster, Isolated, Leaver, Present, Verdict
from syncd.core.report import Report

State = Literal[
    "pending", "provisioned", "held", "refused", "failed", "leaving", "deprovisioned", "excluded", "undecided"
]


@dataclass(frozen=True, slots=True)
class Standing:
    """One person's."""

    state: State
    """`excluded`: asks for no account and has none. `undecided`: a program cannot decide."""
    reason: str = ""
    """Why it is so, or what of it waits, in a sentence; empty where all is done."""
    fluix_id: str | None = None
    invitation: Literal["sent", "accepted"] | None = None
    changes: tuple[Change, ...] = ()
    """Of the plan, that concern this person."""


def standings(cluster: Cluster, compared: Iterable[tuple[Verdict, Difference]]) -> Iterator[tuple[RecordKey, Standing]]:
    """How it stands with everybody of a cluster before anything is done."""
    met: set[RecordKey] = set()
    for verdict, difference in compared:
        keys, standing = _standing(verdict, difference)
        met.update(keys)
        yield from ((key, standing) for key in keys)
    for entry in cluster.entries:
        if entry.key not in met:
            yield entry.key, Standing("excluded", entry.why_dead)


def _standing(verdict: Verdict, difference: Difference) -> tuple[tuple[RecordKey, ...], Standing]:
    said = "; ".join(finding.message for finding in difference.findings)
    changes = tuple(change for change in difference.changes if change.user)
    if isinstance(verdict, Isolated):
        return verdict.records, Standing("undecided", verdict.message)
    if isinstance(verdict, Leaver):
        account, keys = verdict.account, tuple(link.key for link in verdict.links)
        return keys, Standing("leaving", said or verdict.reason, account.fluix_id, changes=changes)
    return verdict.all_records, _of_present(verdict, changes)


def _of_present(person: Present, changes: tuple[Change, ...]) -> Standing:
    if person.account is None or person.replaces:
        return Standing("pending", changes=changes)
    account = person.account
    invitation: Literal["sent", "accepted"] = "sent" if account.state == "invited" else "accepted"
    return Standing("provisioned", "", account.fluix_id, invitation, changes)


def after(standing: Standing, report: Report) -> Standing:
    """How it stands once a run is over."""
    waiting = _Outcome.of(report)
    open_ = [found for change in standing.changes if (found := waiting.of_change(change))]
    if standing.state == "provisioned":
        return replace(standing, reason="; ".join(f"{key}: {why}" for key, _, why in open_))
    if not open_:
        return _done(standing) if standing.changes and report.applied else standing
    state, why = min(((state, why) for _, state, why in open_), key=lambda found: _WORST.index(found[0]))
    return replace(standing, state=state, reason=why)


_WORST: tuple[State, ...] = ("refused", "held", "failed", "pending")


def _done(standing: Standing) -> Standing:
    if standing.state == "leaving":
        left = any(change.kind == "delete_user" for change in standing.changes)
        return replace(standing, state="deprovisioned", reason="") if left else standing
    return replace(standing, state="provisioned", invitation="sent")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the changes of a run that did not end well, or did not begin."""

    decisions: Mapping[str, Decision]
    findings: tuple[Finding, ...]
    missed: Mapping[str, tuple[State, str]]
    ended: bool
    """Whether what was let through, and is not among `missed`, was done: not where it was only planned, or ordered."""

    @classmethod
    def of(cls, report: Report) -> _Outcome:
        missed: dict[str, tuple[State, str]] = {}
        if report.applied:
            missed |= {change.key: ("pending", why) for change, why in report.applied.stale}
            missed |= {
                change.key: ("failed", why) for change, why in (*report.applied.failed, *report.applied.unproven)
            }
        ended = report.applied is not None and not report.applied.ordered
        return cls(report.decisions, report.review.findings, missed, ended)

    def of_change(self, change: Change) -> tuple[str, State, str] | None:
        """Key, state and reason of a change that is not done; None when it is."""
        decision = self.decisions.get(change.key)
        if decision is Decision.PROCEED:
            if change.key in self.missed:
                return (change.key, *self.missed[change.key])
            return None if self.ended else (change.key, "pending", "planned, and not done yet")
        if decision is None:
            return change.key, "pending", "asked for earlier, and not done yet"
        said = "; ".join(
            finding.message
            for finding in self.findings
            if change.key in finding.changes and finding.decision is not Decision.PROCEED
        )
        return change.key, "refused" if decision is Decision.REFUSE else "held", said or "waits for approval"
