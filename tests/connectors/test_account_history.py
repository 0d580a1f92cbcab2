"""The activity, the data that a user may ask for, and the testers of pre-release apps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from connectors.errors import PermanentError
from connectors.fluix.account import EmbeddedAccount
from connectors.fluix.account.admin.early_access import split_name
from connectors.fluix.account.admin.history import Asked
from connectors.fluix.account.settings import MailSettings, Settings
from connectors.fluix.account.tables import devices, login_guards, mails, passwords
from tests.target_contract import DATA

START = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self):
        self.now += timedelta(hours=1)
        return self.now


@pytest.fixture
def account(engine):
    account = EmbeddedAccount(engine, Clock(), Settings(early_access=("field", "Office")))
    account.load(DATA)
    return account


def happened(account, limit=None, skip=0, **asked):
    with account.activity(Asked(**asked), limit, skip) as stream:
        found = list(stream)
    if limit is None:
        assert account.count_activity(Asked(**asked)) == len(found)
    return [(one["kind"], one["email"]) for one in found]


# The activity


def test_user_activity_is_a_log_of_what_users_and_admins_did_the_newest_first(account):
    account.add_user("Zoë", "zoe@example.com", ["Office"])
    account.edit_user("zoe@example.com", new_email="zoe2@example.com")
    account.create_group("Night")
    account.delete_user("zoe2@example.com")
    assert happened(account) == [
        ("deleted", None),
        ("group created", None),
        ("changed", None),
        ("added", None),
        ("loaded", None),
    ]


def test_of_one_user_everything_is_under_the_email_of_today(account):
    account.edit_user("bob@example.com", name="Robert")
    account.edit_user("bob@example.com", new_email="robert@example.com")
    assert happened(account, email="ROBERT@example.com") == [("changed", "robert@example.com")] * 2
    with pytest.raises(PermanentError, match="no user bob@example"):
        happened(account, email="bob@example.com")


def test_activity_is_narrowed_by_time_and_kind_and_paged(account):
    for number in range(5):
        account.create_group(f"G{number}")
    since, until = START + timedelta(hours=3), START + timedelta(hours=5)
    assert len(happened(account, since=since, until=until)) == 2
    assert len(happened(account, kind="group created")) == 5
    assert happened(account, kind="no such") == []
    with account.activity(Asked(), 2, 1) as stream:
        assert [one["text"] for one in stream] == ["G3", "G2"]


def test_the_activity_of_another_account_is_not_shown(account, engine):
    other = EmbeddedAccount(engine, Clock(), Settings(name="other"))
    other.create_group("Secret")
    assert happened(other) == [("group created", None)]
    assert happened(account) == [("loaded", None)]


# The user's data


@pytest.fixture
def bob(account, engine):
    """A user of whom everything is held that can be."""
    account.set_role("bob@example.com", "Manager", ["Field"])
    account.give_workflow("Permits", adding=["Office"])
    user_id = int(account.show_user("bob@example.com")["fluix_id"])
    with engine.begin() as connection:
        known = {"identifier": "ID-1", "name": "Bob's iPad", "platform": "iPadOS", "app_version": "7"}
        times = {"signed_in_at": START, "seen_at": START}
        connection.execute(insert(devices).values(user_id=user_id, session="SECRET-SESSION", **known, **times))
        connection.execute(insert(passwords).values(email_key="bob@example.com", hash="SECRET-HASH", set_at=START))
        connection.execute(insert(login_guards).values(email_key="bob@example.com", failures=2, blocks=1))
        mail = {"account": "main", "user_id": user_id, "kind": "password_reset", "email": "bob@example.com"}
        state = {"subject": "Reset", "text": "SECRET-LINK", "state": "sent", "tries": 1, "queued_at": START}
        connection.execute(insert(mails).values(**mail, **state))
    return user_id


def test_request_user_data_emails_the_user_the_details_of_his_or_her_activity(account, engine, bob):
    assert account.request_user_data("BOB@example.com") == "bob@example.com"
    with engine.connect() as connection:
        (mail,) = connection.execute(select(mails).where(mails.c.kind == "user_data")).all()
    assert (mail.email, mail.user_id, mail.state, mail.attachment_name) == (
        *("bob@example.com", bob),
        *("queued", "user-data.json"),
    )
    assert mail.subject
    assert "Bob" in mail.text
    held = json.loads(mail.attachment)
    assert [one["kind"] for one in held["activity"]] == ["role changed"]
    assert happened(account, email="bob@example.com")[0][0] == "user data requested"


def test_user_data_is_all_that_is_held_and_no_secret(account, bob):
    text = account.user_data("bob@example.com")
    held = json.loads(text)
    assert "SECRET" not in text
    assert (held["account"], held["user"]["email"], held["user"]["role"]) == ("main", "bob@example.com", "Manager")
    assert (held["user"]["role_groups"], held["user"]["groups"]) == (["Field"], ["Field", "Office"])
    assert [part["workflow"] for part in held["workflows"]] == ["Permits", "Repairs"]
    assert [part["workflow"] for part in held["workflows_by_group"]] == ["Permits", "Repairs"]
    assert [one["title"] for one in held["documents"]] == ["Draft one", "Draft two", "Form"]
    assert [one["name"] for one in held["devices"]] == ["Bob's iPad"]
    assert held["password"] == [{"set_at": START.isoformat()}]
    assert held["wrong_passwords"] == [{"failures": 2, "blocks": 1, "blocked_until": None}]
    assert [one["subject"] for one in held["mails"]] == ["Reset"]


def test_user_data_holds_nothing_of_others(account, bob):
    held = account.user_data("ida@example.com")
    assert not any(word in held.casefold() for word in ("bob", "anna", "olga", "ipad"))


def test_who_is_not_there_gets_no_user_data_and_a_broken_template_sends_nothing(account, engine, tmp_path):
    with pytest.raises(PermanentError, match="nobody"):
        account.request_user_data("nobody@example.com")
    (tmp_path / "user_data.en.txt").write_text("only a subject\n")
    broken = EmbeddedAccount(engine, Clock(), Settings(mail=MailSettings(templates=tmp_path)))
    with pytest.raises(PermanentError, match="template"):
        broken.request_user_data("bob@example.com")
    with engine.connect() as connection:
        assert connection.execute(select(mails)).all() == []


def test_user_details_tell_last_login_and_connected_devices(account, engine, bob):
    account.load({"users": [{"email": "bob@example.com", "last_login": START.isoformat()}]})
    user = account.show_user("bob@example.com")
    assert user["last_login"] == START.isoformat()
    (device,) = user["devices"]
    assert device == {
        "name": "Bob's iPad",
        "platform": "iPadOS",
        "app_version": "7",
        "signed_in": True,
        "signed_in_at": START.isoformat(),
        "seen_at": START.isoformat(),
    }
    with engine.begin() as connection:
        connection.execute(update(devices).values(session=None))
    assert account.show_user("bob@example.com")["devices"][0]["signed_in"] is False


# Early access


def test_testers_are_the_members_of_the_groups_each_once_with_split_names(account):
    assert [(one.first_name, one.last_name, one.email) for one in account.testers()] == [
        ("Anna", "Berg", "anna@example.com"),
        ("Bob", "", "bob@example.com"),
        ("مریم", "علی‌زاده", "مريم@example.com"),
    ]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Anna Berg", "Anna", "Berg"),
        ("Berg, Anna", "Anna", "Berg"),
        ("Anna Maria Berg", "Anna Maria", "Berg"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Ana de la Cruz", "Ana", "de la Cruz"),
        ("Bob", "Bob", ""),
        ("  Bob  ", "Bob", ""),
        ("Bob,", "Bob", ""),
        (",", "", ""),
        ("山田 太郎", "山田", "太郎"),
    ],
)
def test_a_display_name_is_split_sensibly(name, first, last):
    assert split_name(name) == (first, last)


@pytest.mark.parametrize(("teams", "said"), [((), "no groups are set"), (("Field", "Beta"), "no group Beta")])
def test_early_access_without_its_groups_is_refused_with_the_setting(account, engine, teams, said):
    unset = EmbeddedAccount(engine, Clock(), Settings(early_access=teams))
    with pytest.raises(PermanentError, match=said) as caught:
        unset.testers()
    assert "target.early_access" in caught.value.cure
