"""The command line as people and scripts use it: what it prints, and with which exit code it ends.

The golden files are rewritten with `UPDATE_GOLDEN=1`; look at their difference before it is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.house import House, staff

GOLDEN = Path(__file__).with_name("golden")
WIDE = {"COLUMNS": "100"}


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def lines(text: str) -> str:
    """Without the spaces that fill a table's lines."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_plan_for_people(second_day: House) -> None:
    ran = second_day.syncd("plan", env=WIDE)
    assert ran.code == 4
    golden("plan.txt", lines(ran.out))


def test_plan_for_programs(second_day: House) -> None:
    ran = second_day.syncd("plan", "--json")
    assert ran.code == 4
    golden("plan.json", ran.out)


def test_run_for_people(second_day: House) -> None:
    ran = second_day.syncd("run", env=WIDE)
    assert ran.code == 4
    golden("run.txt", lines(ran.out))


def test_the_keys_that_scripts_rely_on(second_day: House) -> None:
    document = second_day.syncd("run", "--json").json
    assert {
        "plan_id",
        "run_id",
        "decision",
        "counts",
        "held",
        "changes",
        "findings",
        "sources",
        "outcome",
    } <= document.keys()
    assert {"key", "kind", "user", "group", "before", "after", "reason", "decision"} == document["changes"][0].keys()
    assert {"check", "decision", "message", "changes"} == document["findings"][0].keys()
    assert {"name", "records", "groups", "certified", "problems", "notes"} == document["sources"][0].keys()
    assert {"done", "failed", "stale", "skipped"} == document["outcome"].keys()
    assert document["held"] == {"delete_user": 3}
    assert sum(document["counts"].values()) == len(document["changes"])


def test_check_of_a_plan_tells_by_its_exit_code(house: House) -> None:
    house.hire(staff(3))
    assert house.syncd("plan", "--check").code == 6
    assert house.syncd("run").code == 0
    assert house.syncd("plan", "--check").code == 0


def test_a_plan_can_be_written_to_a_file(house: House) -> None:
    house.hire(staff(3))
    printed = house.syncd("plan", "--json", "--out", "plan.json").json
    assert json.loads((house.folder / "plan.json").read_text()) == printed


def test_one_user(house: House) -> None:
    house.hire(staff(3))
    assert house.syncd("run", "--user", "E002@example.com", "--json").json["counts"] == {
        "create_group": 1,
        "create_user": 1,
    }
    assert house.syncd("plan", "--user", "nobody@example.com", "--json").json["counts"] == {}


def test_notes_do_not_drown_the_rest(house: House) -> None:
    house.hire(staff(20))
    assert house.syncd("run").code == 0
    house.configure(leavers={"grace_days": 7})
    house.hire(staff(12))
    told = house.syncd("plan").out
    assert "and 3 more: 3 waiting (--all shows them)" in told
    assert told.count(" note ") == 5
    assert house.syncd("plan", "--all").out.count(" note ") == 8


def test_approve_and_apply(second_day: House) -> None:
    plan = second_day.syncd("run", "--json").json
    number, key = plan["plan_id"], "delete_user:e029@example.com"
    for wrong in (["--only", "delete_user:e030@example.com"], ["--only", "nothing"], ["--comment", " "]):
        arguments = wrong if "--comment" in wrong else [*wrong, "--comment", "x"]
        ran = second_day.syncd("approve", number, *arguments)
        assert (ran.code, ran.out) == (2, "")
    approved = second_day.syncd("approve", number, "--only", key, "--comment", "left", "--json").json
    assert approved["approved"] == [key]
    ran = second_day.syncd("apply", number, "--json")
    assert ran.code == 4
    assert (ran.json["outcome"]["done"], ran.json["outcome"]["skipped"]) == (1, 2)
    shown = second_day.syncd("show", number, "--json").json
    assert [change["decision"] for change in shown["changes"] if change["key"] == key] == ["proceed"]
    assert "e029@example.com" not in {user["email"] for user in second_day.syncd("users", "list", "--json").json}


def test_runs_and_show(second_day: House) -> None:
    second_day.syncd("plan")
    runs = second_day.syncd("runs", "--json").json
    assert [run["command"] for run in runs] == ["plan", "run"]
    assert [run["state"] for run in runs] == ["done", "done"]
    assert second_day.syncd("runs", "--limit", "1", "--json").json == runs[:1]
    assert second_day.syncd("show", "r1", "--json").json["outcome"]["done"] == 33
    assert "run r1" in second_day.syncd("show", "r1").out
    assert "r2" in second_day.syncd("runs").out
    for wrong in ("r99", "p99", "x", "p٣"):
        ran = second_day.syncd("show", wrong)
        assert (ran.code, ran.out) == (2, "")


# --- errors -------------------------------------------------------------------------------------------------------


def test_an_error_is_one_json_document_too(house: House) -> None:
    ran = house.syncd("plan", "--json")
    assert ran.code == 1
    assert ran.json["exit_code"] == 1
    assert {"what", "where", "to_do"} == ran.json["error"].keys()
    assert ran.err.startswith("error")


def test_every_mistake_of_the_configuration_is_named_with_its_line(house: House) -> None:
    house.config.write_text("version: 1\nsourcs: []\nleavers: {grace_day: 3}\n")
    ran = house.syncd("plan")
    assert ran.code == 2
    assert "config.yaml:2" in ran.err
    assert "config.yaml:3" in ran.err
    assert "grace_days" in ran.err


def test_check_names_every_problem_with_its_cure(house: House) -> None:
    ran = house.syncd("check")
    assert ran.code == 1
    assert "people.csv" in ran.err
    house.hire(staff(2))
    assert house.syncd("check").code == 0
    house.configure(store_password={"env": "X"})
    assert "store_password" in house.syncd("check").out
    house.syncd("run")
    house.configure(sources=[{**house.settings["sources"][0], "name": "renamed"}])
    assert "the store holds people of a source people" in house.syncd("check").err


def test_the_audit_says_where_it_was_broken(small: House) -> None:
    import sqlite3

    with sqlite3.connect(small.folder / "syncd.db") as connection:
        connection.execute("UPDATE audit SET actor = 'eve' WHERE place = 2")
    ran = small.syncd("audit", "verify")
    assert ran.code == 1
    assert "row 2" in ran.out
