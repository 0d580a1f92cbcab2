"""Delivery: at least once, later again, not too much, and never for ever."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from syncd.notify.courier import Courier, deliver, look_after
from syncd.notify.sending import Message, send
from syncd.store import notices
from syncd.store.engine import writing
from syncd.store.notice_tables import notification_outbox as outbox
from syncd.store.notices import Notice
from tests.mail_servers import Faulty, Inbox, faulty_server, free_port, smtp_server, until
from tests.receivers import Receiver, receiving
from tests.syncd.notify.conftest import Told


def queue(told: Told, count: int, event: str = "quarantine") -> None:
    facts = {"source": "hr", "failures": 3, "since": "-", "until": "-", "why": "-"}
    several = [Notice(event, f"{event}:{number}", {**facts, "source": f"hr{number}"}) for number in range(count)]
    notices.queue(told.app.store, {"admins": several}, (), told.house.clock())


def states(told: Told) -> dict[str, int]:
    return notices.states(told.app.store)


def test_a_message_that_is_not_taken_is_tried_again_later_each_time(told: Told) -> None:
    queue(told, 1)
    told.receiver.answers = [500, 503]
    assert deliver(told.app).failed == 1
    assert deliver(told.app).failed == 0
    told.house.clock.advance(minutes=1, seconds=1)
    assert deliver(told.app).failed == 1
    told.house.clock.advance(minutes=1, seconds=1)
    assert deliver(told.app).sent == 0
    told.house.clock.advance(minutes=5)
    assert deliver(told.app).sent == 1
    assert states(told) == {"sent": 1}


def test_it_is_given_up_after_the_configured_time(told: Told) -> None:
    told.configure(give_up_hours=0.5)
    queue(told, 1)
    told.receiver.answers = [500] * 9
    for _ in range(4):
        deliver(told.app)
        told.house.clock.advance(minutes=16)
    (row,) = notices.listed(told.app.store, 9)
    assert row.state == "failed"
    assert "500" in row.error
    assert "secret-hook" not in row.error


def test_a_receiver_that_hangs_is_cut_off(told: Told) -> None:
    told.configure(timeout_seconds=2)
    queue(told, 1)
    told.receiver.answers = [0]
    assert deliver(told.app).failed == 1
    assert states(told) == {"waiting": 1}


def test_a_mail_server_that_hangs_is_cut_off() -> None:
    with faulty_server(Faulty(lambda word, _number: "" if word == "DATA" else None)) as port:
        address = f"mailto://127.0.0.1:{port}?mode=insecure&from=a@example.com&to=b@example.com"
        assert send(address, Message("t", "b"), 3) != ""


def test_a_process_that_was_killed_while_it_sent_leaves_a_message_that_is_due_again(told: Told) -> None:
    queue(told, 1)
    now = told.house.clock()
    assert notices.take(told.app.store, "admins", [1], "m", now=now, lease=timedelta(seconds=45))
    assert deliver(told.app).sent == 0
    told.house.clock.advance(seconds=46)
    assert deliver(told.app).sent == 1
    assert not notices.take(told.app.store, "admins", [1], "m", now=now, lease=timedelta(seconds=45))


def test_what_is_too_much_an_hour_comes_in_one_message(told: Told) -> None:
    told.configure(per_hour=3)
    queue(told, 6)
    assert deliver(told.app).sent == 3
    assert told.receiver.titles == ["Source hr0 keeps failing", "Source hr1 keeps failing", "4 more messages in one"]
    assert "- Source hr5 keeps failing" in told.receiver.documents[-1]["message"]
    queue(told, 8)
    assert deliver(told.app).sent == 0
    told.house.clock.advance(minutes=61)
    assert deliver(told.app).sent == 2
    assert states(told) == {"sent": 8}


def test_a_redirect_is_not_followed(told: Told) -> None:
    with receiving(Receiver()) as other:
        told.receiver.answers = [307, 307]
        told.receiver.location = f"http://127.0.0.1:{other.port}/"
        queue(told, 1)
        assert deliver(told.app).failed == 1
        assert other.got == []


def test_an_address_that_is_none_is_told_without_it(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELL", "nothing-of-ours hunter2secret")
    queue(told, 1)
    deliver(told.app)
    assert "apprise understands" in notices.listed(told.app.store, 1)[0].error
    monkeypatch.delenv("TELL")
    told.house.clock.advance(hours=1)
    deliver(told.app)
    assert "TELL is not set" in notices.listed(told.app.store, 1)[0].error


def test_a_template_of_yours_stands_in_and_a_broken_one_does_not(told: Told) -> None:
    folder = told.house.folder / "words"
    folder.mkdir()
    told.configure(templates="words")
    (folder / "quarantine.txt").write_text("{{ source }} is down\nSince {{ since }}")
    queue(told, 1)
    deliver(told.app)
    assert told.receiver.documents[0]["title"] == "hr0 is down"
    for broken in (
        "{{ source",
        "{{ nothing }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "\n\n",
        "{{ 1 // 0 }}",
    ):
        (folder / "quarantine.txt").write_text(broken)
        with writing(told.app.store) as connection:
            connection.execute(update(outbox).values(state="waiting", next_at=told.house.clock()))
        assert deliver(told.app).sent == 1
        assert told.receiver.documents[-1]["title"] == "Source hr0 keeps failing"
        assert "Your template quarantine.txt is broken" in told.receiver.documents[-1]["message"]


def test_a_mail_has_its_chart_inside(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    with smtp_server(inbox) as port:
        monkeypatch.setenv("TELL", f"mailto://127.0.0.1:{port}?mode=insecure&from=syncd@example.com&to=it@example.com")
        told.configure(events=["weekly_digest"])
        told.run()
        told.house.clock.advance(days=8)
        assert told.tell().sent == 1
    ((to, mail),) = inbox.mails
    assert to == "it@example.com"
    assert mail["Subject"].startswith("Your week in Fluix")
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert len(pictures) == 1
    assert pictures[0].get_content_disposition() == "inline"
    assert pictures[0].get_payload(decode=True).startswith(b"\x89PNG")
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert "cid:week.png" in html
    assert "New users: 4" in html


def test_the_store_that_cannot_be_used_stops_no_run(told: Told) -> None:
    told.run()
    told.house.people.unlink()
    ran = told.house.syncd("run", env={"TELL": f"json://127.0.0.1:{free_port()}/x"})
    assert ran.code == 1
    assert states(told) == {"waiting": 1}
    assert told.house.syncd("notify", "list").out.count("waiting") == 1


def test_the_courier_works_by_itself_and_a_mistake_does_not_end_it(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def gather(_self: object) -> int:
        looked.append("")
        if len(looked) == 1:
            raise ZeroDivisionError
        return 0

    monkeypatch.setattr("syncd.notify.gathering.Gatherer.gather", gather)
    with Courier(told.app, every=0.05):
        queue(told, 1)
        until(lambda: bool(told.receiver.got))
        look_after(told.app)
        assert threading.active_count() > 1
    assert len(looked) > 1


def test_a_sample_goes_out_at_once(told: Told) -> None:
    good = told.house.syncd("notify", "test", "--json")
    assert (good.code, good.json) == (0, [{"target": "admins", "sent": True, "error": None}])
    assert told.receiver.titles == ["A test of fluix-syncd"]
    told.receiver.answers = [404]
    bad = told.house.syncd("notify", "test", "--target", "admins")
    assert bad.code == 1
    assert "404" in bad.out
    assert told.house.syncd("notify", "test", "--target", "nobody").code == 2
