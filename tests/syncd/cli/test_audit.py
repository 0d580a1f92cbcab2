"""syncd audit: what is written down elsewhere is found again, and the export is for programs and for spreadsheets."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3

import orjson
import pytest

from tests.house import House, staff


@pytest.fixture
def told(house: House) -> House:
    house.hire(staff(3))
    assert house.syncd("run").code == 0
    return house


def test_verify_names_the_last_row_and_finds_it_again(told: House) -> None:
    found = told.syncd("audit", "verify", "--json").json
    assert (found["whole"], found["marked"], found["begins"]) == (True, None, 1)
    line = found["head"]
    assert line.startswith(f"{found['rows']}:")
    assert line in told.syncd("audit", "verify").out
    told.hire(staff(4))
    told.syncd("run")
    ran = told.syncd("audit", "verify", "--mark", line)
    assert ran.code == 0
    assert "found: the marked row" in ran.out
    ran = told.syncd("audit", "verify", "--mark", f"1:{'0' * 64}")
    assert ran.code == 1
    assert "not found" in ran.out


@pytest.mark.parametrize("mark", ["x", "3", "3:12"])
def test_what_is_no_mark_is_a_usage_error(told: House, mark: str) -> None:
    ran = told.syncd("audit", "verify", "--mark", mark)
    assert (ran.code, "is no row with its hash" in ran.err) == (2, True)


def test_rows_taken_off_the_end_end_with_1(told: House) -> None:
    with sqlite3.connect(told.folder / "syncd.db") as connection:
        connection.execute("DELETE FROM audit WHERE place > 2")
    ran = told.syncd("audit", "verify")
    assert (ran.code, "row 3 is not as it was written or not there at all" in ran.out) == (1, True)


def test_an_export_as_json_lines_can_be_verified_without_us(told: House) -> None:
    said = told.syncd("audit", "export", "--out", "audit.jsonl", "--json").json
    rows = [json.loads(line) for line in (told.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert said == {"file": "audit.jsonl", "rows": len(rows), "head": f"{len(rows)}:{rows[-1]['hash']}"}
    previous = b""
    for row in rows:
        told_of = orjson.dumps([row["subject"], row["detail"]], option=orjson.OPT_SORT_KEYS)
        seal = hashlib.blake2b(bytes.fromhex(row["salt"]) + told_of, digest_size=32).hexdigest()
        assert seal == row["seal"]
        body = orjson.dumps(
            {name: row[name] for name in ("place", "at", "actor", "action", "seal")}, option=orjson.OPT_SORT_KEYS
        )
        previous = hashlib.blake2b(previous + body, digest_size=32).digest()
        assert previous.hex() == row["hash"]


def test_an_export_as_csv_holds_no_formula(told: House) -> None:
    told.syncd("groups", "create", "=HYPERLINK(0)")
    ran = told.syncd("audit", "export", "--out", "audit.csv", "--format", "csv")
    assert "rows to audit.csv" in ran.out
    assert "last row" in ran.out
    with (told.folder / "audit.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[-1]["subject"] == "'=HYPERLINK(0)"
    assert [int(row["place"]) for row in rows] == list(range(1, len(rows) + 1))
    assert json.loads(rows[0]["detail"])["state"] == "done"


def test_an_export_begins_where_it_is_told_to(told: House) -> None:
    told.syncd("audit", "export", "--out", "none.jsonl", "--since", "2126-01-01")
    assert (told.folder / "none.jsonl").read_text() == ""
    assert told.syncd("audit", "export", "--out", "x", "--since", "yesterday").code == 2
