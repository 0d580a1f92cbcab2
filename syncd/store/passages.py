"""What is remembered of the stretches of a source's last certified read, so that the next opens only those that changed.

They are true only together with the records: whoever writes a record first takes `whole` away, in the same transaction, and only
the end of a certified read gives it back. A process that is killed between leaves a store that reads everything again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, delete, select

from connectors.model import RecordKind
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks, many_rows_of, upsert
from syncd.store.tables import meta, passages, records

_WAITING: Final = 4000
"""How many passages are written in one transaction while everything is remembered anew."""

_DIGEST: Final = 16


class RememberedPassages:
    """The `Passages` of one read of one source.

    Args:
        engine: the store's.
        source: the source's name.
    """

    def __init__(self, engine: Engine, source: str) -> None:
        self._engine = engine
        self._source = source
        self._flag = f"passages of {source}"
        with reading(engine) as connection:
            found = connection.execute(select(meta.c.value).where(meta.c.name == self._flag)).scalar()
        self.whole = found is not None
        self.index: dict[RecordKind, dict[str, bytes]] | None = None
        """The records of the passages that were not met, by kind and id; None: passages are not used."""
        self._broken = False
        self._held: dict[bytes, int] | None = None
        self._strangers: list[str] = []
        self._kept: dict[bytes, dict[str, Any]] = {}
        self._rewriting = False

    def met(self, digest: bytes) -> int | None:
        """See `connectors.model.Passages`."""
        if self._held is None:
            query = select(passages.c.digest, passages.c.records).where(passages.c.source == self._source)
            with reading(self._engine) as connection:
                self._held = dict(many_rows_of(connection, query))
        # Each is met once: what lies there twice is opened, and its records turn out to be there twice.
        return self._held.pop(digest, None)

    def settle(self) -> None:
        """See `connectors.model.Passages`."""
        persons: dict[str, bytes] = {}
        self.index = {"person": persons, "group": {}}
        columns = (passages.c.ids, passages.c.versions)
        with reading(self._engine) as connection:
            for part in chunks(self._held or ()):
                query = select(*columns).where(passages.c.source == self._source, passages.c.digest.in_(part))
                for ids, versions in many_rows_of(connection, query):
                    persons.update(_unpacked(ids, versions))

    def stranger(self, external_id: str) -> None:
        """Take note of a record that was opened and stands in no passage that was not met."""
        self._strangers.append(external_id)

    def clash(self) -> bool:
        """See `connectors.model.Passages`."""
        held = select(records.c.external_id).where(
            records.c.source == self._source, records.c.kind == "person", records.c.gone_since.is_(None)
        )
        with reading(self._engine) as connection:
            return any(
                connection.execute(held.where(records.c.external_id.in_(part)).limit(1)).first()
                for part in chunks(self._strangers)
            )

    def keep(self, digest: bytes, found: Sequence[tuple[str, bytes]]) -> None:
        """See `connectors.model.Passages`."""
        if not found:
            return
        self._kept[digest] = _packed(found)
        if not self.whole and len(self._kept) >= _WAITING:
            with writing(self._engine, read_again=True) as connection:
                self._rewrite(connection)

    def give_up(self) -> None:
        """See `connectors.model.Passages`."""
        self.index, self._held = None, None
        self._kept.clear()
        self._strangers.clear()

    def broken(self, connection: Connection) -> None:
        """A record is about to be written in this transaction."""
        if self.whole and not self._broken:
            connection.execute(delete(meta).where(meta.c.name == self._flag))
            self._broken = True

    def end(self, *, certified: bool) -> None:
        """The read has ended, and every record is written.

        Args:
            certified: whether what it kept is true.
        """
        if self.index is not None and certified:
            if self._held or self._kept or self._broken:
                with writing(self._engine, read_again=True) as connection:
                    self._forget(connection, self._held or ())
                    self._write(connection)
                    self._mark(connection)
        elif not self.whole and certified and (self._kept or self._rewriting):
            with writing(self._engine, read_again=True) as connection:
                self._rewrite(connection)
                self._mark(connection)
        elif self._broken or self._rewriting:
            with writing(self._engine, read_again=True) as connection:
                connection.execute(delete(passages).where(passages.c.source == self._source))

    def _rewrite(self, connection: Connection) -> None:
        if not self._rewriting:
            connection.execute(delete(passages).where(passages.c.source == self._source))
            self._rewriting = True
        self._write(connection)

    def _write(self, connection: Connection) -> None:
        rows = [{"source": self._source, "digest": digest, **row} for digest, row in sorted(self._kept.items())]
        if rows:
            connection.execute(upsert(connection, passages), rows)
        self._kept.clear()

    def _forget(self, connection: Connection, digests: Iterable[bytes]) -> None:
        for part in chunks(sorted(digests)):
            here = (passages.c.source == self._source, passages.c.digest.in_(part))
            connection.execute(delete(passages).where(*here))

    def _mark(self, connection: Connection) -> None:
        connection.execute(upsert(connection, meta), {"name": self._flag, "value": "whole"})


def take_out(connection: Connection, source: str, versions: Mapping[str, bytes]) -> None:
    """Persons were written by themselves: what is remembered of the passages in which they stood is of no file any more.

    The next read opens these passages, and compares with the versions that are held now.

    Args:
        connection: of the transaction that writes them.
        source: the source's name.
        versions: external id -> the version that is held now.
    """
    texts = [orjson.dumps(external_id) for external_id in versions]
    query = select(passages.c.digest, passages.c.ids, passages.c.versions).where(passages.c.source == source)
    touched = [row for row in many_rows_of(connection, query) if any(text in row[1] for text in texts)]
    left = dict(versions)
    rows: list[dict[str, Any]] = []
    for digest, ids, then in touched:
        stood = [(one, left.pop(one, version)) for one, version in _unpacked(ids, then)]
        rows.append({"source": source, "digest": _of_no_file(digest), **_packed(stood)})
    rows += [{"source": source, "digest": _of_no_file(one[0].encode()), **_packed([one])} for one in left.items()]
    for part in chunks(row[0] for row in touched):
        connection.execute(delete(passages).where(passages.c.source == source, passages.c.digest.in_(part)))
    connection.execute(upsert(connection, passages), rows)


def _packed(found: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    ids, versions = zip(*found, strict=True)
    return {"records": len(ids), "ids": orjson.dumps(ids), "versions": b"".join(versions)}


def _unpacked(ids: bytes, versions: bytes) -> Iterator[tuple[str, bytes]]:
    cut = range(0, len(versions), _DIGEST)
    return zip(orjson.loads(ids), (versions[at : at + _DIGEST] for at in cut), strict=True)


def _of_no_file(told: bytes) -> bytes:
    """A digest that no passage of a file has."""
    return hashlib.blake2b(told, digest_size=_DIGEST, person=b"taken out").digest()
