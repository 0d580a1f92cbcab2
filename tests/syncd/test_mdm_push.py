"""Pushing to devices: whatever they do, what we say of them is what they hold, and no key of the admin's is lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mdm.model import EMAIL_KEY, same
from mdm.push.base import State
from mdm.push.http import Http
from mdm.push.nanomdm import NanoMdm
from mdm.push.oauth import Basic
from syncd.config_mdm_push import NanoMdmPush, PushWebhookConfig
from syncd.mdm_follow import Listener, follow, listening
from syncd.mdm_push import Pusher
from syncd.mdm_targets import Target
from syncd.store.engine import open_engine, reading, require_current
from syncd.store.mdm_deliveries import known
from syncd.store.tables import audit
from tests.depth import examples
from tests.house import Clock
from tests.mdm.push.devices import Device, Nano
from tests.mdm.push.server import cut, done_but_cut, fails
from tests.mdm.push.stand_ins import APP, SECRET


class World:
    """One NanoMDM, some devices, and we."""

    def __init__(self, folder: Path, nano: Nano, heard: Listener, devices: int = 1, **how: Any) -> None:
        nano.webhook = f"http://127.0.0.1:{heard.port}/hook-secret"
        self.nano, self.heard, self.clock = nano, heard, Clock()
        self.devices = {f"D{n}": Device(nano, f"D{n}", APP).enrol() for n in range(devices)}
        self.emails = dict.fromkeys(self.devices, "anna@example.com")
        self.config = NanoMdmPush.model_validate(
            {
                "name": "ipads",
                "type": "nanomdm",
                "url": nano.url,
                "key": {"env": "NO_SUCH"},
                "devices": {"path": "x"},
                "webhook": {"secret": {"env": "NO_SUCH"}},
                **how,
            }
        )
        self.http = Http(nano.url, Basic(lambda: "nanomdm", lambda: SECRET), sleep=lambda _: None)
        self.store = open_engine(f"sqlite:///{folder}/syncd.db")
        require_current(self.store)
        self.pusher = Pusher(self.store, "test", self.clock)

    @property
    def target(self) -> Target:
        places = {place: {EMAIL_KEY: email} for place, email in self.emails.items()}
        return Target(self.config, APP, NanoMdm(self.http, APP), self.http, places, self.emails)

    def push(self, *, send_it: bool = True) -> dict[str, State]:
        self.listen()
        return {one.place: one.state for one in self.pusher.push(self.target, send_it=send_it)}

    def listen(self) -> None:
        """Everything that was told so far."""
        while not self.heard.reports.empty():
            self.pusher.hear(self.target, self.heard.reports.get())

    def poll(self) -> None:
        for device in self.devices.values():
            device.poll()
        self.listen()

    def state(self, place: str = "D0") -> State:
        return known(self.store, "ipads")[place].state

    def close(self) -> None:
        self.http.close()
        self.store.dispose()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setenv("HOOK", "hook-secret")
    config = PushWebhookConfig.model_validate({"listen": "127.0.0.1:0", "secret": {"env": "HOOK"}})
    with listening(config, APP) as heard:
        yield heard


@pytest.fixture
def world(tmp_path: Path, heard: Listener) -> Iterator[World]:
    with Nano() as nano:
        world = World(tmp_path, nano, heard)
        yield world
        world.close()


def test_a_dry_run_writes_nothing_anywhere(world: World) -> None:
    assert world.push(send_it=False) == {"D0": State.WOULD_SEND}
    assert world.nano.queued == []
    assert known(world.store, "ipads") == {}


def test_a_device_is_asked_then_given_then_proven_and_keeps_the_admins_keys(world: World) -> None:
    device = world.devices["D0"]
    device.holds = {"server": "https://a.example", EMAIL_KEY: "old@example.com"}
    assert world.push() == {"D0": State.ASKED}
    world.poll()
    assert world.push() == {"D0": State.SENT}
    world.poll()
    assert world.state() is State.ACKNOWLEDGED
    assert device.holds == {"server": "https://a.example", EMAIL_KEY: "anna@example.com"}
    assert world.push() == {"D0": State.ACKNOWLEDGED}
    assert device.done == ["ManagedApplicationConfiguration", "Settings", "ManagedApplicationConfiguration"]


def test_what_it_holds_already_is_not_sent(world: World) -> None:
    world.devices["D0"].holds = {EMAIL_KEY: "anna@example.com"}
    world.push()
    world.poll()
    assert world.push() == {"D0": State.UNCHANGED}
    assert [kind for _, kind in world.nano.queued] == ["ManagedApplicationConfiguration"]


def test_silence_is_no_proof_and_nothing_is_sent_twice(world: World) -> None:
    for _ in range(3):
        assert world.push() == {"D0": State.ASKED}
    world.poll()
    for _ in range(3):
        assert world.push() == {"D0": State.SENT}
    assert len(world.nano.queued) == 3
    world.clock.advance(hours=169)
    assert world.push() == {"D0": State.SENT}
    assert len(world.nano.queued) == 5


def test_a_device_that_takes_it_and_keeps_the_old_one_is_differing(world: World) -> None:
    device = world.devices["D0"]
    world.push()
    world.poll()
    device.deaf = True
    world.push()
    world.poll()
    assert world.state() is State.DIFFERING
    device.deaf = False
    assert world.push() == {"D0": State.SENT}
    world.poll()
    assert world.state() is State.ACKNOWLEDGED


def test_not_now_is_waited_for_and_asked_again(world: World) -> None:
    device = world.devices["D0"]
    world.push()
    world.poll()
    device.not_now = 2
    world.push()
    device.poll()
    world.listen()
    assert (world.state(), device.holds) == (State.SENT, None)  # it told what it holds before it took the config
    device.poll()
    world.listen()
    assert device.holds == {EMAIL_KEY: "anna@example.com"}
    assert world.push() == {"D0": State.SENT}
    world.poll()
    assert world.state() is State.ACKNOWLEDGED


def test_an_earlier_config_that_is_taken_late_does_not_stay_unseen(world: World) -> None:
    device = world.devices["D0"]
    world.push()
    world.poll()
    device.not_now = 2
    world.push()
    device.poll()
    world.listen()
    world.emails["D0"] = "married@example.com"
    world.push()
    device.not_now = 1  # the first one; the second is taken, and then the first
    world.poll()
    assert device.holds == {EMAIL_KEY: "anna@example.com"}
    assert world.state() is not State.ACKNOWLEDGED
    for _ in range(2):
        world.push()
        world.poll()
    assert device.holds == {EMAIL_KEY: "married@example.com"}
    assert world.state() is State.ACKNOWLEDGED


def test_an_earlier_config_that_is_taken_after_the_proof_of_the_later_one_is_seen(world: World) -> None:
    device = world.devices["D0"]
    world.push()
    world.poll()
    world.push()
    device.not_now_to = {world.nano.queues["D0"][0]}
    world.emails["D0"] = "married@example.com"
    world.push()
    world.poll()
    assert (world.state(), device.holds) == (State.ACKNOWLEDGED, {EMAIL_KEY: "married@example.com"})
    device.not_now_to = set()
    world.poll()
    assert (world.state(), device.holds) == (State.DIFFERING, {EMAIL_KEY: "anna@example.com"})
    for _ in range(2):
        world.push()
        world.poll()
    assert (world.state(), device.holds) == (State.ACKNOWLEDGED, {EMAIL_KEY: "married@example.com"})


def test_an_app_that_is_not_managed_fails_and_says_why(world: World) -> None:
    world.devices["D0"].managed = False
    world.push()
    world.poll()
    assert world.state() is State.FAILED
    assert "not among those" in known(world.store, "ipads")["D0"].note
    world.devices["D0"].managed = True
    for _ in range(2):
        world.push()
        world.poll()
    assert world.state() is State.ACKNOWLEDGED


def test_a_device_that_refuses_says_why(tmp_path: Path, heard: Listener) -> None:
    with Nano() as nano:
        world = World(tmp_path, nano, heard, ask_first=False)
        world.devices["D0"].managed = False
        assert world.push() == {"D0": State.SENT}
        world.poll()
        assert "12026" in known(world.store, "ipads")["D0"].note
        world.close()


@pytest.mark.parametrize("lost", [True, False], ids=["done", "not done"])
def test_a_cut_connection_is_gone_on_with_by_the_same_commands(world: World, lost: bool) -> None:
    world.nano.faults.append(done_but_cut(world.nano, "PUT") if lost else cut(on="PUT"))
    assert world.push() == {"D0": State.FAILED}
    assert world.push() == {"D0": State.ASKED}
    assert len(world.nano.queued) == 1
    world.poll()
    world.nano.faults.append(done_but_cut(world.nano, "PUT") if lost else cut(on="PUT"))
    assert world.push() == {"D0": State.FAILED}
    assert world.push() == {"D0": State.SENT}
    assert [kind for _, kind in world.nano.queued].count("Settings") == 1
    world.poll()
    assert world.state() is State.ACKNOWLEDGED


def test_broken_off_between_two_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill at that moment leaves it: the intent is kept, the outcome is not."""
    world.push()
    world.poll()
    queue, calls = NanoMdm.queue, count()

    def dies(self: NanoMdm, *words: Any) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt
        queue(self, *words)

    monkeypatch.setattr(NanoMdm, "queue", dies)
    with pytest.raises(KeyboardInterrupt):
        world.push()
    monkeypatch.undo()
    assert world.push() == {"D0": State.SENT}
    assert [kind for _, kind in world.nano.queued].count("Settings") == 1
    world.poll()
    assert world.state() is State.ACKNOWLEDGED


