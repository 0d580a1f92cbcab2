"""syncd mdm push, as an operator calls it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mdm.model import EMAIL_KEY
from mdm.reading import read
from tests.house import Call, House, staff
from tests.mdm.push.devices import Device, Nano
from tests.mdm.push.server import fails
from tests.mdm.push.stand_ins import APP, SECRET, FleetServer, Simple

DEVICES = "Serial,id,email\n,D1,E001@example.com\n,D2,e002@example.com\n,D3,nobody@example.com\n,D4,\n"


@pytest.fixture
def nano() -> Iterator[Nano]:
    with Nano() as server:
        yield server


@pytest.fixture
def fleet() -> Iterator[FleetServer]:
    with FleetServer() as server:
        yield server


@pytest.fixture
def company(house: House, call: Call, monkeypatch: pytest.MonkeyPatch) -> House:
    """Two people in Fluix, and the secrets where they belong."""
    monkeypatch.setenv("KEY", SECRET)
    monkeypatch.setenv("HOOK", "hook-secret")
    house.hire(staff(2))
    (house.folder / "devices.csv").write_text(DEVICES)
    assert call("run").code == 0
    return house


def ipads(nano: Nano, port: int = 8481, **more: Any) -> dict[str, Any]:
    target = {"name": "ipads", "type": "nanomdm", "url": nano.url, "key": {"env": "KEY"}}
    hook = {"listen": f"127.0.0.1:{port}", "secret": {"env": "HOOK"}}
    return {**target, "devices": {"path": "devices.csv"}, "webhook": hook, **more}


def tablets(fleet: FleetServer, **more: Any) -> dict[str, Any]:
    target = {"name": "tablets", "type": "fleet", "url": fleet.url, "key": {"env": "KEY"}, "title_id": 42, "team_id": 3}
    return {**target, **more}


def to(house: House, *targets: dict[str, Any], **more: Any) -> None:
    house.configure(mdm={"bundle_id": APP, "vendors": ["intune"], "push": list(targets), **more})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as there:
        return int(there.getsockname()[1])


def test_it_is_off_until_a_target_is_configured(company: House, call: Call) -> None:
    company.configure(mdm={"bundle_id": APP, "vendors": ["intune"]})
    ran = call("mdm", "push", "--send")
    assert ran.code == 2
    assert "no MDM product is configured to push to" in ran.err


def test_a_dry_run_shows_what_it_would_send_and_sends_nothing(company: House, call: Call, fleet: FleetServer) -> None:
    to(company, tablets(fleet))
    fleet.app["configuration"] = "<dict><key>server</key><string>a</string></dict>"
    ran = call("mdm", "push")
    assert ran.code == 0
    assert "tablets (Fleet 4.86 or later): 1 would send" in ran.out
    assert f"+ {EMAIL_KEY}: $FLEET_VAR_HOST_END_USER_IDP_USERNAME" in ran.out
    assert "= server: a" in ran.out
    assert "add --send" in ran.out
    assert fleet.writes() == []
    assert call("audit", "verify").code == 0


def test_sent_read_back_and_then_unchanged(company: House, call: Call, fleet: FleetServer) -> None:
    to(company, tablets(fleet))
    ran = call("mdm", "push", "--send", "--json")
    assert ran.code == 0
    (target,) = ran.json["targets"]
    assert (ran.json["sent"], target["counts"]) == (True, {"acknowledged": 1})
    assert target["places"][0]["differences"][0]["what"] == "added"
    assert EMAIL_KEY in read(fleet.app["configuration"].encode()).settings
    assert call("mdm", "push", "--send", "--json").json["targets"][0]["counts"] == {"unchanged": 1}
    assert len(fleet.writes()) == 1


def test_a_key_of_extra_is_sent_with_it(company: House, call: Call, fleet: FleetServer) -> None:
    (company.folder / "extra.xml").write_text("<dict><key>level</key><integer>3</integer></dict>")
    to(company, tablets(fleet), extra="extra.xml")
    assert call("mdm", "push", "--send").code == 0
    assert read(fleet.app["configuration"].encode()).settings["level"] == 3


def test_devices_are_followed_until_they_say_what_they_hold(company: House, call: Call, nano: Nano) -> None:
    port = free_port()
    to(company, ipads(nano, port))
    nano.webhook = f"http://127.0.0.1:{port}/hook-secret"
    devices = [Device(nano, place, APP, holds={"server": place}).enrol() for place in ("D1", "D2")]
    done = threading.Event()

    def live() -> None:
        while not done.wait(0.02):
            for device in devices:
                if nano.queues[device.place]:
                    device.poll()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        ran = call("mdm", "push", "--send", "--follow", "60", "--json")
    finally:
        done.set()
        thread.join()
    assert ran.code == 5  # two devices have nobody
    (target,) = ran.json["targets"]
    assert target["counts"] == {"acknowledged": 2}
    assert {one["place"]: one["reason"] for one in target["left_out"]} == {
        "D3": 'nobody in Fluix has the email "nobody@example.com", as the last run saw it',
        "D4": "the device has no user",
    }
    assert [one["user"] for one in target["places"]] == ["e001@example.com", "e002@example.com"]
    assert [device.holds for device in devices] == [
        {"server": "D1", EMAIL_KEY: "e001@example.com"},
        {"server": "D2", EMAIL_KEY: "e002@example.com"},
    ]
    dry = call("mdm", "push")
    assert "2 acknowledged" in dry.out
    assert "D3: nobody in Fluix" in dry.err


def test_one_target_that_fails_stops_no_other(company: House, call: Call, nano: Nano, fleet: FleetServer) -> None:
    to(company, ipads(nano, devices={"path": "missing.csv"}), tablets(fleet))
    ran = call("mdm", "push", "--send", "--json")
    assert ran.code == 5
    first, second = ran.json["targets"]
    assert "cannot be read" in first["error"]["what"]
    assert second["counts"] == {"acknowledged": 1}
    assert call("mdm", "push", "--send", "--target", "ipads").code == 1
    assert call("mdm", "push", "--target", "tablets").code == 0
    assert call("mdm", "push", "--target", "other").code == 2
    assert call("mdm", "push", "--follow", "3").code == 2


def test_what_fails_is_told_and_tells_no_secret(company: House, call: Call, fleet: FleetServer) -> None:
    to(company, tablets(fleet))
    fleet.faults += [fails(403, on="PATCH"), fails(403, on="PATCH")]
    ran = call("mdm", "push", "--send")
    assert ran.code == 1
    assert "answered 403" in ran.out
    assert "rights" in ran.out
    assert SECRET not in ran.out + ran.err
    export = call("audit", "export", "--out", "audit.jsonl")
    assert export.code == 0
    told = (company.folder / "audit.jsonl").read_text()
    assert '"mdm push"' in told
    assert SECRET not in told


def test_a_secret_that_is_missing_is_told(company: House, call: Call, fleet: FleetServer, monkeypatch: Any) -> None:
    to(company, tablets(fleet))
    monkeypatch.delenv("KEY")
    assert "the environment variable KEY is not set" in call("mdm", "push").err
    assert "mdm.push[0].key" in call("check").out + call("check").err


def test_a_variable_that_is_not_known_has_to_be_given(company: House, call: Call) -> None:
    with Simple() as simple:
        target = {"name": "s", "type": "simplemdm", "url": simple.url, "key": {"env": "KEY"}, "app_id": "7"}
        to(company, target)
        ran = call("mdm", "push")
        assert ran.code == 2
        assert "the variable of SimpleMDM" in ran.err
        to(company, target, vendors=["simplemdm"], tokens={"simplemdm": "$email"})
        assert call("mdm", "push", "--send").code == 0
        assert simple.pushed == {EMAIL_KEY: ("$email", "string")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", 'no column "id"'),
        ("id,email,email\n1,2,3\n", 'no column "email", or two'),
        ("id,email\nD1,a@x.example\nD1,b@x.example\n", "stands twice"),
        ("id,email\n../D1,a@x.example\n", "no enrollment id"),
        ("id,email\nD1\n", "1 cells"),
        ('id,email\n"D1,a\n', "no CSV"),
        ("", 'no column "id"'),
    ],
)
def test_a_device_file_is_taken_whole_or_not_at_all(
    company: House, call: Call, nano: Nano, content: str, said: str
) -> None:
    to(company, ipads(nano))
    (company.folder / "devices.csv").write_text(content)
    ran = call("mdm", "push", "--send")
    assert ran.code == 1
    assert said in ran.err
    assert nano.asked == []
    checked = call("check")
    assert said in checked.out + checked.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"type": "nanomdm", "webhook": None}, "devices cannot be asked first"),
        ({"type": "meraki"}, "`type` is the text"),
        ({"type": "kmfddm", "webhook": None, "x": 1}, "x"),
        ({"url": "http://mdm.example.com"}, "not encrypted"),
        ({"key": SECRET}, "a secret does not stand in the configuration itself"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    company: House, call: Call, nano: Nano, target: dict[str, Any], said: str
) -> None:
    to(company, {key: value for key, value in ipads(nano, **target).items() if value is not None})
    ran = call("mdm", "push")
    assert ran.code == 2
    assert said in ran.err
    assert SECRET not in ran.err


def test_two_targets_of_one_name_would_share_their_memory(company: House, call: Call, fleet: FleetServer) -> None:
    to(company, tablets(fleet), tablets(fleet))
    assert "named so already" in call("mdm", "push").err
