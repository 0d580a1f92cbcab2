"""A disk that is full, and a store that this user may not write: it is said with a cure, and nothing is lost."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import App
from syncd.run import run
from syncd.store.audit import verify
from syncd.store.journal import Journal
from syncd.sync import Request
from tests.depth import first_of
from tests.faults.processes import go, in_a_process
from tests.house import House, Person, staff

NOBODY = 65534
DAY_ONE = staff(30)
DAY_TWO = [*DAY_ONE[:29], *(Person(f"E{number}", groups=("Field", "Office")) for number in range(100, 120))]


def one_run(app: App) -> None:
    report = run(app.sync(), Request("run"))
    assert report.outcome["failed"] == 0


def state(folder: Path) -> Any:
    def look(app: App) -> Any:
        account = app.target()
        assert isinstance(account, EmbeddedAccount)
        assert Journal(app.store, 0, "test", app.clock).open() == []
        assert verify(app.store)[1] is None
        users = account.list_users()
        invited = {user["email"]: len(account.show_user(user["email"])["invitations"]) for user in users}
        return account.dump(), invited

    return go(folder, look)


def files_at_most(size: int) -> None:
    """As on a full disk: whatever a file would grow beyond this is not written."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Day one is done; on day two, one leaves and twenty come."""
    house = House(tmp_path_factory.mktemp("company"))
    house.hire(DAY_ONE)
    go(house.folder, one_run)
    house.hire(DAY_TWO)
    return house.folder


@pytest.mark.parametrize("day", first_of(["second", "first"]))
def test_a_disk_that_is_full_at_whatever_size_is_said_and_the_next_run_goes_on(
    company: Path, tmp_path: Path, day: str
) -> None:
    before = company
    if day == "first":
        before = tmp_path / "before"
        before.mkdir()
        House(before).hire(DAY_TWO)
    wanted = tmp_path / "wanted"
    shutil.copytree(before, wanted)
    go(wanted, one_run)
    undisturbed, size, ended = state(wanted), 0, []
    while 0 not in ended:
        folder = tmp_path / str(size)
        shutil.copytree(before, folder)
        code, said = in_a_process(folder, one_run, partial(files_at_most, size))
        ended.append(code)
        if code:
            assert code == 1, said
            assert "space" in said
        go(folder, one_run)
        assert state(folder) == undisturbed, f"full at {size} bytes"
        shutil.rmtree(folder)
        size += 40_000
    assert ended.count(1) > 5, ended


@pytest.fixture
def open_folder(company: Path) -> Iterator[Path]:
    """The company in a folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="syncd-")) / "house"
    shutil.copytree(company, folder)
    for path in (folder.parent, folder):
        path.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    yield folder
    shutil.rmtree(folder.parent)


def as_nobody() -> None:
    """Root writes whatever the mode says; others do not."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def as_somebody_without_rights(folder: Path, what: str) -> Any:
    """How to become a user who may not write the store's file, or its folder."""
    paths = {"file": [folder / "syncd.db"], "folder": [folder], "both": [folder, folder / "syncd.db"]}
    if os.geteuid() == 0:
        if what == "file":
            folder.chmod(0o777)
        if what == "folder":
            (folder / "syncd.db").chmod(0o666)
        return as_nobody
    for path in paths[what]:
        path.chmod(path.stat().st_mode & ~0o222)
    return lambda: None


@pytest.mark.parametrize("what", ["file", "folder", "both"])
def test_a_store_that_this_user_may_not_write_is_said(open_folder: Path, what: str) -> None:
    before = (open_folder / "syncd.db").read_bytes()
    code, said = in_a_process(open_folder, one_run, as_somebody_without_rights(open_folder, what))
    assert code == 1, said
    assert "read-only" in said
    assert "give this user the right to write" in said
    assert (open_folder / "syncd.db").read_bytes() == before


def test_a_store_that_became_read_only_during_a_run_is_said(company: Path, tmp_path: Path) -> None:
    """Say, a volume that the system put to read-only after errors."""
    folder = tmp_path / "house"
    shutil.copytree(company, folder)

    def turn(app: App) -> None:
        with sqlite3.connect(f"file:{folder}/syncd.db?mode=ro", uri=True):
            app.store.dispose()
            app.store.pool._creator = lambda *_: sqlite3.connect(f"file:{folder}/syncd.db?mode=ro", uri=True)
            one_run(app)

    code, said = in_a_process(folder, turn, lambda: None)
    assert code == 1, said
    assert "give this user the right to write" in said
    go(folder, one_run)


def test_the_kernel_really_refuses(tmp_path: Path) -> None:
    """The test above would prove nothing if the limit did nothing."""

    def write(_app: App) -> None:
        with (tmp_path / "big").open("wb") as stream:
            stream.write(b"x" * 10_000_000)

    folder = tmp_path / "house"
    folder.mkdir()
    House(folder)
    code, said = in_a_process(folder, write, lambda: files_at_most(8_000_000))
    assert code == 1, said
    assert os.strerror(errno.EFBIG) in said