@pytest.mark.parametrize("status", [401, 500, 429])
def test_a_server_that_refuses_is_no_success(world: World, status: int) -> None:
    world.nano.faults += [fails(status, Retry_After="1")] * 3
    assert world.push() == {"D0": State.FAILED}
    assert SECRET not in known(world.store, "ipads")["D0"].note


def test_a_device_that_nobody_knows_fails_alone(world: World) -> None:
    world.emails = {"GONE": "b@example.com", **world.emails}
    assert world.push() == {"GONE": State.FAILED, "D0": State.ASKED}


def test_two_devices_of_one_person_get_commands_of_their_own(tmp_path: Path, heard: Listener) -> None:
    with Nano() as nano:
        world = World(tmp_path, nano, heard, devices=2)
        for _ in range(2):
            world.push()
            world.poll()
        assert {world.state(place) for place in world.devices} == {State.ACKNOWLEDGED}
        assert len(nano.commands) == len(nano.queued) == 6
        world.close()


def test_what_an_admin_changes_later_is_seen_when_it_is_asked_again(world: World) -> None:
    for _ in range(2):
        world.push()
        world.poll()
    world.devices["D0"].holds = {"new": 1}
    assert world.push() == {"D0": State.ACKNOWLEDGED}
    world.clock.advance(hours=169)
    for _ in range(2):
        world.push()
        world.poll()
    assert world.devices["D0"].holds == {"new": 1, EMAIL_KEY: "anna@example.com"}
    assert world.state() is State.ACKNOWLEDGED


