"""Reading a source that tells what changed: as true as a full read, from a cursor that moves only with what it brought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.base import Incremental
from connectors.errors import RetryableError
from connectors.memory import MemoryJournal
from connectors.memory_target import MemoryTarget
from connectors.model import Certificate, Gone, Known, Problem, Record, RecordKind
from syncd.core.change import RecordKey
from syncd.core.diff import Ground
from syncd.core.humans import Link
from syncd.core.leaving import Farewells
from syncd.core.rules import Rules
from syncd.core.safety import Policy
from syncd.reading import read_sources
from syncd.store import links, runs
from syncd.store.engine import reading, writing
from syncd.store.runs import ReadLine
from syncd.store.sources import Cursor, cursor_of
from syncd.store.tables import memberships, metadata, records
from syncd.sync import Request, Sync
from tests.depth import examples
from tests.stores import in_memory

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def person(key: str, name: str = "") -> Record:
    return Record("person", key, {"email": f"{key}@x.example", "display_name": name or key, "active": True})


def group(key: str, *members: str) -> Record:
    return Record("group", key, {"display_name": f"Group {key}", "members": tuple(sorted(members))})


class Watched(MemoryJournal):
    """Notes how it was read, and breaks off or doubts when told to."""

    asked = ""
    breaks = False
    doubts: Certificate | None = None

    def read(self, known: Known = Known()) -> Iterator[Record | Certificate]:  # noqa: B008 - holds nothing
        self.asked += "F"
        yield from super().read(known)

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        self.asked += "c"
        for item in super().changes(cursor, known):
            if isinstance(item, Certificate):
                if self.breaks:
                    raise RetryableError("the connection broke", where=self.name)
                yield self.doubts or item
            else:
                yield item


class Reader:
    """One source and its store, read run by run."""

    def __init__(self, store: Engine, source: Watched) -> None:
        self.store, self.source, self.now = store, source, NOW
        self.sync = Sync(
            store=store,
            sources={source.name: source},
            target=MemoryTarget(),
            rules=Rules(),
            rules_digest="",
            ground=Ground(NOW),
            farewells=Farewells(),
            documents_to="",
            policy=Policy(),
            adopt=True,
            approval_lasts=timedelta(hours=1),
            actor="test",
            clock=lambda: self.now,
            full_every={source.name: timedelta(hours=24)},
        )

    def read(self, **delta: float) -> ReadLine:
        self.now += timedelta(**delta)
        run_id = runs.start(self.store, "run", "test", self.now)
        by_name = Request("run", (self.source.name,))  # so that no quarantine keeps it away
        (line,) = read_sources(self.sync, by_name, run_id, self.now).lines.values()
        return line

    def link(self, *keys: str) -> None:
        with writing(self.store) as connection:
            links.write_links(connection, [Link(RecordKey("hr", key), f"f-{key}") for key in keys])

    def held(self) -> set[tuple[str, str, str, bool]]:
        with reading(self.store) as connection:
            query = select(records.c.kind, records.c.external_id, records.c.attributes, records.c.gone_since)
            return {
                (kind, key, attributes["display_name"], since is not None)
                for kind, key, attributes, since in connection.execute(query)
            }

    def members(self) -> set[tuple[str, str]]:
        with reading(self.store) as connection:
            query = select(memberships.c.group_id, memberships.c.person_id)
            return {(group_id, person_id) for group_id, person_id in connection.execute(query)}


@pytest.fixture
def reader(store: Engine) -> Reader:
    return Reader(store, Watched("hr", [person("a"), person("b"), group("g", "a", "b")]))


def test_it_keeps_the_promise_of_a_source_that_tells_changes() -> None:
    assert isinstance(MemoryJournal("hr"), Incremental)


def test_after_a_full_read_only_what_changed_is_asked_for(reader: Reader) -> None:
    assert reader.read().records == 2
    reader.source.put(person("c"))
    reader.source.put(group("g", "a", "c"))
    line = reader.read(hours=1)
    assert (reader.source.asked, line.records, line.certified) == ("Fc", 3, True)
    assert reader.members() == {("g", "a"), ("g", "c")}
    assert cursor_of(reader.store, "hr") == Cursor("2", NOW)


def test_who_is_told_to_be_gone_is_gone_and_nobody_else(reader: Reader) -> None:
    reader.read()
    reader.link("a", "b")
    reader.source.remove("person", "a")
    assert reader.read(hours=1).records == 1
    assert {(key, gone) for kind, key, _, gone in reader.held() if kind == "person"} == {("a", True), ("b", False)}


def test_changes_that_are_not_certified_take_nobody_away_and_are_asked_for_again(reader: Reader) -> None:
    reader.read()
    reader.link("a")
    before = cursor_of(reader.store, "hr")
    reader.source.remove("person", "a")
    reader.source.put(person("c"))
    reader.source.doubts = Certificate(1, problems=(Problem("c has no email"),))
    line = reader.read(hours=1)
    assert (line.certified, line.records) == (False, 3)
    assert cursor_of(reader.store, "hr") == before
    assert not any(gone for *_, gone in reader.held())
    reader.source.doubts = None
    assert reader.read(hours=1).records == 2
    assert ("person", "a", "a", True) in reader.held()
    assert reader.source.asked == "Fcc"


def test_changes_that_break_off_keep_what_came_and_move_no_cursor(reader: Reader) -> None:
    reader.read()
    before = cursor_of(reader.store, "hr")
    reader.source.put(person("c"))
    reader.source.breaks = True
    with pytest.raises(RetryableError):
        reader.read(hours=1)
    assert cursor_of(reader.store, "hr") == before
    reader.source.breaks = False
    assert reader.read(hours=1).records == 3
    assert ("person", "c", "c", False) in reader.held()


def test_a_cursor_that_is_not_known_any_more_leads_to_a_full_read_that_says_so(reader: Reader) -> None:
    reader.read()
    reader.source.remove("person", "b")
    reader.source.began = 1
    line = reader.read(hours=1)
    assert (reader.source.asked, line.records) == ("FcF", 1)
    assert line.notes == ["hr was read whole: the journal begins at 1, and the cursor is 0"]
    assert reader.read(hours=1).notes == []


def test_everything_is_read_once_a_day_and_when_the_clock_was_set_back(reader: Reader) -> None:
    for delta in (0, 23, 2, 1, -5):
        reader.read(hours=delta)
    assert reader.source.asked == "FcFcF"


def test_a_full_read_that_is_not_certified_is_followed_by_a_full_read(reader: Reader) -> None:
    reader.read()
    reader.source.began = 1  # the next one is full
    reader.source.put(Record("person", "d", {"email": "d@x.example"}))
    whole = reader.source.read

    def doubtful(known: Known = Known()) -> Iterator[Record | Certificate]:  # noqa: B008 - holds nothing
        for item in whole(known):
            yield replace(item, reasons=("size limit",)) if isinstance(item, Certificate) else item

    reader.source.read = doubtful  # type: ignore[method-assign]
    assert not reader.read(hours=1).certified
    assert cursor_of(reader.store, "hr") is None
    reader.read(hours=1)
    assert reader.source.asked == "FcFF"


_KEYS = st.sampled_from("abcdef")
_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _KEYS, st.sampled_from(["x", "y"])),
        st.tuples(st.just("remove"), _KEYS, st.just("")),
        st.tuples(st.just("group"), st.sampled_from("gh"), st.frozensets(_KEYS)),
        st.tuples(st.just("ungroup"), st.sampled_from("gh"), st.just("")),
        st.tuples(st.just("read"), st.just(""), st.sampled_from(["", "breaks", "doubts"])),
    ),
    max_size=25,
)


@settings(max_examples=examples(20, 60), deadline=None)
@given(_EVENTS)
def test_incremental_reads_leave_what_a_full_read_would(events: list) -> None:
    stores = [in_memory(), in_memory()]
    for store in stores:
        metadata.create_all(store)  # the same tables as by the migration, and quicker
    begin = [person("a"), person("b"), group("g", "a")]
    reader = Reader(stores[0], Watched("hr", begin))
    reader.read()
    there: set[tuple[RecordKind, str]] = {("person", "a"), ("person", "b"), ("group", "g")}
    for what, key, value in events:
        if what == "read":
            reader.source.breaks = value == "breaks"
            reader.source.doubts = Certificate(0, reasons=("doubt",)) if value == "doubts" else None
            try:
                reader.read(minutes=1)
            except RetryableError:
                assert value == "breaks"
        elif what in {"put", "group"}:
            reader.source.put(person(key, value) if what == "put" else group(key, *value))
            there.add(("person" if what == "put" else "group", key))
        elif (kind := "person" if what == "remove" else "group", key) in there:
            reader.source.remove(kind, key)  # type: ignore[arg-type]
            there.remove((kind, key))  # type: ignore[arg-type]
    reader.source.breaks, reader.source.doubts = False, None
    told = reader.read(minutes=1)
    assert set(reader.source.asked[1:]) <= {"c"}
    full = Reader(stores[1], reader.source)
    assert told.records == full.read().records
    assert reader.held() == full.held()
    persons = {key for kind, key in there if kind == "person"}
    assert {pair for pair in reader.members() if pair[1] in persons} == {p for p in full.members() if p[1] in persons}
    for store in stores:
        store.dispose()
