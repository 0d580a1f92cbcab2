"""Files that somebody looks at before they are imported: what was shown is what is imported, by whatever process.

They are personal data, and gone after an hour.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Engine, LargeBinary, String, Table, delete, insert, select

from syncd.store.engine import reading, write_if_any, writing
from syncd.store.tables import Moment, metadata

LASTS: Final = timedelta(hours=1)

previews = Table(
    "previews",
    metadata,
    Column("id", String, primary_key=True),
    Column("made_by", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("name", String, nullable=False, comment="of the file, as its owner called it"),
    Column("content", LargeBinary, nullable=False, comment="the file, deflated"),
    comment="files that were shown to somebody before they are imported; gone after an hour",
)


@dataclass(frozen=True, slots=True)
class Preview:
    """One file."""

    name: str
    content: bytes


def keep(engine: Engine, file: Preview, who: str, now: datetime) -> str:
    """Keep a file. Returns what it is found by."""
    forget_old(engine, now)
    number = secrets.token_urlsafe(16)
    row = {"id": number, "made_by": who, "made_at": now, "name": file.name, "content": zlib.compress(file.content)}
    with writing(engine) as connection:
        connection.execute(insert(previews), row)
    return number


def find(engine: Engine, number: str, who: str, now: datetime) -> Preview | None:
    """The file that this person kept; None: there is none, or not any more."""
    query = select(previews).where(previews.c.id == number, previews.c.made_by == who, previews.c.made_at > now - LASTS)
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Preview(row.name, zlib.decompress(row.content))


def forget(engine: Engine, number: str) -> None:
    """It is not needed any more."""
    with writing(engine) as connection:
        connection.execute(delete(previews).where(previews.c.id == number))


def forget_old(engine: Engine, now: datetime) -> None:
    """Take away what is older than an hour. Writes nothing where there is none."""
    write_if_any(engine, delete(previews).where(previews.c.made_at <= now - LASTS))
