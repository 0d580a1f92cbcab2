"""SIGINT and SIGTERM before every few statements of a run: it ends with 130 and without a traceback, and the next goes on."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import App
from syncd.errors import Exit
from syncd.run import run
from syncd.stopper import Stopper
from syncd.store.audit import verify
from syncd.store.journal import Journal
from syncd.sync import Request
from tests.depth import first_of
from tests.faults.processes import go, in_a_process
from tests.house import House, Person, staff

PARTS = 4
STRIDE = 2
DAY_ONE = staff(6)
DAY_TWO = [*DAY_ONE[:5], Person("E100", groups=("Field", "Office"))]


def one_run(app: App) -> None:
    report = run(app.sync(), Request("run"))
    assert report.outcome["failed"] == 0


def stoppable(app: App) -> None:
    """As the command line runs it."""
    stopper = Stopper()
    with stopper.listening():
        report = run(app.sync(critical=stopper.critical), Request("run"))
    assert report.outcome["failed"] == 0


def signalled_at(statement: int) -> None:
    """A signal arrives right before the statement of this number."""
    met = 0

    def before(*_: object) -> None:
        nonlocal met
        met += 1
        if met == statement:
            os.kill(os.getpid(), signal.SIGINT if statement % 2 else signal.SIGTERM)

    event.listen(Engine, "before_cursor_execute", before)


def left_open(app: App) -> list[Any]:
    return Journal(app.store, 0, "test", app.clock).open()


def state(folder: Path) -> Any:
    def look(app: App) -> Any:
        account = app.target()
        assert isinstance(account, EmbeddedAccount)
        assert verify(app.store)[1] is None
        users = account.list_users()
        invited = {user["email"]: len(account.show_user(user["email"])["invitations"]) for user in users}
        return account.dump(), invited

    return go(folder, look)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = House(tmp_path_factory.mktemp("before"))
    house.hire(DAY_ONE)
    go(house.folder, one_run)
    house.hire(DAY_TWO)
    return house.folder


@pytest.mark.parametrize("part", first_of(range(PARTS)))
def test_a_signal_at_any_statement_ends_the_run_calmly_and_the_next_one_goes_on(
    part: int, before: Path, tmp_path: Path
) -> None:
    wanted = tmp_path / "wanted"
    shutil.copytree(before, wanted)
    go(wanted, one_run)
    undisturbed = state(wanted)
    # Opening the store takes some statements as well: the program listens afterwards.
    statement, stopped, code = 20 + part * STRIDE, 0, -1
    while code != 0:
        folder = tmp_path / str(statement)
        shutil.copytree(before, folder)
        code, said = in_a_process(folder, stoppable, partial(signalled_at, statement))
        assert code in {0, Exit.INTERRUPTED}, said
        stopped += code == Exit.INTERRUPTED
        assert not go(folder, left_open), "a batch was torn apart"
        go(folder, one_run)
        assert state(folder) == undisturbed, f"stopped at statement {statement}"
        shutil.rmtree(folder)
        statement += PARTS * STRIDE
    assert stopped > 3
