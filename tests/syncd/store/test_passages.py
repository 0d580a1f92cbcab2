"""Passages: what lies in the file as it lay there is not read again, and nothing is ever other than if it had been."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from connectors import csv_passages, csv_survey
from connectors.csv_source import CsvSource
from connectors.model import Certificate, Known, Record
from syncd.core.change import RecordKey
from syncd.core.humans import Link
from syncd.store import links
from syncd.store.engine import open_engine, reading, require_current, writing
from syncd.store.ingest import Ingested, ingest
from syncd.store.tables import meta, passages, records, sizes
from tests.depth import examples

NOW = datetime(2026, 11, 2, tzinfo=UTC)
HEADER = "Employee,User Name,Email,Group Name\r\n"
COLUMNS = {"id": "Employee", "display_name": "User Name", "email": "Email", "groups": "Group Name"}


class Reader:
    """A store, and one CSV source that is read into it again and again.

    Args:
        folder: for the store.
        path: the file.
        remember: whether the source may use passages.
    """

    def __init__(self, folder: Path, path: Path, *, remember: bool = True) -> None:
        folder.mkdir(exist_ok=True)
        self.engine = open_engine(f"sqlite:///{folder}/syncd.db")
        require_current(self.engine)
        self.source = CsvSource("hr", path, COLUMNS, groups_separator=";", settle_seconds=0)
        self.remember = remember
        self.asked = 0

    def read(self) -> Ingested:
        self.asked = 0
        return ingest(self.engine, "hr", self._stream, now=NOW, shape=lambda attributes: str(attributes["email"]))

    def _stream(self, known: Known) -> Iterator[Record | Certificate]:
        counting = _Counting(known, self)
        if not self.remember:
            counting.passages = None
        return self.source.read(counting)

    def held(self) -> dict[str, Any]:
        """Everything that a read leaves behind, but for the passages themselves."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(records).order_by(records.c.external_id)).mappings()
            found: dict[str, Any] = {row["external_id"]: dict(row) for row in rows}
            found["sizes"] = set(
                connection.execute(select(sizes.c.group_name, sizes.c.now).where(sizes.c.now != 0)).all()
            )
        return found

    def whole(self) -> bool:
        with reading(self.engine) as connection:
            return connection.execute(select(meta.c.value).where(meta.c.name == "passages of hr")).scalar() is not None

    def link(self, *keys: str) -> None:
        with writing(self.engine) as connection:
            links.write_links(connection, [Link(RecordKey("hr", key), f"f-{key}") for key in keys])


class _Counting(Known):
    """Counts the rows that were taken apart."""

    def __init__(self, known: Known, reader: Reader) -> None:
        self.known = known
        self.reader = reader
        self.passages = known.passages

    def __call__(self, *record: Any) -> bool:
        self.reader.asked += 1
        return self.known(*record)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


@pytest.fixture
def reader(tmp_path: Path, path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path / "store", path)
    yield made
    made.engine.dispose()


def row(number: int, name: str = "", groups: str = "Field;Office") -> str:
    return f"E{number},{name or f'Person {number}'},p{number}@x.example,{groups}\r\n"


def write(path: Path, rows: list[str]) -> None:
    path.write_text(HEADER + "".join(rows), encoding="utf-8", newline="")


ROWS = [row(number) for number in range(2000)]


