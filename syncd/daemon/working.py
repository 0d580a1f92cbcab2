"""One more apply worker: takes parcels out of the queue, as long as it lives, and applies them as the run itself would.

Each parcel is fenced twice: by the run that gave it, and by the number of times that it was given. Whatever happens to this
process, what it held goes to another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from connectors.base import Target
from connectors.errors import ConnectorError, RetryableError
from syncd import log
from syncd.applying import worker_of
from syncd.bootstrap import App
from syncd.config_scim import ScimTargetConfig
from syncd.errors import DeposedError, StoreError, SyncdError, UsageError
from syncd.sharing import perform
from syncd.store import nodes, parcels, queue
from syncd.store.parcels import Parcel

_LOOKS_EVERY: Final = 1.0
_CHECKS_EVERY: Final = 1.0
"""Seconds between two looks into the queue, should the database's notice not arrive."""


class Working:
    """A worker.

    Args:
        app: the program, with a store that is this process's own.
        note: told what is worth a line.
    """

    def __init__(self, app: App, note: Callable[[str], None]) -> None:
        self._app = app
        self._note = note
        self._target: tuple[int, Target] | None = None
        """Of the run that gave the last parcel: its connections stay open."""
        self._stranger = ""

    def stay(self) -> None:
        """Until it is stopped (SIGTERM, SIGINT): the parcel that it is at is finished.

        Raises:
            UsageError: the store is no PostgreSQL.
            StoreError: the database went away.
        """
        refuse_sqlite(self._app.store)
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what it would tell is told here
        asyncio.run(self._stay())

    async def _stay(self) -> None:
        from procrastinate.worker import Worker  # noqa: PLC0415 - only where there are workers

        queued = queue.app(self._app.store)
        queued.task(name=queue.TASK)(self.take)
        async with queued.open_async():
            worker = Worker(
                queued,
                queues=[self._app.calling],
                fetch_job_polling_interval=_CHECKS_EVERY,
                delete_jobs="always",
                update_heartbeat_interval=queue.BEATS_EVERY,
                stalled_worker_timeout=float(queue.DEAD_AFTER * 5),
            )
            announcing = asyncio.create_task(self._announce(worker))
            stopped = False
            end: Callable[[], None] = worker.stop
            finish = queued.job_manager.finish_job

            def stop() -> None:
                nonlocal stopped
                stopped = True
                end()

            worker.stop = stop  # type: ignore[method-assign]
            queued.job_manager.finish_job = _finishing(finish, end)  # type: ignore[assignment, method-assign]
            try:
                await worker.run()  # type: ignore[no-untyped-call]
            finally:
                announcing.cancel()
                with contextlib.suppress(asyncio.CancelledError, StoreError):
                    await announcing
                with contextlib.suppress(StoreError):
                    nodes.leave(self._app.store)
        if not stopped:
            raise StoreError(
                "the database went away", where="store", cure="it is tried again when the worker is started again"
            )

    async def _announce(self, worker: Any) -> None:
        """Say that we are there, and look whether we and the leader go together."""
        while worker.worker_id is None:  # noqa: ASYNC110 - Procrastinate tells nobody when it has the number
            await asyncio.sleep(0.01)
        app = self._app
        await asyncio.to_thread(nodes.join, app.store, worker.worker_id, app.calling, app.clock())
        self._note(f"works: takes what the leader gives ({app.calling})")
        while True:
            with contextlib.suppress(StoreError):
                self._look(await asyncio.to_thread(nodes.leader, app.store))
            await asyncio.sleep(_LOOKS_EVERY)

    def _look(self, leader: nodes.Node | None) -> None:
        stranger = leader.calling if leader and leader.calling != self._app.calling else ""
        if stranger != self._stranger:
            self._stranger = stranger
            if stranger and leader:
                self._note(difference(self._app.calling, leader))
            else:
                self._note("takes parcels again: the leader goes by the same version and configuration")

    def take(self, parcel: int, attempt: int) -> None:
        """Apply one parcel, if it is still ours.

        One over which this worker loses the database is put down, as if the worker had died: its job ends without a word, and
        the leader gives it again.
        """
        app = self._app
        found = next(iter(parcels.all_of(app.store, [parcel])), None)
        if found is None or found.state != "waiting" or found.attempt != attempt:
            return
        store = parcels.store_of(app.store, found)
        try:
            read_back = self._perform(store, found)
            parcels.end(store, found.id, "done", {"read_back": read_back})
        except DeposedError as error:
            log.tell("parcel_lost", parcel=found.id, reason=error.what)
        except Exception as error:
            if _lost_the_database(error):
                log.tell("parcel_put_down", parcel=found.id, reason=str(error))
                return
            with contextlib.suppress(DeposedError):
                parcels.end(store, found.id, "failed", _told(error))
            if not isinstance(error, SyncdError | ConnectorError):
                raise

    def _perform(self, store: Engine, parcel: Parcel) -> int:
        sync = self._app.on(store).sync()
        if isinstance(self._app.config.target, ScimTargetConfig):
            if self._target is None or self._target[0] != parcel.run_id:
                self._target = (parcel.run_id, sync.target)
            sync = replace(sync, target=self._target[1])
        worker, journal = worker_of(replace(sync, actor=parcel.actor), parcel.run_id, fresh=parcel.fresh)
        return perform(worker, journal, parcel, parcels.changes_of(store, parcel))


def _finishing(finish: Callable[..., Awaitable[None]], end: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    """How a job is taken out of the queue.

    One that was withdrawn is out of it: somebody else has its parcel. One that cannot be taken out ends the worker, else this one
    would be at it as long as it lives, and a later run would wait for that.
    """
    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415 - only where there are workers
    from psycopg.errors import RaiseException  # noqa: PLC0415 - as above

    async def finishing(**told: Any) -> None:
        try:
            await finish(**told)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                end()

    return finishing


def refuse_sqlite(store: Engine) -> None:
    """Workers need a store that several machines can share.

    Raises:
        UsageError: it is SQLite.
    """
    if store.dialect.name != "postgresql":
        raise UsageError(
            "workers need a store on PostgreSQL, and this one is SQLite",
            where="store",
            cure="copy it with `syncd store copy --to postgresql+psycopg://…`, or let `syncd serve` do all by itself",
        )


def difference(calling: str, leader: nodes.Node) -> str:
    """In what a worker and the leader differ, as a sentence."""
    mine, theirs = calling.partition("-")[0], leader.calling.partition("-")[0]
    what = (
        f"goes by version {theirs} of the store, this worker by {mine}"
        if mine != theirs
        else "goes by another configuration than this worker"
    )
    return f"takes no parcels: the leader {leader.holder} {what}"


def _lost_the_database(error: Exception) -> bool:
    """Whether a connection broke in use: to the store, or to an embedded account."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and cause.connection_invalidated


def _told(error: Exception) -> dict[str, Any]:
    if isinstance(error, ConnectorError | SyncdError):
        told = {"what": error.what, "where": error.where, "cure": error.cure}
        kind = "store" if isinstance(error, StoreError) else "target"
        return told | {"of": kind, "retryable": isinstance(error, RetryableError)}
    return {"what": f"a worker met a mistake of the program: {error!r}", "where": "", "cure": "see the worker's log"}
