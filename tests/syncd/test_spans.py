"""Traces: a span for each step, to a collector of ours; nothing personal in them; nothing at all when they are off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncd.run import run
from syncd.spans import STEPS, span, tracing
from syncd.sync import Request
from tests.house import House, Person, staff
from tests.mail_servers import free_port
from tests.receivers import Receiver, receiving

ROOT = Path(__file__).parents[2]


def spans(receiver: Receiver) -> list[object]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for _, _, body in receiver.got:
        request = ExportTraceServiceRequest.FromString(body)
        found += [one for resource in request.resource_spans for scope in resource.scope_spans for one in scope.spans]
    return found


def traced(house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECT", "Bearer s3cret")
    endpoint = f"http://127.0.0.1:{receiver.port}/v1/traces"
    house.configure(tracing={"endpoint": endpoint, "authorization": {"env": "COLLECT"}})


def test_each_step_of_a_run_is_a_span(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.hire([*staff(3), Person("X1", name="Zebulon Quist", email="zebulon@example.com")])
    with receiving(Receiver()) as receiver:
        traced(house, receiver, monkeypatch)
        app = house.app()
        with tracing(app.config.tracing):
            run(app.sync(), Request("run"))
        app.store.dispose()
        found = {one.name: one for one in spans(receiver)}
        ((path, headers, _),) = receiver.got
    assert set(found) == set(STEPS)
    assert (path, headers["authorization"]) == ("/v1/traces", "Bearer s3cret")
    root = found["run"].span_id
    assert {one.name for one in found.values() if one.parent_span_id == root} == set(STEPS) - {"run", "ingest"}
    assert found["ingest"].parent_span_id == found["read"].span_id
    told = {name: {one.key: one.value for one in step.attributes} for name, step in found.items()}
    assert told["ingest"]["syncd.records"].int_value == 4
    assert told["ingest"]["syncd.source"].string_value == "people"
    assert told["apply"]["syncd.done"].int_value == told["plan"]["syncd.changes"].int_value
    body = receiver.got[0][2].lower()
    assert b"zebulon" not in body
    assert b"example.com" not in body


def test_a_step_that_fails_is_told_by_its_kind_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as receiver:
        traced(house, receiver, monkeypatch)
        app = house.app()
        with tracing(app.config.tracing), pytest.raises(Exception, match="people"):
            run(app.sync(), Request("run"))
        app.store.dispose()
        failed = {one.name: one.status for one in spans(receiver) if one.status.code == 2}
    assert {"run", "read"} <= set(failed)
    assert failed["run"].message.isidentifier()
    assert b"people.csv" not in receiver.got[0][2]


def test_a_collector_that_is_not_there_stops_no_run(house: House) -> None:
    house.hire(staff(1))
    house.configure(tracing={"endpoint": f"http://127.0.0.1:{free_port()}/v1/traces", "timeout_seconds": 1})
    assert house.syncd("run").code == 0


def test_without_it_nothing_is_imported_and_a_span_is_nothing() -> None:
    code = "import sys, syncd.cli.runs; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "[]"
    assert span("run", changes=1) is not span("run")
    with span("run") as one, tracing(None):
        one.count(changes=1)
