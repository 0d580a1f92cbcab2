"""users devices, reset-password, accept, sign-in."""

from __future__ import annotations

import os
import pty
import select
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.fluix.account.connection import writing
from connectors.fluix.account.mail import links
from connectors.fluix.account.settings import Settings
from connectors.fluix.account.signing_in import SignIn
from syncd.bootstrap import utc_now
from syncd.cli.devices import COMMANDS
from syncd.cli.users import users
from syncd.store.audit import verify

ROOT = Path(__file__).parent.parent.parent.parent
EMAIL = "e001@example.com"
GOOD = "Sturdy-Lamp-47"

# The commands as the program has them, whether or not the group took them in already.
PROGRAM = (
    "from syncd.cli import devices, main, users\nfor one in devices.COMMANDS: users.users.add_command(one)\nmain()"
)


@pytest.fixture
def small(small, monkeypatch):
    """Two invited people; a file with a good password and one with a wrong one."""
    for command in COMMANDS:
        monkeypatch.setitem(users.commands, command.name, command)
    (small.folder / "good").write_text(GOOD + "\n")
    (small.folder / "wrong").write_text("wrong\n")
    return small


@pytest.fixture
def accepted(small, call):
    """The first of them accepted."""
    assert call("users", "accept", token(small), "--password-file", "good").code == 0
    return small


def token(house, email=EMAIL):
    """The token of the invitation that waits in the outbox."""
    app = house.app()
    with writing(app.store, "main") as connection:
        query = "SELECT user_id, mail_id FROM account_mails WHERE kind = 'invitation' AND email = ?"
        user_id, mail_id = connection.exec_driver_sql(query, (email,)).one()
        return links.sign(connection, "invitation", {"user": user_id, "email": email, "mail": mail_id}, utc_now())


def sign_in(call, device, *words, password="good"):
    return call("users", "sign-in", EMAIL, "--device", device, "--password-file", password, *words)


def audited(house):
    with sqlite3.connect(house.folder / "syncd.db") as connection:
        rows = connection.execute("SELECT action, subject, detail FROM audit ORDER BY place").fetchall()
    assert verify(house.app().store) == (len(rows), None)
    return rows


def test_a_user_accepts_signs_in_and_is_logged_out_of_the_first_device(small, call):
    made = token(small)
    ran = call("users", "accept", made, "--password-file", "good", "--json")
    assert (ran.code, ran.json) == (0, {"email": EMAIL})
    first = sign_in(call, "Phone", "--platform", "iOS", "--app-version", "8.1", "--json").json
    assert first == {"email": EMAIL, "device_id": first["device_id"], "signed_out": []}
    for name in ("Tablet", "[red]Desk"):
        assert sign_in(call, name).out == f"{EMAIL} is signed in on {name}\n"
    assert sign_in(call, "Watch").out == f"{EMAIL} is signed in on Watch; logged out of Phone\n"
    found = call("users", "devices", EMAIL, "--json").json
    assert [one["name"] for one in found] == ["Tablet", "[red]Desk", "Watch"]
    assert list(found[0]) == [
        *("device_id", "identifier", "name", "platform", "app_version", "signed_in_at", "seen_at"),
    ]
    shown = call("users", "devices", EMAIL).out
    assert "[red]Desk" in shown
    assert shown.endswith("3 connected devices\n")


def test_the_admin_can_log_one_device_out(accepted, call):
    device_id = sign_in(call, "Phone", "--json").json["device_id"]
    sign_in(call, "Tablet")
    ran = call("users", "devices", EMAIL, "--sign-out", str(device_id), "--json")
    assert (ran.code, ran.json) == (0, {"email": EMAIL, "signed_out": "Phone"})
    assert [one["name"] for one in call("users", "devices", EMAIL, "--json").json] == ["Tablet"]
    assert audited(accepted)[-1][:2] == ("users devices", EMAIL)
    assert '"Phone"' in audited(accepted)[-1][2]
    assert call("users", "devices", EMAIL, "--sign-out", "rehearsal: Tablet").out == f"logged {EMAIL} out of Tablet\n"
    assert call("users", "devices", EMAIL).out == "0 connected devices\n"


def test_a_password_reset_sends_an_email_request(accepted, call):
    ran = call("users", "reset-password", EMAIL, "--json")
    assert (ran.code, ran.json) == (0, {"email": EMAIL})
    with sqlite3.connect(accepted.folder / "syncd.db") as connection:
        query = "SELECT email, state FROM account_mails WHERE kind = 'password_reset'"
        assert connection.execute(query).fetchall() == [(EMAIL, "queued")]
    assert audited(accepted)[-1][:2] == ("users reset-password", EMAIL)


