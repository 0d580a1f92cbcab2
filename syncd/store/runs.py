"""The line that every run writes, and what the last reads allow to be concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, func, literal_column, or_, select, update

from connectors.model import Certificate, normalise_email
from syncd.core.change import RecordKey
from syncd.core.safety import SourceRead
from syncd.store.clusters import Trust
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import journal, meta, runs

_SHOWN_PROBLEMS = 100

_CUT = "the read was cut: the process ended"


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What one source's last read said, as a run's line keeps it."""

    name: str
    records: int
    groups: int
    certified: bool
    problems: list[str]
    problem_count: int
    pinned: list[str]
    pinned_addresses: list[str]
    frozen_groups: list[str]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, certificate: Certificate, groups: int) -> ReadLine:
        """The line for one certificate; `groups` counts what is known of the source, not only what this read handed over."""
        problems = [*certificate.reasons, *(problem.message for problem in certificate.problems)]
        return cls(
            name,
            certificate.records,
            groups,
            certificate.certified,
            problems[:_SHOWN_PROBLEMS],
            len(problems),
            [problem.external_id for problem in certificate.problems if problem.external_id],
            [normalise_email(problem.email) for problem in certificate.problems if problem.email],
            sorted(certificate.frozen_groups),
            _some(certificate.notes),
        )

    def under_way(self) -> ReadLine:
        """The line while this source is read again.

        If the process is killed, nothing can be concluded from the part that it took in; whom problems meant before, they
        still might mean.
        """
        return replace(self, certified=False, problems=[_CUT], problem_count=1)

    def shown(self) -> SourceRead:
        """As a review and a person see it."""
        hidden = self.problem_count - len(self.problems)
        more = [f"and {hidden} more"] if hidden > 0 else []
        problems, notes = (*self.problems, *more), tuple(self.notes)
        return SourceRead(self.name, self.records, self.groups, self.certified, problems, notes)


def _some(notes: Sequence[str]) -> list[str]:
    hidden = len(notes) - _SHOWN_PROBLEMS
    return [*notes[:_SHOWN_PROBLEMS], *([f"and {hidden} more"] if hidden > 0 else [])]


def trust_of(lines: Iterable[ReadLine]) -> Trust:
    """What these reads allow to be concluded."""
    lines = list(lines)
    return Trust(
        frozenset(line.name for line in lines if line.certified),
        frozenset(line.name for line in lines if line.frozen_groups),
        frozenset(RecordKey(line.name, external_id) for line in lines for external_id in line.pinned),
        frozenset(address for line in lines for address in line.pinned_addresses),
    )


def start(engine: Engine, command: str, actor: str, now: datetime) -> int:
    """Write a run's line. Returns its number."""
    with writing(engine) as connection:
        row = {"command": command, "actor": actor, "started_at": now, "state": "running"}
        number = connection.execute(runs.insert().values(row)).inserted_primary_key
        assert number is not None
        return int(number[0])


def write(engine: Engine, run_id: int, **values: Any) -> None:
    """Bring a run's line up to date (columns of the table `runs`)."""
    with writing(engine) as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


def keep_reads(engine: Engine, run_id: int, lines: Iterable[ReadLine]) -> None:
    """Keep what the sources said, before anything is concluded from it."""
    write(engine, run_id, reads=[asdict(line) for line in lines])


def last_reads(engine: Engine, names: Iterable[str]) -> dict[str, ReadLine]:
    """The newest line of each of these sources; who was never read has none."""
    wanted, found = set(names), dict[str, ReadLine]()
    with reading(engine) as connection:
        query = select(runs.c.reads).where(runs.c.reads.is_not(None)).order_by(runs.c.id.desc())
        for reads in connection.execution_options(yield_per=50).execute(query).scalars():
            for line in reads:
                if line["name"] in wanted - found.keys():
                    found[line["name"]] = ReadLine(**line)
            if wanted <= found.keys():
                break
    return found


def history(engine: Engine, limit: int = 20) -> list[Row[Any]]:
    """The newest runs, newest first."""
    with reading(engine) as connection:
        return list(connection.execute(select(runs).order_by(runs.c.id.desc()).limit(limit)))


def find(engine: Engine, run_id: int) -> Row[Any] | None:
    """One run's line."""
    with reading(engine) as connection:
        return connection.execute(select(runs).where(runs.c.id == run_id)).first()


def under_way(engine: Engine) -> Row[Any] | None:
    """The newest run, if it has not ended."""
    with reading(engine) as connection:
        row = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
    return row if row and row.state == "running" else None


def bad_ends(engine: Engine, run_id: int, limit: int, offset: int = 0) -> tuple[int, list[Row[Any]]]:
    """How many steps of a run failed, dropped out or are unproven, and some of them: key, state and why."""
    ended_badly = or_(*(journal.c.state == literal_column(f"'{state}'") for state in ("failed", "stale", "unproven")))
    where = (journal.c.run_id == run_id, ended_badly)
    query = select(journal.c.key, journal.c.state, journal.c.message).where(*where).order_by(journal.c.key)
    with reading(engine) as connection:
        total = connection.execute(select(func.count()).select_from(journal).where(*where)).scalar_one()
        return total, list(connection.execute(query.limit(limit).offset(offset))) if total else []


def remember(engine: Engine, values: Mapping[str, str]) -> None:
    """Keep small facts about the store (the digest of the rules, …); the same again writes nothing."""
    with reading(engine) as connection:
        query = select(meta.c.name, meta.c.value).where(meta.c.name.in_(list(values)))
        kept = dict(connection.execute(query).all())
    new = [{"name": name, "value": value} for name, value in values.items() if kept.get(name) != value]
    if new:
        with writing(engine) as connection:
            connection.execute(upsert(connection, meta), new)


def remember_first(engine: Engine, name: str, value: str) -> None:
    """Keep a small fact that nobody kept before; of several who do so at a time one wins."""
    if recall(engine, name) is not None:
        return
    with writing(engine) as connection:
        if connection.execute(select(meta.c.value).where(meta.c.name == name)).first() is None:
            connection.execute(upsert(connection, meta), [{"name": name, "value": value}])


def recall(engine: Engine, name: str) -> str | None:
    """A fact that was remembered."""
    with reading(engine) as connection:
        return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
