"""account outbox, deliver, bounces, requeue."""

from __future__ import annotations

import pytest

from syncd.store.audit import verify
from tests.house import staff
from tests.mail_servers import Faulty, Inbox, bounce, faulty_server, free_port, smtp_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH", "ignore:Session.login_data")


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def sent(small, inbox):
    """Two people are invited, and there is a mail server."""
    with smtp_server(inbox) as port:
        through(small, port)
        yield small


def through(house, port, **more):
    mail = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 5, **more}
    house.configure(
        target={"type": "account", "sender": "Fluix <fluix@example.com>", "admins": ["it@example.com"], "mail": mail}
    )


def test_a_run_sends_the_invitations_of_those_whom_it_adds(sent, inbox, call):
    sent.hire(staff(3))
    ran = call("run", "--json")
    assert (ran.code, ran.json["counts"]) == (0, {"create_user": 1})
    assert inbox.to == ["e001@example.com", "e002@example.com", "e003@example.com"]
    assert "3 mails sent; 0 waiting" in ran.err
    ran = call("run")
    assert (ran.code, ran.err) == (0, "")


def test_a_mail_server_that_is_away_does_not_undo_a_run(small, call):
    through(small, free_port())
    small.hire(staff(3))
    ran = call("run", "--json")
    assert (ran.code, ran.json["outcome"]["done"]) == (0, 1)
    assert "error" in ran.err
    assert call("account", "outbox", "--state", "queued", "--json").json["total"] == 3


def test_mails_are_listed_shown_and_sent(sent, inbox, call):
    listed = call("account", "outbox", "--json").json
    assert (listed["total"], [one["to"] for one in listed["mails"]]) == (2, ["e002@example.com", "e001@example.com"])
    assert "2 mails" in call("account", "outbox", "--state", "queued").out
    shown = call("account", "outbox", "--show", "1", "--json").json
    assert shown["headers"]["Subject"] == "You are invited to Fluix"
    assert "http://127.0.0.1:8480/invitation?token=" in shown["text"]
    told = call("account", "outbox", "--show", "1").out
    assert "To: e001@example.com\n" in told
    assert "http://127.0.0.1:8480/invitation?token=" in told
    ran = call("account", "deliver")
    assert (ran.code, ran.out) == (0, "2 mails sent; 0 waiting\n")
    assert inbox.to == ["e001@example.com", "e002@example.com"]
    ran = call("account", "deliver", "--json")
    assert (ran.code, ran.json["sent"], ran.json["stopped"]) == (0, 0, None)
    assert call("account", "outbox", "--state", "queued").out == "0 mails\n"
    assert "1 of 2 mails" in call("account", "outbox", "--limit", "1").out


def test_a_refused_mail_ends_with_1_and_is_sent_again_by_hand(sent, inbox, call):
    inbox.rcpt = {"e001@example.com": "550 5.1.1 [bold]no[/] such user"}
    ran = call("account", "deliver", "--json")
    assert (ran.code, ran.json["sent"], ran.json["refused"]) == (1, 2, 1)
    assert inbox.to == ["e002@example.com", "it@example.com"]
    assert "[bold]no[/]" in call("account", "outbox", "--state", "refused").out
    inbox.rcpt = {}
    assert call("account", "requeue", "1", "--json").json == {"id": 1, "to": "e001@example.com"}
    assert call("account", "deliver").out == "1 mail sent; 0 waiting\n"
    ran = call("account", "requeue", "1", "--json")
    assert ran.code == 1
    assert "mail 1 is sent" in ran.json["error"]["what"]
    assert verify(sent.app().store)[1] is None


def test_an_unsure_mail_is_told_with_what_to_do(small, call):
    with faulty_server(Faulty(lambda word, _: "close" if word == "DOT" else None)) as port:
        through(small, port)
        ran = call("account", "deliver")
    assert ran.code == 1
    assert "0 mails sent, 2 unsure; 0 waiting" in ran.out
    assert "syncd account requeue ID" in ran.out
    assert call("account", "requeue", "2").out == "mail 2 to e002@example.com waits to be sent again\n"


def test_a_server_that_is_away_ends_with_1_and_says_so(small, call):
    through(small, free_port())
    ran = call("account", "deliver")
    assert ran.code == 1
    assert "the mail server does not answer" in ran.err
    assert "2 waiting" in ran.out
    ran = call("account", "deliver", "--json")
    assert ran.json["stopped"]["to_do"]


def test_without_a_mail_server_nothing_is_sent(small, call):
    ran = call("account", "deliver", "--json")
    assert ran.code == 2
    assert ran.json["error"]["what"] == "no mail server is configured; waiting in the outbox: 2 mails"


def test_bounces_are_read_from_a_file(sent, call):
    assert call("account", "deliver").code == 0
    message_id = call("account", "outbox", "--show", "2", "--json").json["headers"]["Message-ID"]
    (sent.folder / "box").write_bytes(
        b"From x Mon Nov  2 08:30:00 2026\n" + bounce(message_id) + b"\nFrom y\nSubject: hi\n\nhi\n"
    )
    assert call("account", "bounces", "box", "--json").json == {
        "refused": 1, "known": 0, "other": 0, "strange": 0, "junk": 1, "read": 2,
    }  # fmt: skip
    assert (
        call("account", "bounces", "box").out
        == "2 messages read, 0 mails came back\n  1 told nothing new\n  1 no reports\n"
    )
    assert (
        call("account", "outbox", "--state", "refused", "--json").json["mails"][0]["error"] == "550 5.1.1 no such user"
    )
    assert call("account", "deliver").out == "1 mail sent; 0 waiting\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["outbox", "--show", "99"], 1),
        (["outbox", "--show", "-1"], 2),
        (["outbox", "--show", "٣"], 2),
        (["outbox", "--show", "9" * 30], 2),
        (["outbox", "--state", "lost"], 2),
        (["outbox", "--limit", "0"], 2),
        (["requeue", "one"], 2),
        (["requeue", "99"], 1),
        (["requeue", "1"], 1),
        (["bounces"], 2),
        (["bounces", "none"], 1),
        (["bounces", "config.yaml"], 1),
    ],
    ids=str,
)
def test_what_cannot_be_done_says_why(small, call, words, code):
    ran = call("account", *words, "--json")
    assert ran.code == code
    assert ran.json["error"]["what"]
    assert ran.json["error"]["to_do"]