def test_every_send_is_audited(world: World) -> None:
    for _ in range(2):
        world.push()
        world.poll()
    with reading(world.store) as connection:
        rows = connection.execute(select(audit).order_by(audit.c.place)).mappings().all()
    assert [(row["action"], row["subject"], row["detail"]["state"]) for row in rows] == [
        ("mdm push", "D0", "asked"),
        ("mdm push", "D0", "sent"),
        ("mdm push", "D0", "acknowledged"),
    ]


@pytest.mark.parametrize("path", ["/", "/wrong", "/hook-secretx"])
def test_who_does_not_know_the_secret_says_nothing(world: World, path: str) -> None:
    world.nano.webhook = f"http://127.0.0.1:{world.heard.port}{path}"
    world.push()
    with pytest.raises(Exception, match=r"HTTP Error|Remote end closed"):
        world.poll()
    assert world.heard.reports.empty()


def test_following_ends_as_soon_as_everything_is_settled(tmp_path: Path, heard: Listener) -> None:
    import threading

    with Nano() as nano:
        world = World(tmp_path, nano, heard, devices=3)
        world.devices["D1"].holds = {"a": 1}
        world.devices["D2"].managed = False
        world.push()
        done = threading.Event()

        def live() -> None:
            while not done.wait(0.02):
                for device in world.devices.values():
                    device.poll()

        thread = threading.Thread(target=live)
        thread.start()
        follow(world.pusher, world.target, world.heard.reports, 60)
        done.set()
        thread.join()
        states = [one.state for one in known(world.store, "ipads").values()]
        assert states == [State.ACKNOWLEDGED, State.ACKNOWLEDGED, State.FAILED]
        assert world.devices["D1"].holds == {"a": 1, EMAIL_KEY: "anna@example.com"}
        world.close()


VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), max_size=6)
DEED = st.one_of(
    st.just(("push",)),
    st.just(("poll",)),
    st.tuples(st.just("not now"), st.integers(1, 2)),
    st.tuples(st.just("deaf"), st.booleans()),
    st.tuples(st.just("managed"), st.booleans()),
    st.tuples(st.just("email"), st.sampled_from(["anna@example.com", "married@example.com"])),
    st.tuples(st.just("fault"), st.sampled_from(["cut", "done", "500"])),
)


@settings(
    max_examples=examples(15, 40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(theirs=st.none() | st.dictionaries(st.sampled_from("abc"), VALUES), deeds=st.lists(DEED, max_size=12))
def test_what_we_say_of_a_device_is_what_it_holds(
    tmp_path_factory: pytest.TempPathFactory, heard: Listener, theirs: dict[str, str] | None, deeds: list[Any]
) -> None:
    with Nano() as nano:
        world = World(tmp_path_factory.mktemp("w"), nano, heard)
        while not heard.reports.empty():
            heard.reports.get()
        device = world.devices["D0"]
        device.holds = None if theirs is None else dict(theirs)
        for deed in deeds:
            match deed:
                case ("push",):
                    world.push()
                case ("poll",):
                    world.poll()
                case ("not now", times):
                    device.not_now = times
                case ("deaf", deaf):
                    device.deaf = deaf
                case ("managed", managed):
                    device.managed = managed
                case ("email", email):
                    world.emails["D0"] = email
                case ("fault", kind):
                    fault = {"cut": cut(on="PUT"), "done": done_but_cut(nano, "PUT"), "500": fails(500, on="PUT")}[kind]
                    nano.faults.append(lambda asked, fault=fault: fault(asked) if "enqueue" in asked.path else None)
            # Nobody but we writes to it here, so that what is acknowledged holds at every moment.
            one = known(world.store, "ipads").get("D0")
            if one and one.state is State.ACKNOWLEDGED and one.held is not None:
                assert same(device.holds, one.held) or any(uuid in nano.queues["D0"] for uuid in one.older)
            for key, value in (theirs or {}).items():
                assert (device.holds or {}).get(key) == value
        nano.faults.clear()
        device.not_now, device.deaf, device.managed = 0, False, True
        for _ in range(8):
            world.push()
            world.poll()
        assert same(device.holds, {**(theirs or {}), EMAIL_KEY: world.emails["D0"]})
        assert world.push()["D0"] in {State.ACKNOWLEDGED, State.UNCHANGED}
        world.close()