def test_the_second_read_takes_no_row_apart_and_the_next_only_what_is_near_a_change(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    assert reader.read().changed == 2000
    assert reader.whole()
    found = reader.read()
    assert (found.changed, found.certificate.records, reader.asked) == (0, 2000, 0)
    changed = ROWS.copy()
    changed[700] = row(700, "Other Name")
    del changed[1200]
    write(path, [row(9999), *changed])
    found = reader.read()
    assert (found.changed, found.gone, found.certificate.records) == (2, 0, 2000)
    assert 2 < reader.asked < 200
    assert reader.held()["E700"]["attributes"]["display_name"] == "Other Name"
    assert "E1200" not in reader.held()
    reader.read()
    assert reader.asked == 0


def test_a_run_that_changes_nothing_writes_nothing(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    with reader.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar()
        reader.read()
        assert connection.exec_driver_sql("PRAGMA data_version").scalar() == before


def test_one_person_twice_is_seen_when_the_other_row_lies_in_a_passage_that_is_known(
    reader: Reader, path: Path
) -> None:
    write(path, ROWS)
    reader.read()
    write(path, [*ROWS, row(5, "Somebody Else")])
    found = reader.read()
    assert not found.certificate.certified
    assert "E5" in found.certificate.problems[0].message
    assert reader.held()["E5"]["attributes"]["display_name"] == "Person 5"


def test_several_rows_of_a_person_are_one_person_whenever_they_come(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    write(path, [*ROWS, row(5, groups="Night")])
    assert reader.read().certificate.certified
    assert reader.held()["E5"]["attributes"]["groups"] == ["Field", "Night", "Office"]
    write(path, ROWS)
    reader.read()
    assert reader.held()["E5"]["attributes"]["groups"] == ["Field", "Office"]


def test_a_stretch_that_lies_there_twice_is_not_met_twice(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    write(path, ROWS + ROWS[500:600])
    found = reader.read()
    assert found.certificate.records == 2000
    assert found.certificate.certified, "equal rows of a person are one person"


def test_a_bad_row_takes_the_certificate_and_leaves_what_is_remembered(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    broken = ROWS.copy()
    broken[300] = "E300,Person 300,no address,Field\r\n"
    write(path, broken)
    found = reader.read()
    assert [problem.line for problem in found.certificate.problems] == [302]
    assert found.certificate.problems[0].external_id == "E300"
    assert found.gone == 0
    assert reader.whole()
    write(path, ROWS)
    assert (reader.read().changed, reader.asked) == (0, 0)


def test_after_an_uncertified_read_that_wrote_everything_is_read_again(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    broken = [row(0, "New Name"), *ROWS[1:-1], "cut"]
    write(path, broken)
    assert not reader.read().certificate.certified
    assert not reader.whole()
    write(path, ROWS)
    reader.read()
    assert reader.asked >= 2000
    assert reader.held()["E0"]["attributes"]["display_name"] == "Person 0", (
        "what lies there as before was read all the same"
    )
    reader.read()
    assert reader.asked == 0


def test_a_read_that_ends_in_the_middle_of_writing_leaves_nothing_wrongly_remembered(
    reader: Reader, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, ROWS)
    reader.read()
    changed = [row(number, f"New {number}") if number % 40 == 0 else ROWS[number] for number in range(2000)]
    write(path, changed)
    monkeypatch.setattr("syncd.store.ingest.BATCH", 20)

    def dies(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("syncd.store.passages.RememberedPassages.end", dies)
        with pytest.raises(KeyboardInterrupt):
            reader.read()
    write(path, ROWS)
    reader.read()
    held = reader.held()
    assert all(held[f"E{number}"]["attributes"]["display_name"] == f"Person {number}" for number in range(2000))


def test_another_meaning_of_the_same_bytes_is_read_anew(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    reader.source._groups_separator = None
    assert reader.read().changed == 2000
    assert reader.held()["E1"]["attributes"]["groups"] == ["Field;Office"]


def test_somebody_who_was_gone_comes_back_in_a_passage(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    reader.link("E700")
    write(path, ROWS[:700] + ROWS[701:])
    assert reader.read().gone == 1
    write(path, ROWS)
    assert reader.read().changed == 1
    assert reader.held()["E700"]["gone_since"] is None


def test_rows_that_go_on_over_lines_are_read_whole(reader: Reader, path: Path) -> None:
    odd = [f'E{number},"Person\n{number}",p{number}@x.example,Field\r\n' for number in range(500)]
    write(path, odd)
    assert not reader.read().certificate.certified, "a line break in a name is a hidden character"
    quoted = [f'E{number},"Person, {number}",p{number}@x.example,"Field;Office"\r\n' for number in range(500)]
    write(path, quoted)
    assert reader.read().certificate.certified
    quoted[100] = 'E100,"Other, 100",p100@x.example,Field\r\n'
    write(path, quoted)
    assert reader.read().changed == 1
    assert reader.asked < 100


def test_a_row_that_goes_on_over_lines_is_never_cut_in_two(reader: Reader, path: Path) -> None:
    plain = [f"E{n},P {n},p{n}@x.example,Field,\r\n" for n in range(200)]

    def file(one: str) -> str:
        return "Employee,User Name,Email,Group Name,Notes\r\n" + "".join([*plain[:100], one, *plain[100:]])

    def cut_in_two(one: str) -> bool:
        lines = list(csv_passages._cut(io.BytesIO(file(one).encode())))
        at = next(place for place, passage in enumerate(lines) if any(b"line one" in line for line in passage))
        return b"line one" in lines[at][-1] and len(lines[at + 1]) > 1

    rows = [f'M{n},M,m{n}@x.example,Field,"line one\r\nX{n},X,x{n}@x.example,Field,two"\r\n' for n in range(100)]
    for one in filter(cut_in_two, rows):
        path.write_text(file(one), newline="")
        reader.read()
        reader.read()
        path.write_text(file(one.replace("line one", 'line one"')), newline="")
        reader.read()
        number = one.split(",")[0][1:]
        assert {key for key in reader.held() if key[0] in "MX"} == {f"M{number}", f"X{number}"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_are_read_as_ever(reader: Reader, path: Path, encoding: str) -> None:
    for text in (HEADER + "".join(ROWS), HEADER + "".join(ROWS[1:]), HEADER + "".join(ROWS)):
        path.write_text(text, encoding=encoding, newline="")
        assert reader.read().certificate.certified
        assert len(reader.held()) == 1 + text.count("@")


def test_no_key_of_somebody_who_left_is_remembered(reader: Reader, path: Path) -> None:
    write(path, ROWS)
    reader.read()
    write(path, ROWS[1:])
    reader.read()
    with reading(reader.engine) as connection:
        assert not any(b'"E0"' in ids for ids in connection.execute(select(passages.c.ids)).scalars())


def cell(text: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([text])
    return buffer.getvalue()


people = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["Anna", "Bo", "Berg, Anna", 'The "B"', "Zoë", ""]),
        st.sampled_from(["Field", "Office", "Field;Office", ""]),
        st.sampled_from(["", "", "one\ntwo", "a\nE7,Eve,p7@x.example,Field,\nb"]),
        st.sampled_from(["\r\n", "\n"]),
        st.sampled_from([True] * 12 + [False]),
    ),
    max_size=40,
)
edits = st.lists(
    st.tuples(st.integers(0, 39), st.sampled_from(["cut", "turn", "rename", "again", "spoil"])), max_size=3
)
days = st.tuples(people, st.lists(edits, min_size=1, max_size=4))


def shaped(rows: list[Any]) -> str:
    lines = []
    for number, name, groups, notes, end, good in rows:
        email = f"p{number}@x.example" if good else "none"
        lines.append(",".join((f"E{number}", cell(name or "N"), email, cell(groups), cell(notes))) + end)
    return "Employee,User Name,Email,Group Name,Notes\n" + "".join(lines)


def edited(rows: list[Any], changes: list[tuple[int, str]]) -> list[Any]:
    made = list(rows)
    for place, what in changes:
        if not made:
            break
        at = place % len(made)
        number, name, groups, notes, end, good = made[at]
        match what:
            case "cut":
                del made[at]
            case "turn":
                made.insert(0, made.pop(at))
            case "rename":
                made[at] = (number, name + "x", groups, notes, end, good)
            case "again":
                made.append(made[at])
            case "spoil":
                made[at] = (number, name, groups, "", end, not good)
    return made


@given(days)
@settings(max_examples=examples(40, 120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_day_after_day_the_store_is_as_if_everything_had_been_read(tmp_path_factory: Any, days: Any) -> None:
    rows, changes = days
    folder = tmp_path_factory.mktemp("days")
    path = folder / "people.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_passages, "ENDS", 1)
        patch.setattr(csv_passages, "LONGEST", 3)
        patch.setattr(csv_survey, "OPENED", 1.0)
        once, always = Reader(folder / "a", path), Reader(folder / "b", path, remember=False)
        try:
            for day in range(len(changes) + 1):
                path.write_text(shaped(rows), encoding="utf-8", newline="")
                for reader in (once, always):
                    reader.last = reader.read()
                assert once.last == always.last
                assert once.held() == always.held()
                if day < len(changes):
                    rows = edited(rows, changes[day])
                    for reader in (once, always):
                        reader.link(*(f"E{number}" for number, *_ in rows[::3]))
        finally:
            for reader in (once, always):
                reader.engine.dispose()
