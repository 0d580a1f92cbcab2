"""The report of `make bench`: each number beside its limit or peer, how it grows, where it was measured; a page that needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.bench.charts import lines
from tests.bench.goals import met
from tests.bench.report import page, write

ROWS = [
    *(
        {
            "bench": f"ingest + diff, {many:,} people, 1 % changed",
            "side": side,
            "seconds": seconds * many,
            "memory_mb": mb,
        }
        for many in (10_000, 100_000, 1_000_000)
        for side, seconds, mb in (("ours", 1e-5, 250.0), ("polars", 0.9e-5, 2400.0))
    ),
    {"bench": "10,000 deletions", "side": "ours", "per_second": 400},
    {"bench": "console /runs", "p95_ms": 30.0, "kb": 250.0},
    {"bench": "mdm lint, 64 KiB", "side": "<script>", "seconds": 0.01},
    {"bench": "mdm lint, 64 KiB", "side": "keys", "seconds": 0.04},
]


def test_a_goal_is_held_against_a_limit_or_against_the_peer_of_the_same_run() -> None:
    found = {(one.title, one.bench): one for one in met(ROWS)}
    million = "ingest + diff, 1,000,000 people, 1 % changed"
    assert found["time of ingest and diff", million].value == pytest.approx(1 / 0.9)
    assert found["time of ingest and diff", million].used < 1
    assert found["memory of ingest and diff", million].used == pytest.approx(250 / 2400 / 0.25)
    assert found["MB of ingest and diff", million].value == 250
    assert found["deletions a second", "10,000 deletions"].used == pytest.approx(500 / 400)
    assert found["KB of a page", "console /runs"].used > 1
    assert found["seconds of a lint", "mdm lint, 64 KiB"].value == 0.04, "of several the worst"
    assert not any(one.title.startswith("MB of a directory") for one in found.values()), "what was not measured"


def test_the_page_shows_all_of_it_and_fetches_nothing(tmp_path: Path) -> None:
    to = write(ROWS, keep=False, file=tmp_path / "r.json")
    text = to.read_text(encoding="utf-8")
    for row in ROWS:
        assert row["bench"] in text.replace("&gt;", ">")
    assert (text.count(">not met<"), text.count(">met<")) == (2, 6)
    assert text.count("<svg") == 2
    assert "× 100 for × 100" in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"https?:|<script|<link|@import|url\(", text)
    HTMLParser().feed(text)
    assert "prefers" in text or "light-dark(" in text
    assert 'name="viewport"' in text


def test_the_json_says_where_and_with_what(tmp_path: Path) -> None:
    write(ROWS, keep=False, file=tmp_path / "r.json")
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {"date", "commit", "python", "system", "cores", "memory_gb", "load", "versions"} == found["machine"].keys()
    assert {"fluix-syncd", "polars", "diffsync", "sqlalchemy"} <= found["machine"]["versions"].keys()
    assert [{key: row[key] for key in row if key != "measured"} for row in found["results"]] == ROWS


def test_what_was_not_measured_now_stays_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    write(ROWS, keep=False, file=file)
    write([{"bench": "10,000 deletions", "side": "ours", "per_second": 900}], keep=True, file=file)
    rows = json.loads(file.read_text(encoding="utf-8"))["results"]
    assert len(rows) == len(ROWS)
    assert [row["per_second"] for row in rows if row["bench"] == "10,000 deletions"] == [900]
    write(ROWS[:1], keep=False, file=file)
    assert len(json.loads(file.read_text(encoding="utf-8"))["results"]) == 1


def test_a_report_without_versions_has_its_page() -> None:
    old = {"machine": {"python": "3.11", "cores": 2, "load": 0.5}, "results": ROWS}
    assert "Goals" in page(old)


def test_a_line_of_one_power_of_ten_is_drawn() -> None:
    assert 'points="' in lines({"a": [(10, 5), (90, 6)]}, "s")
