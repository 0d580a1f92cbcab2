"""A copy of what the store knows of people, to be calculated on and thrown away: what is written there is written nowhere."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, column, select, table

from syncd.store.engine import open_engine, snapshot, writing
from syncd.store.tables import metadata

_LEFT_OUT: Final = frozenset({"passages", "plans", "plan_changes", "approvals", "audit", "mdm_people"})
"""Large, and nothing that is worked out from records and accounts rests on them."""

_PAGE: Final = 5000


@contextlib.contextmanager
def scratch_copy(engine: Engine, progress: Callable[[str, int], None]) -> Iterator[Engine]:
    """A copy of the store as it is at this moment, in a file of its own that goes with the block.

    Writers of the store are not held up. The file lies where the system keeps what is temporary (`TMPDIR`), for this user's
    eyes only. `progress` hears how many rows were copied; what it raises ends the copy.
    """
    with tempfile.TemporaryDirectory(prefix="syncd-") as folder:
        copy = open_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        try:
            _fill(engine, copy, progress)
            yield copy
        finally:
            copy.dispose()


def _fill(engine: Engine, copy: Engine, progress: Callable[[str, int], None]) -> None:
    with snapshot(engine) as live, writing(copy, read_again=True) as to:
        metadata.create_all(to)
        for one in metadata.sorted_tables:
            if one.name not in _LEFT_OUT:
                _copy(live, to, one, progress)


def _copy(live: Connection, to: Connection, one: Table, progress: Callable[[str, int], None]) -> None:
    """Row by row as the drivers have them: every structure is text, so nothing has to be understood."""
    names = [each.name for each in one.columns]
    untyped: Any = select(*map(column, names)).select_from(table(one.name))
    insert = f"INSERT INTO {one.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own
    for rows in live.execute(untyped, execution_options={"yield_per": _PAGE}).partitions():
        to.exec_driver_sql(insert, [tuple(row) for row in rows])
        progress("copied", len(rows))
