"""whatif: two configurations on the same records, with nothing asked outside and nothing kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select

from connectors.csv_source import CsvSource
from connectors.fluix.account import EmbeddedAccount
from syncd.store import order_tables  # noqa: F401 - puts its tables into `metadata`
from syncd.store.engine import reading
from syncd.store.scratch import scratch_copy
from syncd.store.tables import metadata
from tests.house import Person, staff


@pytest.fixture
def company(house, call):
    house.hire(staff(10))
    assert call("run").code == 0
    house.hire([*staff(10)[1:], Person("E011", groups=("Office",))])
    assert call("plan").code == 0
    return house


def other(house, **settings):
    (house.folder / "other.yaml").write_text(yaml.safe_dump({**house.settings, **settings}))
    return ("whatif", "--with", "other.yaml", "--json")


def keys(changes):
    return [change["key"] for change in changes]


def everything(house):
    store = house.app().store
    with reading(store) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))] for table in metadata.sorted_tables
        }


def test_the_same_configuration_makes_no_difference(company, call):
    found = call(*other(company)).json
    assert (found["only_now"], found["only_then"], found["otherwise"]) == ([], [], [])
    assert (found["findings_now"], found["findings_then"], found["notes"]) == ([], [], [])
    assert found["now"] == found["then"]
    assert found["now"]["counts"] == {"create_group": 1, "create_user": 1, "delete_user": 1}
    assert "it makes no difference to these records" in call("whatif", "--with", "other.yaml").out


def test_another_scope_leaves_people_out_and_other_rules_wait(company, call):
    found = call(*other(company, people={"scope": '"Office" not in groups'}, leavers={"grace_days": 7})).json
    assert keys(found["only_now"]) == [
        "create_group:Office",
        "create_user:e011@example.com",
        "delete_user:e001@example.com",
    ]
    assert found["only_then"] == []
    assert [finding["check"] for finding in found["findings_then"]] == ["waiting"]
    text = call("whatif", "--with", "other.yaml").out
    assert "Not any more (3)" in text
    assert "Findings that come (1)" in text


def test_another_budget_changes_a_decision(company, call):
    found = call(*other(company, budgets={"run": {"delete": {"count": 0}}})).json
    (change,) = found["otherwise"]
    assert (change["key"], change["now"]["decision"], change["then"]["decision"]) == (
        "delete_user:e001@example.com",
        "proceed",
        "hold",
    )
    assert (found["now"]["held"], found["then"]["held"]) == ({}, {"delete_user": 1})
    assert "proceed → hold" in call("whatif", "--with", "other.yaml").out


def test_addresses_are_those_of_each_configuration(company, call):
    found = call(*other(company, people={"map": {"email": "{{ email | replace('example.com', 'x.example') }}"}})).json
    assert "update_user:e002@example.com" in keys(found["only_then"])
    assert keys(found["only_then"])[0] == "create_user:e011@x.example"
    assert "create_user:e011@example.com" in keys(found["only_now"])


def test_nothing_is_asked_outside_and_nothing_is_kept(company, call, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it was asked")

    for name in ("read", "get", "find", "every_group", "apply"):
        monkeypatch.setattr(EmbeddedAccount, name, never)
    monkeypatch.setattr(CsvSource, "read", never)
    before = everything(company)
    assert call(*other(company, people={"scope": "False"})).code == 0
    assert everything(company) == before


def test_the_notes_say_what_cannot_be_shown(company, call):
    source = {**company.settings["sources"][0], "groups_separator": "|"}
    found = call(*other(company, sources=[source], target={"type": "account", "name": "other"})).json
    assert [note.partition(" are ")[0].partition(" is ")[0] for note in found["notes"]] == ["the sources", "the target"]


def test_before_the_first_read_there_is_nothing_to_compare_on(house, call):
    assert call(*other(house)).code == 2


def test_a_scratch_copy_holds_every_row_and_is_gone_afterwards(company):
    store = company.app().store

    def rows(engine):
        with reading(engine) as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
                if table.name not in {"passages", "plans", "plan_changes", "approvals", "audit"}
            }

    with scratch_copy(store, lambda _stage, _count: None) as copy:
        file = Path(str(copy.url.database))
        assert rows(copy) == rows(store)
        assert rows(copy)["records"] == 11
        assert file.exists()
    assert not file.parent.exists()
