"""Ingest by digest: only what changed is written, and absence counts only when the read was certified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select

from connectors.errors import RetryableError
from connectors.model import Certificate, Problem, Record
from syncd.core.change import RecordKey
from syncd.core.humans import Link
from syncd.core.rules import Rules
from syncd.store import clusters, groups, links, sizes
from syncd.store.engine import reading, writing
from syncd.store.ingest import Ingested, ingest
from syncd.store.tables import records

NOW = datetime(2026, 11, 2, tzinfo=UTC)
LATER = datetime(2026, 11, 3, tzinfo=UTC)
TRUST = clusters.Trust(frozenset({"hr"}))


def person(key: str, *names: str, **attributes: str | bool) -> Record:
    return Record("person", key, {"email": f"{key}@x.example", "display_name": key, "groups": names, **attributes})


def group(key: str, name: str, *members: str) -> Record:
    return Record("group", key, {"display_name": name, "members": members})


def read(store: Engine, items: Iterable[Record | Certificate], now: datetime = NOW) -> Ingested:
    rules = Rules()
    return ingest(store, "hr", lambda _known: items, now=now, shape=rules.address)


def whole(*items: Record) -> list[Record | Certificate]:
    return [*items, Certificate(len(items))]


def link(store: Engine, *keys: str) -> None:
    with writing(store) as connection:
        links.write_links(connection, [Link(RecordKey("hr", key), f"f-{key}") for key in keys])


def settled(store: Engine) -> None:
    with writing(store) as connection:
        connection.execute(records.update().values(dirty=False))


def dirty(store: Engine) -> set[str]:
    with reading(store) as connection:
        return set(connection.execute(select(records.c.external_id).where(records.c.dirty)).scalars())


def gone(store: Engine) -> dict[str, datetime]:
    with reading(store) as connection:
        rows = connection.execute(select(records.c.external_id, records.c.gone_since))
        return {key: since for key, since in rows if since}


def known(store: Engine) -> set[str]:
    with reading(store) as connection:
        return set(connection.execute(select(records.c.external_id)).scalars())


def test_a_group_that_is_renamed_and_frozen_in_one_read_is_not_gone(store: Engine) -> None:
    read(store, whole(person("a"), group("g", "Old", "a"), group("h", "Other", "a")))
    read(store, [person("a"), Certificate(1, frozen_groups=frozenset({"New"}))], now=LATER)
    assert groups.group_records(store, ["hr"]) == {RecordKey("hr", "g"): "Old", RecordKey("hr", "h"): "Other"}
    read(store, [person("a"), Certificate(1, frozen_groups=frozenset({"Old"}))], now=LATER)
    assert groups.group_records(store, ["hr"]) == {RecordKey("hr", "g"): "Old"}


def test_the_first_read_makes_everybody_dirty(store: Engine) -> None:
    assert read(store, whole(person("a"), person("b"))).changed == 2
    assert dirty(store) == {"a", "b"}


def test_the_same_read_again_writes_nothing(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    settled(store)
    assert read(store, whole(person("b"), person("a"))).changed == 0
    assert dirty(store) == set()


def test_only_what_changed_is_dirty(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    settled(store)
    assert read(store, whole(person("a"), person("b", display_name="B."))).changed == 1
    assert dirty(store) == {"b"}


def test_the_order_of_attributes_does_not_matter(store: Engine) -> None:
    one = Record("person", "a", {"email": "a@x.example", "display_name": "a"})
    other = Record("person", "a", {"display_name": "a", "email": "a@x.example"})
    read(store, whole(one))
    assert read(store, whole(other)).changed == 0


def test_a_linked_person_missed_by_a_certified_read_is_gone(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    link(store, "a", "b")
    settled(store)
    assert read(store, whole(person("a")), LATER).gone == 1
    assert gone(store) == {"b": LATER}
    assert dirty(store) == {"b"}


def test_gone_stays_since_the_first_time(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    link(store, "b")
    read(store, whole(person("a")), NOW)
    read(store, whole(person("a")), LATER)
    assert gone(store) == {"b": NOW}


def test_a_person_without_a_link_is_forgotten(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    read(store, whole(person("a")))
    assert known(store) == {"a"}


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate(1, problems=(Problem("line 3 is bad"),)),
        Certificate(1, reasons=("size limit",)),
        None,
    ],
)
def test_a_read_that_is_not_certified_misses_nobody(store: Engine, certificate: Certificate | None) -> None:
    read(store, whole(person("a"), person("b")))
    link(store, "a", "b")
    items: list[Record | Certificate] = [person("a"), *([certificate] if certificate else [])]
    taken = read(store, items)
    assert not taken.certificate.certified
    assert gone(store) == {}


def test_a_read_that_fails_half_way_keeps_what_it_brought_and_misses_nobody(store: Engine) -> None:
    def failing() -> Iterator[Record | Certificate]:
        yield person("a", display_name="A.")
        raise RetryableError("connection lost", where="dc1")

    read(store, whole(person("a"), person("b")))
    link(store, "a", "b")
    settled(store)
    taken = read(store, failing())
    assert taken.certificate.reasons == ("connection lost (dc1)",)
    assert gone(store) == {}
    assert dirty(store) == {"a"}


def test_who_returns_is_not_gone_any_more_even_when_nothing_about_them_changed(store: Engine) -> None:
    read(store, whole(person("a"), person("b")))
    link(store, "a", "b")
    read(store, whole(person("a")))
    settled(store)
    assert read(store, whole(person("a"), person("b"))).changed == 1
    assert gone(store) == {}
    assert dirty(store) == {"b"}


def test_a_record_given_twice_takes_the_certificate_away_and_is_pinned(store: Engine) -> None:
    taken = read(store, whole(person("a"), person("a", display_name="other")))
    assert not taken.certificate.certified
    assert [problem.external_id for problem in taken.certificate.problems] == ["a"]


def test_more_records_than_fit_one_batch(store: Engine) -> None:
    many = [person(f"p{number}") for number in range(4500)]
    assert read(store, whole(*many)).changed == 4500
    assert len(known(store)) == 4500
    assert read(store, whole(*many)).changed == 0


def sizes_of(store: Engine) -> dict[str | None, int]:
    found = sizes.changed_groups(store, ["hr"], lambda name: name, NOW)
    return {size.group: size.now for size in found}


def test_sizes_of_groups_follow_the_records(store: Engine) -> None:
    read(store, whole(person("a", "Sales"), person("b", "Sales", "Field")))
    link(store, "a", "b")
    assert sizes_of(store) == {"Field": 1, "Sales": 2}
    read(store, whole(person("a", "Field"), person("b", "Sales", "Field")))
    assert sizes_of(store) == {"Field": 2, "Sales": 1}
    read(store, whole(person("a", "Field")))
    assert sizes_of(store) == {"Field": 1, "Sales": 0}
    read(store, whole(person("a", "Field"), person("b", "Sales")))
    assert sizes_of(store) == {"Field": 1, "Sales": 1}


def test_group_records_give_their_members_groups(store: Engine) -> None:
    read(store, whole(person("a"), person("b"), group("g1", "Sales", "a", "b")))
    found = {
        entry.key.external_id: entry.shaped.wanted
        for one in clusters.dirty_clusters(store, Rules(), TRUST)
        for entry in one.entries
    }
    assert {key: wanted.groups for key, wanted in found.items() if wanted} == {"a": ("Sales",), "b": ("Sales",)}
    assert sizes_of(store) == {"Sales": 2}


def test_only_members_that_changed_are_dirty(store: Engine) -> None:
    read(store, whole(*map(person, "abc"), group("g1", "Sales", "a", "b")))
    settled(store)
    read(store, whole(*map(person, "abc"), group("g1", "Sales", "b", "c")))
    assert dirty(store) - {"g1"} == {"a", "c"}
    assert sizes_of(store) == {"Sales": 2}


def test_a_renamed_group_makes_all_its_members_dirty(store: Engine) -> None:
    read(store, whole(*map(person, "abc"), group("g1", "Sales", "a", "b")))
    settled(store)
    read(store, whole(*map(person, "abc"), group("g1", "Trade", "a", "b")))
    assert dirty(store) - {"g1"} == {"a", "b"}
    assert sizes_of(store) == {"Sales": 0, "Trade": 2}
    assert groups.group_records(store, ["hr"]) == {RecordKey("hr", "g1"): "Trade"}


def test_a_group_that_is_gone_makes_its_members_dirty(store: Engine) -> None:
    read(store, whole(*map(person, "ab"), group("g1", "Sales", "a")))
    settled(store)
    read(store, whole(*map(person, "ab")))
    assert dirty(store) == {"a"}
    assert groups.group_records(store, ["hr"]) == {}


def test_a_frozen_group_that_is_absent_stays(store: Engine) -> None:
    read(store, whole(*map(person, "ab"), group("g1", "Sales", "a")))
    settled(store)
    read(store, [*map(person, "ab"), Certificate(2, frozen_groups=frozenset({"Sales"}))])
    assert dirty(store) == set()
    assert groups.group_records(store, ["hr"]) == {RecordKey("hr", "g1"): "Sales"}


def test_two_sources_do_not_miss_each_others_people(store: Engine) -> None:
    read(store, whole(person("a")))
    link(store, "a")
    rules = Rules()
    ingest(store, "ad", lambda _known: whole(person("b")), now=NOW, shape=rules.address)
    assert gone(store) == {}
    assert known(store) == {"a", "b"}
