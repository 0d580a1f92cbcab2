"""The suite that every source passes. A source's own test is a subclass with the three `make_…` methods.

class TestMySource(SourceContract):
    def make_source(self, people, tmp_path): ...
"""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import ConnectorError
from connectors.model import Certificate, Known, Record, normalise_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from connectors.base import Source

Person = dict[str, Any]
"""external_id, email, display_name (texts), active (bool), groups (list of names)."""

PEOPLE: list[Person] = [
    {"external_id": "E1", "email": "anna@example.com", "display_name": "Anna Berg", "active": True, "groups": ["Office", "Field"]},
    {"external_id": "E2", "email": "bob@corp.local", "display_name": "Bob", "active": False, "groups": []},
    {"external_id": "E3", "email": "o'neil+x@example.com", "display_name": "Zoë O'Neil, Dr.", "active": True, "groups": ["Field"]},
    {"external_id": "E4", "email": "مريم@example.com", "display_name": "مریم علی‌زاده", "active": True, "groups": ["שלום"]},
]  # fmt: skip


def many(count: int) -> list[Person]:
    """So many different people, each in one of ten groups."""
    return [
        {"external_id": f"E{n:06}", "email": f"person{n}@example.com", "display_name": f"Person {n}", "active": True, "groups": [f"Team {n % 10}"]}
        for n in range(count)
    ]  # fmt: skip


def read_all(source: Source) -> tuple[list[Record], Certificate]:
    """A whole read; fails when it does not end with its only certificate."""
    *records, certificate = source.read()
    assert isinstance(certificate, Certificate)
    assert all(isinstance(record, Record) for record in records)
    return [record for record in records if isinstance(record, Record)], certificate


def memberships(records: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """Person's external id -> sorted names of groups, whichever way the source tells of groups."""
    records = list(records)
    found = {r.external_id: set(r.attributes.get("groups", ())) for r in records if r.kind == "person"}
    for group in (r for r in records if r.kind == "group"):
        for member in group.attributes["members"]:
            found[member].add(group.attributes["display_name"])
    return {person: tuple(sorted(groups)) for person, groups in found.items()}


class SourceContract:
    few, more = 3000, 9000
    """People for the question of memory: from where on buffers and page sizes no longer show."""
    bytes_a_record = 100
    """What a read may hold for each record. More only where the server, too, lives in the test's process."""

    def make_source(self, people: list[Person], tmp_path: Path) -> Source:
        """A source that holds these people and can read them whole."""
        raise NotImplementedError

    def make_incomplete(self, people: list[Person], tmp_path: Path) -> Source:
        """The same, and one record more that cannot be read."""
        raise NotImplementedError

    def make_failing(self, people: list[Person], tmp_path: Path) -> Source:
        """The same, and reading it raises before the end."""
        raise NotImplementedError

    @pytest.fixture
    def source(self, tmp_path):
        return self.make_source(PEOPLE, tmp_path)

    def test_it_says_its_name(self, source):
        assert isinstance(source.name, str)
        assert source.name

    def test_a_read_is_a_stream(self, source):
        stream = source.read()
        assert iter(stream) is stream
        assert isinstance(next(stream), Record)
        stream.close()

    def test_one_certificate_ends_the_stream(self, source):
        items = list(source.read())
        assert [isinstance(item, Certificate) for item in items] == [False] * (len(items) - 1) + [True]

    def test_everyone_is_handed_over_as_they_are(self, source):
        records, _ = read_all(source)
        people = {r.external_id: r for r in records if r.kind == "person"}
        assert people.keys() == {person["external_id"] for person in PEOPLE}
        for person in PEOPLE:
            attributes = people[person["external_id"]].attributes
            assert attributes["email"] == person["email"]
            assert attributes["display_name"] == person["display_name"]
            assert attributes["active"] is person["active"]

    def test_everyone_is_in_their_groups(self, source):
        records, _ = read_all(source)
        assert memberships(records) == {person["external_id"]: tuple(sorted(person["groups"])) for person in PEOPLE}

    def test_each_id_of_a_kind_comes_once(self, source):
        records, _ = read_all(source)
        assert set(Counter((r.kind, r.external_id) for r in records).values()) == {1}

    def test_groups_are_a_sorted_tuple_each_once(self, source):
        for record in read_all(source)[0]:
            for name in ("groups", "members"):
                value = record.attributes.get(name, ())
                assert isinstance(value, tuple)
                assert list(value) == sorted(set(value))

    def test_attribute_names_and_values_are_canonical(self, source):
        for record in read_all(source)[0]:
            for name, value in record.attributes.items():
                assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
                assert isinstance(value, str | bool | tuple)
            assert not record.attributes.keys() & {"id", "external_id", "userName", "displayName"}

    def test_two_reads_are_equal(self, source):
        (*one, first), (*other, second) = source.read(), source.read()
        assert one == other
        # Where others write to the same server meanwhile, only the place moves from which changes are told.
        assert replace(first, cursor=None) == replace(second, cursor=None)

    def test_what_is_known_need_not_be_handed_over_and_is_counted_all_the_same(self, source):
        held = {(r.kind, r.external_id, r.version) for r in read_all(source)[0] if r.version}

        class Holding(Known):
            def __call__(self, kind, external_id, version):
                return (kind, external_id, version) in held

        *records, certificate = source.read(Holding())
        assert not held & {(r.kind, r.external_id, r.version) for r in records}
        assert certificate.certified
        assert certificate.records == len(PEOPLE)

    def test_a_whole_read_is_certified_and_counted(self, source):
        records, certificate = read_all(source)
        assert certificate.certified
        assert certificate.records == sum(r.kind == "person" for r in records) == len(PEOPLE)
        names = {normalise_name(name) for groups in memberships(records).values() for name in groups}
        assert certificate.groups == len(names) == 3

    def test_one_bad_record_takes_the_certificate_away_and_no_one_else(self, tmp_path):
        records, certificate = read_all(self.make_incomplete(PEOPLE, tmp_path))
        assert not certificate.certified
        assert {r.external_id for r in records if r.kind == "person"} == {person["external_id"] for person in PEOPLE}
        for problem in certificate.problems:
            assert problem.message

    def test_a_read_that_fails_raises_and_certifies_nothing(self, tmp_path):
        items = []
        with pytest.raises(ConnectorError) as caught:
            items.extend(self.make_failing(PEOPLE, tmp_path).read())
        assert caught.value.what
        assert not any(isinstance(item, Certificate) for item in items)

    def test_check_has_nothing_to_say_when_all_is_well(self, source):
        assert list(source.check()) == []

    @pytest.mark.parametrize("how", ["make_incomplete", "make_failing"])
    def test_check_says_what_is_wrong(self, how, tmp_path):
        sentences = list(getattr(self, how)(PEOPLE, tmp_path).check())
        assert sentences
        assert all(isinstance(sentence, str) and " " in sentence for sentence in sentences)

    def test_memory_does_not_grow_with_the_records(self, tmp_path):
        def peak(count):
            folder = tmp_path / str(count)
            folder.mkdir()
            source = self.make_source(many(count), folder)
            tracemalloc.start()
            try:
                assert sum(isinstance(item, Record) and item.kind == "person" for item in source.read()) == count
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        few, more = self.few, self.more
        a_record = (peak(more) - peak(few)) / (more - few)
        assert a_record < self.bytes_a_record, f"{a_record:.0f} bytes a record"
