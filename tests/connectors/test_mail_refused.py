"""An address that is not accepted: who is told, how often, and when it is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mail_house import MailHouse
from tests.mail_servers import Inbox, smtp_server

SAID = "550 5.1.1 <ida@example.com>: no such user"


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


def test_if_the_address_is_not_accepted_the_admin_gets_an_automatic_notification(house, inbox, port):
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com", "Ida")
    assert house.through(port).deliver().refused == 1
    assert house.user("ida@example.com").refused == SAID
    assert house.activity("address refused") == [f"invitation to ida@example.com: {SAID}"]
    ((to, mail),) = inbox.mails
    assert to == "olga@example.com"
    assert mail["Subject"] == "Fluix: the address ida@example.com was not accepted"
    assert SAID in mail.get_content()
    assert "Ida" in mail.get_content()
    assert house.through(port).deliver().sent == 0
    assert len(house.mails("refused_address")) == 1


def test_every_user_with_a_role_and_the_owner_is_told(house, inbox, port):
    house.add_admin("anna@example.com", "Admin")
    house.add_admin("bob@example.com")
    house.add_admin("stranger@example.com", "Admin", account="other")
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    house.through(port).deliver()
    assert inbox.to == ["olga@example.com", "anna@example.com"]


def test_who_is_named_in_the_configuration_is_told_instead(house, inbox, port):
    admins = ("it@example.com", "it@example.com", "Ida@Example.com", "help@example.com")
    house.settings = replace(house.settings, mail=replace(house.settings.mail, admins=admins, language="nl"))
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    house.through(port).deliver()
    assert inbox.to == ["it@example.com", "help@example.com"]
    assert inbox.mails[0][1]["Subject"] == "Fluix: het adres ida@example.com is niet geaccepteerd"


def test_an_admin_whose_address_is_not_accepted_makes_no_circle(house, inbox, port):
    house.add_admin("anna@example.com", "Admin")
    inbox.rcpt = {"ida@example.com": SAID, "olga@example.com": "550 5.1.1 gone"}
    house.invite("ida@example.com")
    done = house.through(port).deliver()
    assert (done.refused, done.sent, done.waiting) == (2, 1, 0)
    assert [mail.email for mail in house.mails("refused_address")] == ["olga@example.com", "anna@example.com"]
    assert house.user("ida@example.com").refused == SAID
    assert house.user("olga@example.com").refused is None


def test_without_an_admin_the_refusal_is_still_kept(house, inbox, port):
    house.delete("olga@example.com")
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    assert house.through(port).deliver().refused == 1
    assert house.user("ida@example.com").refused == SAID
    assert house.mails("refused_address") == []


def test_a_later_invitation_to_a_changed_address_clears_the_refusal(house, inbox, port):
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    house.through(port).deliver()
    house.change("ida@example.com", "ida.new@example.com")
    assert house.user("ida.new@example.com").refused == SAID
    house.clock.advance(minutes=10)
    house.through(port).resend("ida.new@example.com")
    assert house.through(port).deliver().sent == 1
    assert house.user("ida.new@example.com").refused is None


def test_a_refusal_of_an_address_that_the_user_has_no_more_is_not_the_users(house, inbox, port):
    house.invite("ida@example.com")
    house.set_mail(1, kind="user_data", subject="s", text="t")
    house.change("ida@example.com", "new@example.com")
    inbox.rcpt = {"ida@example.com": SAID}
    house.through(port).deliver()
    assert house.user("new@example.com").refused is None
    assert inbox.to == ["olga@example.com"]


def test_each_refusal_is_told_once_and_a_second_one_again(house, inbox, port):
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    house.through(port).deliver()
    house.through(port).requeue(1)
    house.through(port).deliver()
    assert len(house.mails("refused_address")) == 2


def test_what_the_server_said_is_one_short_line(house, inbox, port):
    inbox.rcpt = {"ida@example.com": "550-5.1.1 first\r\n550-5.1.1 \x1b[31msecond\u202e\r\n550 5.1.1 " + "x" * 900}
    house.invite("ida@example.com")
    house.through(port).deliver()
    said = house.user("ida@example.com").refused
    assert said.startswith("550 5.1.1 first 5.1.1 [31msecond 5.1.1 xxx")
    assert said.isprintable()
    assert len(said) == 500


def test_an_own_template_that_fails_for_one_value_only_keeps_the_outcome(house, inbox, port, tmp_path):
    (tmp_path / "refused_address.en.txt").write_text("S\n{{ 1 / 0 if 'ida' in email else email }}\n")
    house.settings = replace(house.settings, mail=replace(house.settings.mail, templates=tmp_path))
    inbox.rcpt = {"ida@example.com": SAID}
    house.invite("ida@example.com")
    assert house.through(port).deliver().refused == 1
    assert inbox.mails[0][1]["Subject"] == "Fluix: the address ida@example.com was not accepted"
