"""Sending: each mail once, whatever the mail server does. Against real servers, good and faulty ones."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from connectors.errors import PermanentError, RefusedError, RetryableError
from connectors.fluix.account.connection import reading, writing
from connectors.fluix.account.mail import links, outbox
from connectors.fluix.account.mail.mailing import Mailing
from connectors.fluix.account.mail.sending import MOST_POLICY_TRIES, MOST_TRIES
from connectors.fluix.account.settings import MailSettings, Settings, Smtp
from tests.mail_house import MailHouse
from tests.mail_servers import (
    DEADLINE,
    Faulty,
    Inbox,
    certificate,
    context,
    faulty_server,
    free_port,
    smtp_server,
    until,
)

# aiosmtpd's words about the server that a test wants, and about its own insides.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH", "ignore:Session.login_data")

QUICK = timedelta(seconds=0.5)


@pytest.fixture
def house(tmp_path):
    return MailHouse(tmp_path)


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def port(inbox):
    with smtp_server(inbox) as port:
        yield port


def token_of(text):
    return text.partition("?token=")[2].split()[0]


def test_adding_a_user_sends_an_email_invitation(house, inbox, port):
    house.invite("anna@example.com", "Anna Berg")
    done = house.through(port).deliver()
    assert (done.sent, done.waiting, done.stopped) == (1, 0, None)
    ((to, mail),) = inbox.mails
    assert to == "anna@example.com"
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "Fluix <fluix@example.com>",
        "anna@example.com",
        "You are invited to Fluix",
    )
    assert parsedate_to_datetime(mail["Date"]) == house.clock.now.replace(microsecond=0)
    text = mail.get_content()
    assert text.startswith("Hello Anna Berg,\n")
    with reading(house.engine, "main") as connection:
        says = links.read(connection, "invitation", token_of(text), timedelta(days=14), house.clock.now)
    assert says == {"user": house.user("anna@example.com").user_id, "email": "anna@example.com", "mail": 1}
    row = house.mail(1)
    assert (row.state, row.tries, row.sent_at, row.error) == ("sent", 1, house.clock.now, None)
    assert mail["Message-ID"] == row.message_id
    assert row.message_id.startswith("<1.")
    assert house.through(port).deliver().sent == 0
    assert len(inbox.mails) == 1


def test_many_mails_go_over_one_connection(house, inbox, port):
    for number in range(25):
        house.invite(f"u{number}@example.com")
    assert house.through(port).deliver().sent == 25
    assert inbox.connections == 1
    assert inbox.to == [f"u{number}@example.com" for number in range(25)]


def test_one_refused_mail_does_not_hold_up_the_others(house, inbox, port):
    inbox.rcpt = {"b@example.com": "550 5.1.1 no such user", "c@example.com": "451 4.7.1 greylisted"}
    for letter in "abcd":
        house.invite(f"{letter}@example.com")
    done = house.through(port).deliver()
    assert (done.sent, done.refused, done.again) == (3, 1, 1)
    assert inbox.to == ["a@example.com", "d@example.com", "olga@example.com"]
    assert inbox.connections == 1
    assert [house.mail(number).state for number in (1, 2, 3, 4)] == ["sent", "refused", "queued", "sent"]
    assert house.mail(2).error == "550 5.1.1 no such user"
    assert house.mail(3).error == "451 4.7.1 greylisted"


def test_a_mail_that_is_not_taken_now_is_tried_again_later_and_later(house, inbox, port):
    inbox.rcpt = {"a@example.com": "451 4.7.1 greylisted"}
    house.invite("a@example.com")
    pauses = []
    for _ in range(11):
        assert house.through(port).deliver().again == 1
        assert house.through(port).deliver().again == 0
        row = house.mail(1)
        pauses.append((row.next_try_at - house.clock.now) // timedelta(minutes=1))
        house.clock.now = row.next_try_at
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240]
    inbox.rcpt = {}
    assert house.through(port).deliver().sent == 1
    assert (house.mail(1).state, house.mail(1).tries, house.mail(1).error) == ("sent", 12, None)


def test_a_mail_that_is_never_taken_is_refused_in_the_end_and_the_admin_is_told(house, inbox, port):
    inbox.rcpt = {"a@example.com": "452 4.2.2 mailbox full"}
    house.invite("a@example.com")
    house.set_mail(1, tries=MOST_TRIES - 1)
    assert house.through(port).deliver().refused == 1
    assert house.mail(1).error == f"452 4.2.2 mailbox full (tried {MOST_TRIES} times)"
    assert inbox.to == ["olga@example.com"]


def test_the_answer_to_the_mail_itself_counts(house, inbox, port):
    inbox.data = {"a@example.com": ["451 4.3.0 later"], "b@example.com": ["554 5.6.0 not like this"]}
    house.invite("a@example.com")
    house.invite("b@example.com")
    done = house.through(port).deliver()
    assert (done.again, done.refused) == (1, 1)
    assert [house.mail(number).state for number in (1, 2)] == ["queued", "refused"]


def test_a_server_that_dies_after_the_mail_was_handed_over_leaves_it_unsure_and_nobody_sends_it_again(house):
    server = Faulty(lambda word, _: "close" if word == "DOT" else None)
    house.invite("a@example.com")
    with faulty_server(server) as port:
        done = house.through(port).deliver()
        assert (done.sent, done.unsure) == (0, 1)
        house.clock.advance(days=30)
        assert house.through(port).deliver().unsure == 0
    assert server.words.count("DOT") == 1
    row = house.mail(1)
    assert row.state == "unsure"
    assert "handed over" in row.error
    assert house.activity("mail unsure") == [f"invitation to a@example.com: {row.error}"]


def test_a_server_that_hangs_after_the_mail_was_handed_over_leaves_it_unsure(house):
    house.invite("a@example.com")
    with faulty_server(Faulty(lambda word, _: "" if word == "DOT" else None)) as port:
        assert house.through(port, timeout=QUICK).deliver().unsure == 1
    assert house.mail(1).state == "unsure"


@pytest.mark.parametrize("answer", ["999 what", "hello", "354 more"])
def test_an_answer_that_is_none_leaves_the_mail_unsure(house, answer):
    house.invite("a@example.com")
    with faulty_server(Faulty(lambda word, _: answer if word == "DOT" else None)) as port:
        assert house.through(port).deliver().unsure == 1
    assert house.mail(1).state == "unsure"


@pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("does", ["close", "", "421 4.3.2 shutting down", "hello", "X" * 20000])
def test_a_failure_before_the_mail_was_handed_over_puts_it_back(house, word, does):
    server = Faulty(lambda said, _: does if said == word else None)
    house.invite("a@example.com")
    with faulty_server(server) as port:
        done = house.through(port, timeout=QUICK).deliver()
    assert (done.again, done.unsure, done.sent) == (1, 0, 0)
    row = house.mail(1)
    assert (row.state, row.tries) == ("queued", 1)
    assert row.next_try_at > house.clock.now
    assert row.error


def test_a_server_that_closes_after_each_mail_gets_each_mail_once(house):
    seen = set()

    def once(word, number):
        if word == "MAIL":
            if number in seen:
                return "close"
            seen.add(number)
        return None

    server = Faulty(once)
    for number in range(5):
        house.invite(f"u{number}@example.com")
    with faulty_server(server) as port:
        done = house.through(port).deliver()
    assert (done.sent, done.again, done.unsure) == (5, 0, 0)
    assert len(server.taken) == 5
    assert all(house.mail(number).tries == 1 for number in range(1, 6))


@pytest.mark.parametrize("does", ["close", "", "554 go away", "421 busy", "junk"])
def test_a_server_that_does_not_greet_is_a_failure_and_nothing_is_lost(house, does):
    house.invite("a@example.com")
    house.invite("b@example.com")
    with faulty_server(Faulty(lambda word, _: does if word == "GREETING" else None)) as port:
        done = house.through(port, timeout=QUICK).deliver()
    assert isinstance(done.stopped, RetryableError)
    assert done.stopped.cure
    assert (done.again, done.waiting) == (1, 2)
    assert (house.mail(1).state, house.mail(1).tries) == ("queued", 1)
    assert house.mail(1).error == done.stopped.what
    assert house.mail(1).next_try_at == house.clock.now + timedelta(minutes=1)
    assert (house.mail(2).state, house.mail(2).tries) == ("queued", 0)


def test_nobody_listens(house):
    house.invite("a@example.com")
    done = house.through(free_port()).deliver()
    assert isinstance(done.stopped, RetryableError)
    assert house.mail(1).state == "queued"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example", "\u2024\u2024", "bad host\r\nRCPT"])
def test_a_name_that_no_server_has(house, host):
    house.invite("a@example.com")
    done = house.mailing(Smtp(host, 25, "none")).deliver()
    assert done.stopped is not None
    assert done.stopped.where == f"{host}:25"
    assert house.mail(1).state == "queued"


def test_a_server_that_goes_away_in_the_middle(house):
    def does(word, number):
        return "close" if number > 1 or (word == "MAIL" and len(server.taken) == 2) else None

    server = Faulty(does)
    for number in range(5):
        house.invite(f"u{number}@example.com")
    with faulty_server(server) as port:
        done = house.through(port).deliver()
    assert (done.sent, done.again, done.waiting) == (2, 1, 3)
    assert done.stopped is not None
    assert [house.mail(number).tries for number in range(1, 6)] == [1, 1, 1, 0, 0]
    with faulty_server(again := Faulty(lambda *_: None)) as port:
        house.clock.advance(minutes=1)
        assert house.through(port).deliver().sent == 3
    assert len(server.taken) + len(again.taken) == 5


def test_after_three_unsure_mails_in_a_row_the_delivery_stops(house):
    server = Faulty(lambda word, _: "close" if word == "DOT" else None)
    for number in range(6):
        house.invite(f"u{number}@example.com")
    with faulty_server(server) as port:
        done = house.through(port).deliver()
    assert (done.unsure, done.waiting) == (3, 3)
    assert "3 mails in a row" in done.stopped.what


@pytest.mark.parametrize(
    "said", ["550 5.7.1 relaying denied", "530 5.7.0 authentication required", "554 5.7.0 blocked"]
)
def test_a_server_that_wants_no_mail_from_us_makes_no_address_refused(house, inbox, port, said):
    for number in range(6):
        house.invite(f"u{number}@example.com")
        inbox.rcpt[f"u{number}@example.com"] = said
    done = house.through(port).deliver()
    assert (done.refused, done.again, done.waiting) == (0, 3, 6)
    assert said in done.stopped.what
    assert house.user("u0@example.com").refused is None
    house.set_mail(1, tries=MOST_POLICY_TRIES - 1, next_try_at=None)
    assert house.through(port).deliver().refused == 1
    assert house.user("u0@example.com").refused.startswith(said)


def test_a_sender_who_is_refused_makes_no_address_refused(house):
    house.invite("a@example.com")
    with faulty_server(Faulty(lambda word, _: "550 who are you" if word == "MAIL" else None)) as port:
        assert house.through(port).deliver().again == 1
    assert (house.mail(1).state, house.mail(1).error) == ("queued", "550 who are you")


def test_a_killed_process_leaves_its_mail_unsure_and_never_sends_it_twice(house):
    server = Faulty(lambda word, number: "" if word == "DOT" and number == 1 else None)
    house.invite("a@example.com")
    house.invite("b@example.com")
    with faulty_server(server) as port:
        child = multiprocessing.get_context("fork").Process(
            target=lambda: house.through(port, timeout=timedelta(60)).deliver()
        )
        house.engine.dispose()
        child.start()
        until(lambda: "DOT" in server.words)
        os.kill(child.pid, signal.SIGKILL)
        child.join(DEADLINE)
        assert house.mail(1).state == "sending"
        done = house.through(port).deliver()
    assert (done.unsure, done.sent) == (1, 1)
    assert (house.mail(1).state, house.mail(2).state) == ("unsure", "sent")
    assert len(server.taken) == 1


def test_two_processes_do_not_send_at_once_and_the_living_one_is_not_taken_for_dead(house):
    server = Faulty(lambda word, number: "" if word == "DOT" and number == 1 else None)
    house.invite("a@example.com")
    with faulty_server(server) as port:
        child = multiprocessing.get_context("fork").Process(
            target=lambda: house.through(port, timeout=timedelta(60)).deliver()
        )
        house.engine.dispose()
        child.start()
        until(lambda: "DOT" in server.words)
        with pytest.raises(RetryableError, match="being sent already"):
            house.through(port).deliver()
        assert house.mail(1).state == "sending"
        os.kill(child.pid, signal.SIGKILL)
        child.join(DEADLINE)


def test_who_is_stopped_between_two_mails_has_marked_nothing(house, inbox, port):
    for number in range(3):
        house.invite(f"u{number}@example.com")

    def stop(_count):
        if inbox.mails:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.through(port).deliver(stop)
    assert [(house.mail(number).state, house.mail(number).tries) for number in (1, 2, 3)] == [
        ("sent", 1),
        ("queued", 0),
        ("queued", 0),
    ]
    assert house.through(port).deliver().sent == 2
    assert inbox.to == ["u0@example.com", "u1@example.com", "u2@example.com"]


def test_who_is_stopped_while_a_mail_is_handed_over_leaves_it_unsure(house, monkeypatch):
    house.invite("a@example.com")
    monkeypatch.setattr(
        "connectors.fluix.account.mail.smtp._hand_over", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with faulty_server(Faulty(lambda *_: None)) as port, pytest.raises(KeyboardInterrupt):
        house.through(port).deliver()
    assert house.mail(1).state == "unsure"


def test_requeue_is_for_what_is_unsure_or_refused(house, inbox, port):
    for letter in "abc":
        house.invite(f"{letter}@example.com")
    inbox.rcpt = {"b@example.com": "550 5.1.1 no such user"}
    house.through(port).deliver()
    house.set_mail(1, state="unsure")
    ids = [house.mail(number).message_id for number in (1, 2)]
    mailing = house.through(port)
    assert mailing.requeue(1) == "a@example.com"
    assert mailing.requeue(2) == "b@example.com"
    for number, state in ((1, "queued"), (3, "sent")):
        with pytest.raises(RefusedError, match=f"mail {number} is {state}"):
            mailing.requeue(number)
    with pytest.raises(PermanentError, match="there is no mail 99"):
        mailing.requeue(99)
    inbox.rcpt = {}
    inbox.mails.clear()
    assert mailing.deliver().sent == 2
    assert inbox.to == ["a@example.com", "b@example.com"]
    assert house.mail(1).message_id == ids[0]
    assert house.mail(2).message_id != ids[1]


def test_an_invitation_goes_to_the_address_that_the_user_has_by_now(house, inbox, port):
    house.invite("old@example.com")
    house.change("old@example.com", "new@example.com")
    house.through(port).deliver()
    assert inbox.to == ["new@example.com"]
    assert house.mail(1).email == "new@example.com"
    with reading(house.engine, "main") as connection:
        says = links.read(
            connection, "invitation", token_of(inbox.mails[0][1].get_content()), timedelta(1), house.clock.now
        )
    assert says["email"] == "new@example.com"


def test_who_was_deleted_or_logged_in_is_not_invited_any_more(house, inbox, port):
    for letter in "abc":
        house.invite(f"{letter}@example.com")
    house.delete("a@example.com")
    house.set_user("b@example.com", state="active")
    done = house.through(port).deliver()
    assert (done.sent, done.dropped, done.refused) == (1, 2, 0)
    assert inbox.to == ["c@example.com"]
    assert [house.mail(number).error for number in (1, 2)] == ["the user was deleted", "the user has logged in"]
    assert house.user("b@example.com").refused is None


def test_an_address_with_letters_beyond_ascii(house, inbox, port):
    house.invite("مريم@example.com", "مریم")
    house.invite("anna@müller.example", "Anna")
    assert house.through(port).deliver().sent == 2
    assert inbox.to == ["مريم@example.com", "anna@xn--mller-kva.example"]
    assert inbox.mails[1][1]["To"] == "anna@xn--mller-kva.example"
    assert "مريم@example.com".encode() in inbox.raw[0]


def test_a_server_without_such_letters_refuses_such_an_address_and_no_other(house, inbox):
    house.invite("مريم@example.com")
    house.invite("anna@example.com")
    with smtp_server(inbox, smtputf8=False) as port:
        done = house.through(port).deliver()
    assert (done.refused, done.sent) == (1, 2)
    assert "SMTPUTF8" in house.mail(1).error
    assert inbox.to == ["anna@example.com", "olga@example.com"]


@pytest.mark.parametrize(
    "email", ["a@b@example.com", "a\r\nBcc: x@example.com", "a b@example.com", "@", f"a@{'x' * 64}ü.example", "a@.ü"]
)
def test_an_address_that_is_none_is_refused_before_a_word_is_said(house, inbox, port, email):
    house.invite("good@example.com")
    house.set_user("good@example.com", email=email)
    house.set_mail(1, email=email)
    done = house.through(port).deliver()
    assert done.refused == 1
    assert "good@example.com" not in inbox.to
    assert "address" in house.mail(1).error or "no mail server" in house.mail(1).error


def test_encrypted_by_starttls(house, inbox, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)[1]))
    house.invite("a@example.com")
    with smtp_server(inbox, starttls=context(tmp_path), login=("fluix", "s3cret")) as port:
        smtp = Smtp("127.0.0.1", port, "starttls", "fluix", lambda: "s3cret")
        assert house.mailing(smtp).deliver().sent == 1
    assert inbox.to == ["a@example.com"]


def test_encrypted_from_the_first_word(house, inbox, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)[1]))
    house.invite("a@example.com")
    with smtp_server(inbox, tls=context(tmp_path)) as port:
        assert house.mailing(Smtp("127.0.0.1", port, "tls")).deliver().sent == 1
    assert inbox.to == ["a@example.com"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_trusts_gets_no_mail(house, inbox, tmp_path, security):
    certificate(tmp_path)
    house.invite("a@example.com")
    with smtp_server(inbox, **{security: context(tmp_path)}) as port:
        done = house.mailing(Smtp("127.0.0.1", port, security)).deliver()
    assert isinstance(done.stopped, PermanentError)
    assert "certificate" in done.stopped.what
    assert inbox.mails == []
    assert house.mail(1).state == "queued"


def test_a_server_without_encryption_gets_no_mail_where_encryption_is_wanted(house, inbox, port):
    house.invite("a@example.com")
    for security in ("starttls", "tls"):
        done = house.mailing(Smtp("127.0.0.1", port, security, timeout=QUICK)).deliver()
        assert isinstance(done.stopped, PermanentError), done.stopped
        assert "587" in done.stopped.cure
        house.set_mail(1, next_try_at=None)
    assert inbox.mails == []


def test_a_wrong_password_stops_everything_and_loses_nothing(house, inbox):
    house.invite("a@example.com")
    with smtp_server(inbox, login=("fluix", "s3cret")) as port:
        done = house.mailing(Smtp("127.0.0.1", port, "none", "fluix", lambda: "wrong")).deliver()
    assert isinstance(done.stopped, PermanentError)
    assert "password" in done.stopped.cure
    assert "wrong" not in f"{done.stopped.what}{done.stopped.cure}{house.mail(1).error}"
    assert house.mail(1).state == "queued"


@pytest.mark.parametrize("password", ["pässwörd", "two words", "p" * 300])
def test_passwords_of_every_kind(house, inbox, password):
    house.invite("a@example.com")
    with smtp_server(inbox, login=("flüix", password)) as port:
        assert house.mailing(Smtp("127.0.0.1", port, "none", "flüix", lambda: password)).deliver().sent == 1


def test_a_server_without_login_where_one_is_wanted(house, inbox, port):
    house.invite("a@example.com")
    done = house.mailing(Smtp("127.0.0.1", port, "none", "fluix", lambda: "x")).deliver()
    assert isinstance(done.stopped, PermanentError)
    assert inbox.mails == []


def test_without_a_mail_server_mails_stay_in_the_outbox_where_they_can_be_read(house):
    house.invite("a@example.com", "Anna")
    mailing = house.mailing(None)
    with pytest.raises(PermanentError, match="no mail server"):
        mailing.deliver()
    assert mailing.waiting() == 1
    shown = mailing.show(1)
    assert shown["headers"]["Subject"] == "You are invited to Fluix"
    with reading(house.engine, "main") as connection:
        assert links.read(connection, "invitation", token_of(shown["text"]), timedelta(1), house.clock.now)["mail"] == 1
    assert house.mail(1).text == ""


def test_what_was_sent_is_shown_as_it_was_sent(house, inbox, port):
    house.invite("a@example.com")
    mailing = house.through(port)
    mailing.deliver()
    house.clock.advance(days=3)
    shown = mailing.show(1)
    ((_, mail),) = inbox.mails
    assert shown["text"] == mail.get_content()
    assert {name: mail[name] for name in shown["headers"]} == shown["headers"]


def test_the_outbox_is_listed_newest_first(house, inbox, port):
    inbox.rcpt = {"b@example.com": "450 4.2.1 later"}
    for letter in "abc":
        house.invite(f"{letter}@example.com")
    mailing = house.through(port)
    mailing.deliver()
    total, found = mailing.outbox()
    assert (total, [mail["id"] for mail in found]) == (3, [3, 2, 1])
    assert mailing.outbox("queued")[1] == [
        {
            "id": 2, "to": "b@example.com", "kind": "invitation", "state": "queued", "tries": 1, "queued_at": house.clock.now.isoformat(),
            "sent_at": None, "next_try_at": (house.clock.now + timedelta(minutes=1)).isoformat(), "error": "450 4.2.1 later",
        }
    ]  # fmt: skip
    assert [mail["id"] for mail in mailing.outbox(limit=1)[1]] == [3]


@pytest.mark.parametrize(
    "sender", ["nobody", "", "a@b, c@d", "Fluix\r\nBcc: x@example.com <a@b.example", "ü@example.com"]
)
def test_a_sender_who_is_none_sends_nothing(house, port, inbox, sender):
    house.invite("a@example.com")
    settings = replace(house.settings, mail=MailSettings(Smtp("127.0.0.1", port, "none"), sender))
    with pytest.raises(PermanentError, match="no sender"):
        Mailing(house.engine, house.clock, settings).deliver()
    assert inbox.mails == []
    assert house.mail(1).state == "queued"


def test_attachments_and_lines_that_begin_with_a_dot_arrive_as_they_are(house, inbox, port):
    text = "one\n.\n..two\nFrom me\n" + "long " * 400 + "\nzoë \u2028 مریم\n"
    data = '{"a": "ü",\n "b": "."}\n.\n'
    with writing(house.engine, "main") as connection:
        outbox.queue(
            connection, kind="user_data", email="a@example.com", now=house.clock.now, subject="Données\r\nBcc: x@example.com",
            text=text, attachment_name="dönn\u00e9es\n.json", attachment=data,
        )  # fmt: skip
    assert house.through(port).deliver().sent == 1
    ((_, mail),) = inbox.mails
    assert mail["Subject"] == "Données Bcc: x@example.com"
    assert mail["Bcc"] is None
    assert mail.get_body().get_content() == text
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "dönnées .json"
    assert attached.get_content_type() == "application/json"
    assert attached.get_content() == data.encode()
    assert max(map(len, inbox.raw[0].split(b"\r\n"))) <= 998


def test_mails_of_one_account_are_none_of_another(house, inbox, port):
    house.invite("a@example.com")
    other = Mailing(
        house.engine,
        house.clock,
        Settings("other", mail=MailSettings(Smtp("127.0.0.1", port, "none"), "o@example.com")),
    )
    assert other.deliver().sent == 0
    assert other.outbox() == (0, [])
    for ask in (other.show, other.requeue):
        with pytest.raises(PermanentError, match="there is no mail 1"):
            ask(1)
    with pytest.raises(RefusedError, match="forged"), reading(house.engine, "other") as connection:
        links.read(
            connection, "invitation", token_of(house.through(port).show(1)["text"]), timedelta(1), house.clock.now
        )
    assert house.through(port).deliver().sent == 1
