"""One run, top to bottom: read, ingest, resolve, diff, plan, review, decide, apply, audit. Each step is a named function.

`make_plan` goes as far as the review and writes nothing to the target; `run` goes on; `apply_plan` applies what a person
approved of a plan made before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from connectors.errors import ConnectorError
from connectors.model import normalise_email
from syncd import log
from syncd.applying import verdicts_now, worker_of
from syncd.approving import asked_again
from syncd.comparing import (
    accepts,
    compare,
    counts,
    facts,
    look_at_adoptions,
    look_at_leavers,
    look_at_returners,
    mark_admins,
    over_by_now,
)
from syncd.continuing import doubt_deeds, go_on, let_through
from syncd.core import safety
from syncd.core.approval import decide
from syncd.core.change import Decision, RecordKey
from syncd.core.humans import Link
from syncd.core.plan import Plan
from syncd.core.report import Report
from syncd.core.safety import Review
from syncd.core.standing import Standing
from syncd.errors import Interrupted, SyncdError, UsageError
from syncd.outstanding import without_outstanding
from syncd.reading import read_sources
from syncd.reading_account import frozen_groups, merge_groups, note_changed, read_account, rename_groups
from syncd.sharing import apply_shared, wait_for_others
from syncd.spans import span
from syncd.store import clusters, departures, ledger, links, plans, runs, tracing
from syncd.store.continuity import bear_witness
from syncd.store.erasure import erase_due
from syncd.store.parcels import Sender
from syncd.store.plans import StoredPlan
from syncd.store.retention import retire_due
from syncd.sync import Request, Sync
from syncd.telling import tell_sources


def make_plan(sync: Sync, request: Request) -> Report:
    """Read, compare, check and keep a plan. Nothing is written to the target.

    Raises:
        ConnectorError: no source, or not the target, could be read.
    """
    with _line(sync, request.command) as run_id:
        stored, standings = _plan(sync, request, run_id)
        report = Report(run_id, stored.plan_id, stored.plan, stored.review, stored.sources, _decide(sync, stored))
        tell_sources(sync, standings, report)
        runs.write(sync.store, run_id, plan_id=stored.plan_id, decision=report.decision.word)
    return report


def run(sync: Sync, request: Request) -> Report:
    """Plan, then apply what may proceed.

    Raises:
        ConnectorError: no source, or not the target, could be read or reached.
        Interrupted: asked to stop; what was begun goes on with the next run.
    """
    with _line(sync, request.command) as run_id:
        resumed = _resume(sync, run_id)
        stored, standings = _plan(sync, request, run_id)
        report = _apply(sync, run_id, stored, resumed, fresh=True)
        tell_sources(sync, standings, report)
    return report


def apply_plan(sync: Sync, plan_id: int) -> Report:
    """Apply what may proceed of a plan that was shown: what is approved, and what needed no approval.

    Raises:
        UsageError: there is no such plan, or it is too old.
        ConnectorError, Interrupted: as in `run`.
    """
    stored = plans.load(sync.store, plan_id)
    if stored is None:
        raise UsageError(f"there is no plan {plan_id}", cure="see `syncd runs`")
    if stored.plan.digest.startswith("damaged"):
        raise UsageError(f"plan {plan_id} is not as it was stored", cure="make a new one with `syncd plan`")
    if sync.clock() - stored.created_at > sync.approval_lasts:
        hours = sync.approval_lasts.total_seconds() / 3600
        raise UsageError(f"plan {plan_id} is older than {hours:g} hours", cure="make a new one with `syncd plan`")
    with _line(sync, "apply") as run_id:
        resumed = _resume(sync, run_id)
        return _apply(sync, run_id, stored, resumed, fresh=False)


def _plan(sync: Sync, request: Request, run_id: int) -> tuple[StoredPlan, Mapping[RecordKey, Standing]]:
    """The steps from reading to the review; and how it stands with those whose sources are told."""
    now = sync.clock()
    with span("read"):
        read = read_sources(sync, request, run_id, now)
    lines = {**runs.last_reads(sync.store, sync.sources), **read.lines}
    sync.progress("read the account", 0)
    with span("account"):
        there = read_account(sync, request)
    ground = replace(
        there, now=now, counted=frozenset(read.certified), frozen=frozen_groups(sync.rules, lines.values())
    )
    renamed = rename_groups(sync, ground)
    sync.progress("compare", 0)
    with span("compare") as step:
        compared = compare(sync, request, replace(ground, renames=renamed.moved), runs.trust_of(lines.values()))
        step.count(changes=len(compared.changes), leavers=len(compared.leavers), adoptions=len(compared.adoptions))
    compared.findings += [*renamed.findings, *merge_groups(sync, request, renamed, compared.changes)]
    sync.progress("look at leavers", 0)
    admins = look_at_leavers(sync, compared)
    look_at_returners(sync, request, compared, now)
    doubts = doubt_deeds(sync, run_id, now, look_at_adoptions(sync, request, compared), compared.vanished)
    possible, impossible = safety.within((*renamed.changes, *compared.changes), sync.target.capabilities.verbs)
    compared.findings += impossible
    possible = mark_admins(sync, without_outstanding(sync, request, compared, possible))
    with span("plan") as step:
        plan = Plan.of(possible, compared.adoptions)
        step.count(changes=len(plan.changes), adoptions=len(plan.links))
    known = facts(sync, request, compared, read, admins=admins, doubts=doubts, plan=plan)
    with span("review") as step:
        review = safety.review(plan, known, sync.policy)
        step.count(findings=len(review.findings), **_weighed(review))
    if request.user is None:
        review = replace(review, findings=(*review.findings, *asked_again(sync.store, plan, review, now)))
    leaving = [(leaver, counts(leaver, read.certified)) for leaver in compared.leavers if leaver.certain]
    links.count_leaving(sync.store, leaving, compared.stayed, now)
    links.note(sync.store, compared.noted)
    clusters.settle(sync.store, compared.settled)
    taken = [] if request.user else accepts(plan, known.sizes, sync.policy)
    plan_id = plans.save(
        sync.store,
        plan,
        review,
        run_id=run_id,
        sources=known.sources,
        accepts=taken,
        now=now,
        lasts=sync.approval_lasts,
    )
    log.tell("plan_made", plan_id=plan_id, changes=len(plan.changes), **_weighed(review))
    return StoredPlan(plan_id, run_id, now, plan, review, tuple(known.sources), taken), compared.standings


def _weighed(review: Review) -> dict[str, int]:
    decisions = list(review.decisions.values())
    return {"held": decisions.count(Decision.HOLD), "refused": decisions.count(Decision.REFUSE)}


def _decide(sync: Sync, stored: StoredPlan) -> dict[str, Decision]:
    approvals = plans.approvals_of(sync.store, stored.plan.digest)
    return decide(stored.plan, stored.review.decisions, approvals, sync.clock())


def _still_adopted(sync: Sync, wanted: Sequence[Link]) -> list[Link]:
    """Those adoptions of an older plan that one made now would make as well."""
    new = links.not_yet(sync.store, wanted)
    accounts_now = clusters.adopted(verdicts_now(sync, [link.key for link in new])) if new else {}
    there = sync.target.get(link.fluix_id for link in new) if new else {}
    return [
        link
        for link in new
        if (account := accounts_now.get(link.key))
        and account.fluix_id == link.fluix_id
        and link.fluix_id in there
        and normalise_email(there[link.fluix_id].email) == normalise_email(account.email)
    ]


def _resume(sync: Sync, run_id: int) -> int:
    """Take up what a run that was killed left open. Returns how many changes that were."""
    wait_for_others(sync)
    worker, journal = worker_of(sync, run_id)
    left = journal.open()
    if left:
        worker.resume(left)
    worker.settle(journal.doubted())
    ledger.settle(sync.store, sync.target.get)
    return len({(plan_id, change.key) for plan_id, change, _, _ in left})


def _apply(sync: Sync, run_id: int, stored: StoredPlan, resumed: int, *, fresh: bool) -> Report:
    worker, journal = worker_of(sync, run_id, fresh=fresh)
    before = journal.done_keys(stored.plan_id)
    review, decisions = stored.review, _decide(sync, stored)
    if not fresh:
        review, decisions = _look_at_budgets(sync, stored, decisions, before)
    going = [
        change
        for change in stored.plan.changes
        if decisions[change.key] is Decision.PROCEED and change.key not in before
    ]
    adoptions = links.not_yet(sync.store, stored.plan.links) if fresh else _still_adopted(sync, stored.plan.links)
    links.adopt(sync.store, adoptions, sync.actor, sync.clock())
    sender = Sender(sync.calling, run_id, stored.plan_id, fresh, sync.actor)
    with span("apply", changes=len(going)) as step:
        applied = apply_shared(sync, worker, journal, sender, going)
        step.count(done=applied.done.total(), failed=len(applied.failed), stale=len(applied.stale))
    if going:
        with contextlib.suppress(ConnectorError):  # it is done, and the next run reads it in any case
            note_changed(sync, tracing.done_ids(sync.store, stored.plan_id, run_id))
    done = journal.done_keys(stored.plan_id)
    let_through(sync, stored, done)
    report = Report(
        run_id,
        stored.plan_id,
        stored.plan,
        review,
        stored.sources,
        decisions,
        applied,
        skipped=len(stored.plan.changes) - len(going) - len(before),
        already_done=len(before),
        resumed=resumed,
    )
    runs.write(sync.store, run_id, plan_id=stored.plan_id, decision=report.decision.word, outcome=report.outcome)
    departures.note_returns(sync.store, sync.clock())
    erase_due(sync.store, sync.clock(), sync.actor)
    retire_due(sync.store, sync.keep, sync.clock(), sync.actor)
    return report


def _look_at_budgets(
    sync: Sync, stored: StoredPlan, decisions: dict[str, Decision], before: Collection[str]
) -> tuple[Review, dict[str, Decision]]:
    """What needed no approval when an older plan was made is held, where by now it would exceed a budget."""
    left = Plan.of(
        change
        for change in stored.plan.changes
        if decisions[change.key] is Decision.PROCEED and change.key not in before
    )
    free = {change.key for change in left.changes if stored.review.decisions[change.key] is Decision.PROCEED}
    found = [finding for finding in over_by_now(sync, left, sync.clock()) if free.intersection(finding.changes)]
    held = dict.fromkeys((key for finding in found for key in finding.changes if key in free), Decision.HOLD)
    return replace(stored.review, findings=(*found, *stored.review.findings)), decisions | held


@contextlib.contextmanager
def _line(sync: Sync, command: str) -> Iterator[int]:
    """The run's own line: how it ended is always written, unless the process is killed."""
    began = sync.clock()
    run_id = runs.start(sync.store, command, sync.actor, began)

    def seconds() -> float:
        return round((sync.clock() - began).total_seconds(), 3)

    with log.about(run_id=run_id), span("run", run_id=run_id, command=command):
        log.tell("run_started", command=command)
        sync.began(run_id)
        try:
            go_on(sync, run_id, began)
            yield run_id
            bear_witness(sync.store, run_id)
        except (KeyboardInterrupt, Interrupted):
            runs.write(sync.store, run_id, state="interrupted", ended_at=sync.clock())
            log.tell("run_interrupted", command=command, seconds=seconds())
            raise
        except Exception as error:
            log.tell("run_failed", command=command, seconds=seconds(), error=str(error))
            with contextlib.suppress(SyncdError):
                runs.write(sync.store, run_id, state="failed", error=str(error), ended_at=sync.clock())
            raise
        runs.write(sync.store, run_id, state="done", ended_at=sync.clock())
        log.tell("run_ended", command=command, seconds=seconds())