def test_neither_passwords_nor_tokens_nor_sessions_are_told(small, call):
    made = token(small)
    said = [call("users", "accept", made, "--password-file", "good")]
    said += [sign_in(call, "Phone"), sign_in(call, "Tablet", "--json"), call("users", "devices", EMAIL, "--json")]
    said += [call("users", "accept", made, "--password-file", "good", "--json")]
    told = " ".join(one.out + one.err for one in said) + str(audited(small))
    assert GOOD not in told
    assert made not in told
    assert "secret" not in told
    assert said[-1].code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["devices", "nobody@x.example"], 1),
        (["devices", EMAIL, "--sign-out", "7"], 1),
        (["devices", EMAIL, "--sign-out", ""], 1),
        (["reset-password", "nobody@x.example"], 1),
        (["reset-password", "e002@example.com"], 1),
        (["accept", "forged", "--password-file", "good"], 1),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "wrong"], 1),
        (["sign-in", EMAIL, "--device", " ", "--password-file", "good"], 1),
        (["sign-in", EMAIL, "--device", "Phone"], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "none"], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "."], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "empty"], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "two"], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "binary"], 2),
        (["sign-in", EMAIL, "--device", "Phone", "--password-file", "/dev/zero"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_and_is_not_in_the_audit(accepted, call, words, code):
    (accepted.folder / "empty").write_text("")
    (accepted.folder / "two").write_text("a\nb\n")
    (accepted.folder / "binary").write_bytes(b"\xff\xfe\x00")
    before = audited(accepted)
    ran = call("users", *words, "--json")
    assert (ran.code, ran.json["exit_code"]) == (code, code)
    assert ran.json["error"]["what"]
    assert ran.json["error"]["to_do"]
    assert audited(accepted) == before


def test_a_wrong_password_is_counted_even_though_the_call_fails(accepted, call):
    for _ in range(3):
        assert sign_in(call, "Phone", password="wrong").code == 1
    ran = sign_in(call, "Phone", "--json")
    assert ran.code == 1
    assert "too many wrong passwords" in ran.json["error"]["what"]


def test_a_password_is_never_taken_from_the_calls_words(accepted, call):
    assert call("users", "sign-in", EMAIL, "--device", "Phone", "--password", GOOD).code == 2
    assert call("users", "sign-in", EMAIL, "--device", "Phone", GOOD).code == 2


def test_who_has_a_password_in_another_account_is_not_asked_for_one(accepted, call):
    accepted.configure(target={"type": "account", "name": "south"})
    assert call("users", "add", "--name", "E", "--email", EMAIL).code == 0
    app = accepted.app()
    with writing(app.store, "south") as connection:
        query = "SELECT user_id, mail_id FROM account_mails WHERE kind = 'invitation' AND account = 'south'"
        user_id, mail_id = connection.exec_driver_sql(query).one()
        made = links.sign(connection, "invitation", {"user": user_id, "email": EMAIL, "mail": mail_id}, utc_now())
    assert SignIn(app.store, app.clock, Settings(name="south")).invitation(made).has_password
    assert call("users", "accept", made).out == f"{EMAIL} accepted the invitation\n"
    assert sign_in(call, "Phone").code == 0


def on_a_terminal(house, words, *answers):
    """Answer each question once it is asked. Returns the exit code, standard output and standard error."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=house.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # without a terminal of its own the password is read from the one it is given
    )
    asked = b""
    for answer in answers:
        question = b""
        while not question.endswith(b": "):
            assert select.select([process.stderr], [], [], 60)[0], asked + question
            part = os.read(process.stderr.fileno(), 1000)
            assert part, asked + question
            question += part
        asked += question
        os.write(ours, f"{answer}\n".encode())
    out, err = process.communicate(timeout=60)
    echoed = os.read(ours, 1000) if select.select([ours], [], [], 0)[0] else b""
    os.close(ours)
    os.close(theirs)
    return process.returncode, out.decode(), (asked + err + echoed).decode()


def test_on_a_terminal_it_asks_and_a_new_password_twice(small):
    code, out, told = on_a_terminal(small, ["users", "accept", token(small), "--json"], GOOD, GOOD)
    assert (code, out) == (0, f'{{\n  "email": "{EMAIL}"\n}}\n'), told
    assert GOOD not in told
    code, out, told = on_a_terminal(small, ["users", "sign-in", EMAIL, "--device", "Phone"], GOOD)
    assert (code, out) == (0, f"{EMAIL} is signed in on Phone\n"), told
    assert f"The password of {EMAIL}: " in told
    assert GOOD not in told
