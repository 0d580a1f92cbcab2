"""The log: events by name, no personal data, one pipe for everybody."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from syncd import log
from syncd.config_watching import LogConfig
from syncd.run import run
from syncd.sync import Request
from tests.house import Call, House, staff

ROOT = Path(__file__).parents[2]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is written as JSON, at the level debug."""
    root, quiet = logging.getLogger(), [logging.getLogger(name) for name in ("syncd.ldap", "syncd.scim", "httpx", "apscheduler", "alembic")]  # fmt: skip
    before, levels, handlers = root.level, [one.level for one in quiet], root.handlers[:]
    stream = io.StringIO()
    log.install(LogConfig(format="json", level="debug"), "secret", stream=stream)
    yield stream
    log._installed.clear()
    root.handlers = handlers
    root.setLevel(before)
    for logger, level in zip(quiet, levels, strict=True):
        logger.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_run_tells_its_events_with_its_number(house: House, written: io.StringIO) -> None:
    house.hire(staff(3))
    run(house.app().sync(), Request("run"))
    events = [line for line in lines(written) if line["logger"] == "syncd"]
    assert [line["event"] for line in events] == ["run_started", "source_read", "plan_made", "run_ended"]
    assert {line["run_id"] for line in events} == {1}
    assert (events[1]["records"], events[1]["certified"]) == (3, True)


def test_a_run_that_fails_tells_why(house: House, written: io.StringIO) -> None:
    with pytest.raises(Exception, match="people"):
        run(house.app().sync(), Request("run"))
    last = lines(written)[-1]
    assert (last["event"], last["level"], last["run_id"]) == ("run_failed", "error", 1)
    assert "people.csv" in str(last["error"])


def test_emails_are_cut_wherever_they_come_from(written: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").warning("for %s", "anna.berg@example.com")
    log.tell("run_started", command="run", to=["Anna.Berg@example.com", {"ida@x.example": 1}])
    try:
        int("of anna.berg@example.com")
    except ValueError:
        logging.getLogger("syncd.web").exception("on /Users?filter=anna.berg%40example.com")
    text = written.getvalue()
    assert "nna" not in text.replace("annotations", "")
    assert "ida@" not in text
    assert text.count("a…@example.com[") == 3
    digests = re.findall(r"a…(?:@|%40)example\.com\[([0-9a-f]{8})\]", text, re.IGNORECASE)
    assert len(digests) == 5
    assert len(set(digests)) == 1
    assert log.cut("anna.berg@example.com", b"another key") != log.cut("anna.berg@example.com", b"secret")


def test_the_log_is_written_only_where_it_is_asked_for(house: House, call: Call) -> None:
    house.hire(staff(1))
    assert call("run").err == ""
    house.configure(log={"format": "json"})
    ran = house.syncd("run")
    assert json.loads(ran.err.splitlines()[0])["event"] == "run_started"
    house.configure(log={"level": "error"})
    assert house.syncd("run").err == ""
    house.configure(log={"format": "text"})
    assert re.search(r"^\S+Z \[info +\] run_ended .*command=run", house.syncd("run").err, re.MULTILINE)


def test_each_event_is_told_in_one_place_and_documented() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "syncd").rglob("*.py")]
    told = [name for text in sources for name in re.findall(r'\btell\(\s*"([a-z_]+)"', text)]
    assert sorted(told) == sorted(log.EVENTS)
    assert (ROOT / "docs/events.md").read_text(encoding="utf-8") == log.document()
