from __future__ import annotations

import pytest

from connectors.errors import RetryableError
from connectors.memory import MemorySource
from connectors.model import Certificate, Problem, Record
from tests.contracts import PEOPLE, SourceContract, read_all


def record(person):
    attributes = {name: person[name] for name in ("email", "display_name", "active")}
    return Record("person", person["external_id"], attributes | {"groups": tuple(sorted(person["groups"]))})


class TestContract(SourceContract):
    def make_source(self, people, tmp_path):
        return MemorySource("people", map(record, people))

    def make_incomplete(self, people, tmp_path):
        problem = Problem("E9 has no email", external_id="E9")
        return MemorySource("people", map(record, people), Certificate(len(people), problems=(problem,)))

    def make_failing(self, people, tmp_path):
        return MemorySource("people", map(record, people), fail_after=2)


@pytest.mark.parametrize("after", [0, 1, 4, 9])
def test_it_breaks_off_after_so_many_records(after):
    stream = MemorySource("people", map(record, PEOPLE), fail_after=after).read()
    for _ in range(min(after, len(PEOPLE))):
        assert isinstance(next(stream), Record)
    with pytest.raises(RetryableError):
        next(stream)


def test_group_records_count_as_groups_and_not_as_people():
    group = Record("group", "G1", {"display_name": "FIELD", "members": ("E1",)})
    _, certificate = read_all(MemorySource("people", [*map(record, PEOPLE), group]))
    assert (certificate.records, certificate.groups) == (len(PEOPLE), 3)


def test_a_given_certificate_is_handed_over_as_it_is():
    given = Certificate(7, reasons=("the size limit was reached",))
    source = MemorySource("people", [], given)
    assert read_all(source) == ([], given)
    assert list(source.check()) == ["the size limit was reached"]
