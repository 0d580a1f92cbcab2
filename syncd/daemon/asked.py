"""What somebody asked the daemon for: taken under the lock, performed, and told what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from syncd.core.report import Report
from syncd.errors import Interrupted, UsageError, advice
from syncd.run import apply_plan, make_plan, run
from syncd.store import wishes
from syncd.store.wishes import Wish
from syncd.sync import Request, Sync


def perform(sync: Sync, wish: Wish) -> Report:
    """Do what is wished, in the name of who asked.

    Raises:
        UsageError: there is no such plan, or no such source.
        ConnectorError, Interrupted: as in `run`.
    """
    sync = replace(sync, actor=wish.asked_by)
    if wish.kind == "plan":
        return make_plan(sync, Request("plan", wish.sources))
    if wish.kind == "apply":
        if wish.plan_id is None:
            raise UsageError("no plan is named")
        return apply_plan(sync, wish.plan_id)
    if wish.kind == "user_run" and not wish.email:
        raise UsageError("nobody is named")
    return run(sync, Request("run", wish.sources, user=wish.email))


def perform_next(
    store: Engine, sync: Sync, clock: Callable[[], datetime], run_id: Callable[[], int | None]
) -> Report | None:
    """Take the next wish and perform it. Hold the store's lock: a wish that is begun already was a killed process's.

    Args:
        store: where wishes are.
        sync: what a run needs.
        clock: see `App`.
        run_id: of the run that is under way, if one has begun.

    Returns:
        What it came to; None: nobody waits, or the wish could not be done, which it says itself.

    Raises:
        Interrupted: asked to stop; the wish is taken once more later.
    """
    wishes.reopen(store)
    taken = wishes.take(store, clock())
    if taken is None:
        return None
    try:
        report = perform(sync, taken.wish)
    except Interrupted:
        raise
    except Exception as error:
        told = advice(error)
        message = told.sentence if told else "a mistake of the program: see the daemon's log"
        state: wishes.Ending = "refused" if isinstance(error, UsageError) else "failed"
        wishes.conclude(store, taken.id, state, clock(), run_id=run_id(), message=message)
        raise
    message = f"{len(report.plan.changes)} changes planned" + "".join(
        f", {count} {name}" for name, count in report.outcome.items() if count
    )
    wishes.conclude(store, taken.id, "done", clock(), run_id=report.run_id, message=message)
    return report
