"""The queue that carries parcels to workers: Procrastinate's, in a schema of its own on the same PostgreSQL.

Jobs are put into it in the transaction that writes the parcels, so that neither is there without the other. Which workers live is
told by Procrastinate's heartbeats, by the database's clock. May not: know what a parcel is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, select, text

from syncd.errors import StoreError
from syncd.store.engine import reading
from syncd.store.node_tables import nodes

if TYPE_CHECKING:
    import procrastinate

SCHEMA: Final = "procrastinate"
TASK: Final = "apply"
BEATS_EVERY: Final = 1.0
"""Seconds between two heartbeats of a worker."""
DEAD_AFTER: Final = 6
"""Seconds without a heartbeat after which what a worker holds is given to another one."""
_LIVES: Final = f"last_heartbeat > now() - interval '{DEAD_AFTER} seconds'"


def make_ready(connection: Connection) -> None:
    """Make Procrastinate's tables, where they are not there yet; inside the transaction that makes ours."""
    if connection.execute(select(text(f"to_regclass('{SCHEMA}.procrastinate_jobs')"))).scalar():
        return
    try:
        from procrastinate.schema import SchemaManager  # noqa: PLC0415 - once in a store's life
    except ModuleNotFoundError as error:
        cure = "install it with `pip install fluix-syncd[postgresql]`"
        raise StoreError(f"the queue for PostgreSQL is missing: {error.name}", where="store", cure=cure) from None
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    driver: Any = connection.connection.dbapi_connection
    with _inside(connection):
        driver.execute(SchemaManager.get_schema())


@contextmanager
def _inside(connection: Connection) -> Iterator[None]:
    """Names are Procrastinate's for a while: its functions and triggers say them without their schema."""
    before = connection.execute(text("SHOW search_path")).scalar()
    connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
    yield
    connection.execute(text("SELECT set_config('search_path', :before, true)"), {"before": before})


def app(engine: Engine) -> procrastinate.App:
    """Procrastinate on this store, with connections of its own."""
    import procrastinate  # noqa: PLC0415 - only where there are workers

    _, options = engine.dialect.create_connect_args(engine.url)
    kwargs = {**options, "options": f"-c search_path={SCHEMA}", "application_name": "syncd queue"}
    return procrastinate.App(connector=procrastinate.PsycopgConnector(kwargs=kwargs, min_size=1, max_size=4))


def defer(connection: Connection, queue: str, told: Sequence[dict[str, Any]]) -> list[int]:
    """Put jobs into a queue, at the end of the transaction in which their parcels are written. Returns their numbers."""
    from procrastinate.jobs import Job  # noqa: PLC0415 - only where there are workers
    from procrastinate.manager import JobManager  # noqa: PLC0415 - as above
    from procrastinate.sync_psycopg_connector import SyncPsycopgConnector  # noqa: PLC0415 - as above

    jobs = [Job(queue=queue, lock=None, queueing_lock=None, task_name=TASK, task_kwargs=one) for one in told]
    manager = JobManager(SyncPsycopgConnector())
    with _inside(connection):
        done = manager.batch_defer_jobs(jobs, connection=connection.connection.dbapi_connection)
    return [job.id or 0 for job in done]


def withdraw(connection: Connection, job_ids: Sequence[int]) -> None:
    """Take back jobs that nobody has begun; those of dead workers, too."""
    taken = text(
        "DELETE FROM procrastinate_jobs j WHERE j.id = ANY(:ids) AND (j.status <> 'doing' OR NOT EXISTS"  # noqa: S608 - our own words
        f" (SELECT 1 FROM procrastinate_workers w WHERE w.id = j.worker_id AND w.{_LIVES}))"
    )
    with _inside(connection):
        connection.execute(taken, {"ids": list(job_ids)})


def lost(connection: Connection, job_ids: Sequence[int]) -> set[int]:
    """Those of these jobs that nobody does and nobody will: ended, gone, or a dead worker's."""
    query = text(
        f"SELECT j.id FROM {SCHEMA}.procrastinate_jobs j LEFT JOIN {SCHEMA}.procrastinate_workers w"  # noqa: S608 - our own words
        f" ON w.id = j.worker_id AND w.{_LIVES}"
        " WHERE j.id = ANY(:ids) AND (j.status = 'todo' OR (j.status = 'doing' AND w.id IS NOT NULL))"
    )
    return set(job_ids) - set(connection.execute(query, {"ids": list(job_ids)}).scalars())


def held(engine: Engine, job_ids: Sequence[int]) -> set[int]:
    """Those of these jobs that a live worker is at."""
    query = text(
        f"SELECT j.id FROM {SCHEMA}.procrastinate_jobs j JOIN {SCHEMA}.procrastinate_workers w"  # noqa: S608 - our own words
        f" ON w.id = j.worker_id AND w.{_LIVES} WHERE j.id = ANY(:ids) AND j.status = 'doing'"
    )
    with reading(engine) as connection:
        return set(connection.execute(query, {"ids": list(job_ids)}).scalars())


def live_workers(engine: Engine, calling: str) -> int:
    """How many workers of this calling live."""
    if engine.dialect.name != "postgresql":
        return 0
    query = text(f"SELECT id FROM {SCHEMA}.procrastinate_workers WHERE {_LIVES}")  # noqa: S608 - our own words
    with reading(engine) as connection:
        live = set(connection.execute(query).scalars())
        if not live:
            return 0
        ours = select(nodes.c.worker_id).where(nodes.c.role == "worker", nodes.c.calling == calling)
        return len(live.intersection(connection.execute(ours).scalars()))
