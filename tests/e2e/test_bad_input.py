"""What people feed it by mistake: each gets a clear error or finding, and nobody is deleted by it."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.fluix.account import EmbeddedAccount
from syncd.store.lock import run_lock
from tests.house import COLUMNS, House, Person, staff

HEADER = ",".join(COLUMNS.values())


@pytest.fixture
def settled(house: House) -> House:
    """Ten people, all in Fluix."""
    house.hire(staff(10))
    assert house.syncd("run").code == 0
    return house


def emails(house: House) -> set[str]:
    account = house.app().target()
    assert isinstance(account, EmbeddedAccount)
    return {user["email"] for user in account.list_users()}


def everybody() -> set[str]:
    return {person.row()[2] for person in staff(10)}


def row(*cells: str) -> str:
    return ",".join(cells)


BODY = "\n".join(row(*person.row()) for person in staff(10)) + "\n"

UNREADABLE = {
    "missing": None,
    "empty": b"",
    "header only": f"{HEADER}\n".encode(),
    "binary": b"PK\x03\x04" + bytes(range(256)) * 8,
    "wrong encoding": f"{HEADER}\n{BODY}".replace("Person E001", "Pérson").encode("cp1252"),
    "NULs": f"{HEADER}\n{BODY}".replace("Person", "P\0rson").encode(),
    "other headers": b"Foo,Bar\n1,2\n",
    "cut in a quote": f'{HEADER}\n{BODY}E011,"Per'.encode(),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_deletes_nobody_and_says_why(settled: House, name: str) -> None:
    content = UNREADABLE[name]
    settled.people.unlink()
    if content is not None:
        settled.people.write_bytes(content)
    ran = settled.syncd("run")
    assert ran.code in {1, 3}, ran.out
    assert "people.csv" in ran.out + ran.err
    assert emails(settled) == everybody()
    assert settled.syncd("check").code == 1


BAD_CELLS = {
    "10 MB in one field": ("name", "x" * 10_000_000),
    "a NUL": ("name", "Per\0son"),
    "an email of 300 characters": ("email", "a" * 290 + "@x.example"),
    "no email": ("email", "nobody"),
    "an override": ("name", "Ann\u202egnp.exe"),
    "neither active nor inactive": ("active", "perhaps"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_row_takes_the_certificate_away_and_pins_whom_it_might_mean(settled: House, name: str) -> None:
    """E002 has a bad row, E010 is gone: neither is deleted, and a newcomer gets the account all the same."""
    attribute, value = BAD_CELLS[name]
    bad = replace(staff(2)[1], **{attribute: value})
    settled.hire([staff(1)[0], bad, *staff(9)[2:], Person("E099")])
    ran = settled.syncd("run", "--json")
    assert ran.code == 3
    (source,) = ran.json["sources"]
    assert source["certified"] is False
    assert "people.csv line 3" in source["problems"][0]
    assert "\n" not in source["problems"][0]
    assert len(source["problems"][0]) < 400
    assert emails(settled) == everybody() | {"e099@example.com"}


def test_two_people_with_one_email_are_isolated_and_the_rest_goes_on(settled: House) -> None:
    settled.hire([*staff(10), Person("E050", email="e003@example.com"), Person("E099")])
    ran = settled.syncd("run", "--json")
    assert ran.code == 3
    (finding,) = ran.json["findings"]
    assert finding["check"] == "conflict"
    assert "people/E003, people/E050" in finding["message"]
    assert emails(settled) == everybody() | {"e099@example.com"}


def test_one_person_twice_is_one_person_and_a_contradiction_is_named(settled: House) -> None:
    settled.hire([*staff(10), staff(3)[2]])
    assert settled.syncd("run").code == 0
    settled.hire([*staff(9), replace(staff(3)[2], name="Somebody Else")])
    ran = settled.syncd("run", "--json")
    assert ran.code == 3
    assert "line 4 and people.csv line 11 are about the same person" in ran.json["sources"][0]["problems"][0]
    assert emails(settled) == everybody()


def test_100_000_duplicate_rows_are_one_person(settled: House) -> None:
    settled.hire([*staff(10), *[staff(3)[2]] * 100_000])
    assert settled.syncd("run").code == 0
    assert emails(settled) == everybody()


def test_20_000_people_with_one_email_are_one_finding(settled: House) -> None:
    settled.hire([*staff(10), *(Person(f"X{number}", email="e003@example.com") for number in range(20_000))])
    ran = settled.syncd("run", "--json")
    assert ran.code == 3
    assert len(ran.json["findings"]) == 1
    assert len(ran.json["findings"][0]["message"]) < 300
    assert emails(settled) == everybody()


def test_a_formula_in_a_name_is_kept_and_cannot_run_in_a_spreadsheet(house: House) -> None:
    formula = '=HYPERLINK("https://evil.example","click")'
    house.hire([Person("E001", formula)])
    assert house.syncd("run").code == 0
    assert house.syncd("users", "list", "--json").json[0]["name"] == formula
    assert house.syncd("users", "export", "--out", "out.csv").code == 0
    exported = (house.folder / "out.csv").read_text(encoding="utf-8-sig")
    assert "\"'=HYPERLINK(" in exported
    again = House(house.folder / "again") if (house.folder / "again").mkdir() is None else house
    again.hire([])
    assert again.syncd("users", "import", str(house.folder / "out.csv"), "--create-groups").code == 0
    assert again.syncd("users", "list", "--json").json[0]["name"] == formula


def test_right_to_left_names_are_names(house: House) -> None:
    house.hire([Person("E001", "مریم علی\u200cزاده"), Person("E002", "יעל כהן")])
    assert house.syncd("run").code == 0
    assert house.syncd("run", "--json").json["counts"] == {}


# --- the store and the machine ------------------------------------------------------------------------------------


def test_a_store_of_a_newer_version_is_refused(settled: House) -> None:
    with sqlite3.connect(settled.folder / "syncd.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ran = settled.syncd("run")
    assert ran.code == 1
    assert "newer version (9999" in ran.err
    assert settled.syncd("store", "upgrade").code == 1


def test_a_store_of_an_older_version_asks_for_the_upgrade(settled: House) -> None:
    with sqlite3.connect(settled.folder / "syncd.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    ran = settled.syncd("plan")
    assert ran.code == 1
    assert "syncd store upgrade" in ran.err


def test_a_file_that_is_no_store_is_refused(house: House) -> None:
    house.hire(staff(1))
    (house.folder / "syncd.db").write_bytes(b"not a database" * 1000)
    ran = house.syncd("run")
    assert ran.code == 1
    assert "not a database" in ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a folder read-only")
def test_a_read_only_store_is_said(settled: House) -> None:
    """Mounted read-only, since root may write whatever its mode says."""
    folder = str(settled.folder)
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        ran = settled.syncd("run")
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    assert ran.code == 1
    assert "give this user the right to write" in ran.err
    assert settled.syncd("run").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        house = House(disk)
        house.hire(staff(10))
        assert house.syncd("run").code == 0
        with house.people.open("a", encoding="utf-8") as stream:
            stream.write("E099,Nu,nu@example.com,Field,yes,\n")
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(b"x" * 4096)
        for _ in range(3):
            ran = house.syncd("run")
            if ran.code:
                break
        assert ran.code == 1
        assert "free s" in ran.err  # "free space" or "free some space", by what SQLite met
        filler.unlink()
        assert house.syncd("run").code == 0
        assert emails(house) == everybody() | {"nu@example.com"}
        assert house.syncd("audit", "verify").code == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_second_of_two_runs_says_who_holds_the_lock_and_since_when(settled: House) -> None:
    app = settled.app()
    with run_lock(app.store, "syncd run", settled.clock.now):
        ran = settled.syncd("run")
        assert ran.code == 1
        assert f"process {os.getpid()}" in ran.err
        assert settled.clock.now.isoformat("T", "seconds") in ran.err
    assert settled.syncd("run").code == 0


def test_the_second_of_two_runs_can_wait(settled: House) -> None:
    app = settled.app()
    command = [sys.executable, "-m", "syncd", "run", "--wait", "60"]
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "SYNCD_CONFIG": str(settled.config), "PYTHONPATH": str(root)}
    with run_lock(app.store, "syncd run", settled.clock.now):
        waiting = subprocess.Popen(command, env=environment, cwd=settled.folder, stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=1.5)
    assert waiting.wait(timeout=60) == 0


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("after", [0.35, 0.6, 0.9, 1.3])
def test_a_signal_ends_a_run_and_the_next_one_goes_on(house: House, signal_name: str, after: float) -> None:
    """Whenever it comes; the moments differ from machine to machine, and each must end well."""
    count = 3000
    house.hire([Person(f"E{number:05d}") for number in range(count)])
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "SYNCD_CONFIG": str(house.config), "PYTHONPATH": str(root)}
    house.syncd("store", "upgrade")
    running = subprocess.Popen(
        [sys.executable, "-m", "syncd", "run"],
        env=environment,
        cwd=house.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    begun = time.monotonic()
    while time.monotonic() - begun < after and running.poll() is None:
        time.sleep(0.01)  # the moment is what the test varies
    running.send_signal(getattr(signal, signal_name))
    _, said = running.communicate(timeout=60)
    # Before the program listens, Python's own answer to the signal counts.
    assert running.returncode in {0, 130, -signal.SIGTERM, -signal.SIGINT}, said
    if running.returncode == 130:
        assert "Traceback" not in said
    assert house.syncd("run").code == 0
    assert len(emails(house)) == count
    last = house.syncd("run", "--json")
    assert (last.code, last.json["counts"]) == (0, {})
