"""What NanoMDM's webhook tells is read strictly: anybody could send such a thing."""

from __future__ import annotations

import base64
import contextlib
import json
import plistlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import MdmError
from mdm.push.track import Report, Said
from mdm.push.webhook import MAX_BODY, report_of
from tests.mdm.push.stand_ins import APP


def call(payload: Any = None, *, raw: bytes | None = None, **event: Any) -> bytes:
    content = raw if raw is not None else plistlib.dumps(payload) if payload is not None else b""
    told = {
        "udid": "D1",
        "status": "Acknowledged",
        "command_uuid": "C1",
        "raw_payload": base64.b64encode(content).decode(),
        **event,
    }
    return json.dumps({"topic": "mdm.Connect", "acknowledge_event": told}).encode()


def told(*listed: Any) -> dict[str, Any]:
    return {"UDID": "D1", "Status": "Acknowledged", "CommandUUID": "C1", "ApplicationConfigurations": list(listed)}


def test_what_a_device_holds():
    report = report_of(call(told({"Identifier": "other"}, {"Identifier": APP, "Configuration": {"a": 1}})), APP)
    assert report == Report("D1", "C1", Said.TAKEN, {"a": 1})


def test_an_app_without_a_config_holds_no_key_and_an_app_that_is_not_named_nothing_known():
    assert report_of(call(told({"Identifier": APP})), APP).settings == {}
    assert report_of(call(told({"Identifier": "other"})), APP).settings is None
    assert report_of(call({"Status": "Acknowledged"}), APP).settings is None


def test_a_refusal_says_why():
    chain = [{"ErrorCode": 12026, "USEnglishDescription": "The app is not\n managed."}]
    report = report_of(call({"Status": "Error", "ErrorChain": chain}, status="Error"), APP)
    assert report.said is Said.REFUSED
    assert report.note == "the device refused (12026): The app is not? managed."


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"topic": "mdm.Authenticate", "checkin_event": {"udid": "D1"}}).encode(),
        call(status="Idle", command_uuid=""),
        call(status="NotNow", command_uuid=""),
    ],
)
def test_what_is_no_answer_is_passed_over(body):
    assert report_of(body, APP) is None


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><plist version="1.0"><dict><key>a</key><string>&b;</string></dict></plist>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b" " * (MAX_BODY + 1),
        b'{"topic": "mdm.Connect", "acknowledge_event": []}',
        call(status="Fine"),
        call(udid="", enrollment_id=""),
        call(udid="../D1"),
        call(command_uuid="a b"),
        call(udid=1),
        call(raw_payload="*"),
        call(raw=BOMB),
        call(raw=plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY)),
        call({"CommandUUID": "C2"}),
        call({"Status": "Error"}),
        call({"ApplicationConfigurations": {}}),
        call({"ApplicationConfigurations": ["x"]}),
        call(told({"Identifier": APP}, {"Identifier": APP})),
        call(told({"Identifier": APP, "Configuration": "x"})),
    ],
)
def test_what_is_no_such_call_is_refused(body):
    with pytest.raises(MdmError):
        report_of(body, APP)


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.text(max_size=9),
        lambda x: st.dictionaries(
            st.sampled_from(["topic", "acknowledge_event", "status", "udid", "command_uuid", "raw_payload"]),
            x,
            max_size=6,
        ),
    ).map(lambda document: json.dumps(document).encode())
)
def test_anything_at_all_ends_in_one_of_two_ways(body):
    with contextlib.suppress(MdmError):
        assert isinstance(report_of(body, APP), Report | None)
