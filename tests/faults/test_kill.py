"""kill -9 at every border of every transaction: the next run heals it; nothing is done twice, nothing is lost.

Borders are the beginning and the end of every write transaction, of the store and of the embedded account: before a commit
everything in it is lost, after it (which is before the next beginning) everything is there.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, event, select

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import App, open_app
from syncd.config import load_config
from syncd.core.approval import Approval, choose
from syncd.run import apply_plan, make_plan, run
from syncd.store import plans
from syncd.store.audit import verify
from syncd.store.engine import reading
from syncd.store.journal import Journal
from syncd.store.tables import accounts, audit, group_links, links, records, sizes
from syncd.sync import Request
from tests.depth import first_of
from tests.faults.processes import Work, go, in_a_process
from tests.house import House, Person, staff

PARTS = 6
"""The borders are dealt out to so many tests; the first part is played by every `make test`."""

LEAVER = staff(8)[-1]
EMAIL = LEAVER.row()[2]
FRIEND = "e003@example.com"
DAY_ONE = staff(8)
DAY_TWO = [
    replace(DAY_ONE[0], email="married@example.com"),
    replace(DAY_ONE[1], groups=("Office",)),
    *DAY_ONE[2:-1],
    Person("E100", "Nu Nguyen", "nu@example.com", ("Field", "Office")),
    Person("E101", "Ola Berg", "ola@example.com"),
]
LIFE = {
    "users": [
        {"email": EMAIL, "name": LEAVER.row()[1], "groups": ["Field"]},
        {"email": "ola@example.com", "name": "Ola", "groups": []},  # there already: adopted on day two
    ],
    "workflows": [{"name": "Permits", "steps": [{"name": "Approve", "users": [EMAIL, FRIEND], "groups": []}]}],
    "documents": [{"title": "Form 7", "state": "draft", "user": EMAIL}],
}
LEAVERS = {
    "grace_days": 0,
    "certified_absences": 1,
    "workflows": "remove_first",
    "documents": {"reassign": FRIEND},
}
State = dict[str, Any]


def state(folder: Path) -> State:
    """What must be the same however often a run was killed on the way; and what must hold in any case."""
    app = open_app(load_config(folder / "config.yaml"))
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    dumped = account.dump()
    shown = [account.show_user(user["email"]) for user in dumped["users"]]
    with reading(app.store) as connection:
        tables = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in (accounts, group_links, links, records, sizes)
        }
        done = Counter(
            (row.action, row.detail["key"])
            for row in connection.execute(select(audit))
            if row.detail.get("state") == "done"
        )
        adopted = Counter(row.subject for row in connection.execute(select(audit).where(audit.c.action == "adopt")))
    assert Journal(app.store, 0, "test", app.clock).open() == []
    assert verify(app.store)[1] is None
    assert set(done.values()) | set(adopted.values()) <= {1}, "something is done twice, by the audit"
    app.store.dispose()
    invited = dict(Counter(invitation["to"] for user in shown for invitation in user["invitations"]))
    return {"account": dumped, "invited": invited, "done": set(done), "adopted": set(adopted), **tables}


def house_of(folder: Path, **settings: Any) -> House:
    """Day one is done, and day two waits: with a deletion that leaves a workflow and gives documents to a colleague."""
    house = House(folder, {"leavers": LEAVERS, **settings})
    house.hire(DAY_ONE)
    app = house.app()
    run(app.sync(), Request("run"))
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    account.load(yaml.safe_load(yaml.safe_dump(LIFE)))
    house.hire(DAY_TWO)
    app.store.dispose()
    return house


def one_run(app: App) -> None:
    report = run(app.sync(), Request("run"))
    assert report.outcome["failed"] == 0, report.applied


def heal(folder: Path) -> None:
    """The next two runs by schedule: the second finds nothing to do."""
    go(folder, one_run)
    assert go(folder, lambda app: run(app.sync(), Request("run"))).plan.changes == ()


def die_at(number: int) -> None:
    """Die at the border of this number (1 is the first), of whatever store."""
    borders = 0

    def border(_connection: object) -> None:
        nonlocal borders
        borders += 1
        if borders == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "begin", border)
    event.listen(Engine, "commit", border)


def killed(folder: Path, at: int, work: Work) -> bool:
    """Whether a process that works died at this border (it does not when there are fewer borders)."""
    code, said = in_a_process(folder, work, lambda: die_at(at))
    assert code in {0, -signal.SIGKILL}, said
    return code != 0


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evening before day two."""
    return house_of(tmp_path_factory.mktemp("before")).folder


@pytest.fixture(scope="module")
def undisturbed(before: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What day two comes to when nobody kills anything."""
    folder = tmp_path_factory.mktemp("undisturbed") / "house"
    shutil.copytree(before, folder)
    heal(folder)
    found = state(folder)
    assert found["invited"]["nu@example.com"] == 1
    assert found["adopted"] == {"people/E101"}
    assert found["account"]["workflows"][0]["steps"][0]["users"] == [FRIEND]
    assert found["account"]["documents"] == [{"title": "Form 7", "state": "draft", "user": FRIEND}]
    assert EMAIL not in {user["email"] for user in found["account"]["users"]}
    return found


@pytest.mark.parametrize("part", first_of(range(PARTS)))
def test_a_run_killed_at_any_border_heals(part: int, before: Path, undisturbed: State, tmp_path: Path) -> None:
    border, died = part + 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(before, folder)
        died = killed(folder, border, one_run)
        heal(folder)
        assert state(folder) == undisturbed, f"killed at border {border}"
        shutil.rmtree(folder)
        border += PARTS
    assert border > 30, "the run had fewer borders than there are steps"


@pytest.mark.parametrize("part", first_of(range(PARTS)))
def test_a_first_run_killed_at_any_border_heals(part: int, tmp_path: Path) -> None:
    """The store is new: making it ready may be killed as well."""
    new = tmp_path / "new"
    new.mkdir()
    House(new).hire(DAY_ONE)
    wanted = tmp_path / "wanted"
    shutil.copytree(new, wanted)
    heal(wanted)
    border, died = part + 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(new, folder)
        died = killed(folder, border, one_run)
        heal(folder)
        assert state(folder) == state(wanted), f"killed at border {border}"
        border += PARTS
    assert border > 20


@pytest.mark.parametrize("part", first_of(range(3)))
def test_a_plan_killed_at_any_border_is_made_by_the_next_call(part: int, before: Path, tmp_path: Path) -> None:
    """And it changes nothing in Fluix, nor what the next plan says."""
    found = []
    border, died = part + 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(before, folder)
        untouched = go(folder, lambda app: app.target().dump())
        died = killed(folder, border, lambda app: make_plan(app.sync(), Request("plan")))
        found.append(go(folder, lambda app: make_plan(app.sync(), Request("plan"))).plan.digest)
        assert go(folder, lambda app: app.target().dump()) == untouched
        border += 3
    assert len(set(found)) == 1
    assert border > 10


@pytest.mark.parametrize("part", first_of(range(7)))
def test_a_run_killed_twice_heals(part: int, before: Path, undisturbed: State, tmp_path: Path) -> None:
    """The healing run is killed, too: while it takes up what the first left open."""
    for first in range(15 + 9 * part, 75, 63):
        for second in (4, 6, 8):
            folder = tmp_path / f"{first}-{second}"
            shutil.copytree(before, folder)
            if killed(folder, first, one_run):
                killed(folder, second, one_run)
            heal(folder)
            assert state(folder) == undisturbed, f"killed at border {first}, and then {second}"
            shutil.rmtree(folder)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The deletion of day two was held, and is approved: folder and number of the plan."""
    house = house_of(tmp_path_factory.mktemp("held"), budgets={"run": {"delete": {"count": 0}}})
    app = house.app()
    report = run(app.sync(), Request("run"))
    assert report.outcome["skipped"] == 1
    now = app.clock()
    approval = Approval(
        report.plan.digest, choose(report.review.decisions), "test", "left", now, now + timedelta(days=3000)
    )
    plans.approve(app.store, report.plan_id, approval)
    app.store.dispose()
    return house.folder, report.plan_id


@pytest.mark.parametrize("part", first_of(range(PARTS)))
@pytest.mark.parametrize("next_call", ["apply", "run"])
def test_an_approved_deletion_killed_at_any_border_is_finished(
    part: int, approved: tuple[Path, int], tmp_path: Path, next_call: str
) -> None:
    """Its saga is gone on with, by the same command or by a run, and no new approval is asked for once it has begun."""
    held, plan_id = approved
    border, died, begun = part + 1, True, 0
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(held, folder)
        died = killed(folder, border, lambda app: apply_plan(held_sync(app), plan_id))
        begun += bool(go(folder, lambda app: Journal(app.store, 0, "test", app.clock).open()))
        if next_call == "run":
            go(folder, lambda app: run(held_sync(app), Request("run")))
        go(folder, lambda app: apply_plan(held_sync(app), plan_id))
        found = state(folder)
        there = {user["email"] for user in found["account"]["users"]}
        assert EMAIL not in there, f"killed at border {border}"
        assert found["account"]["documents"] == [{"title": "Form 7", "state": "draft", "user": FRIEND}]
        assert found["account"]["workflows"][0]["steps"][0]["users"] == [FRIEND]
        shutil.rmtree(folder)
        border += PARTS
    assert begun >= 1, "the saga was never met half-way"


def held_sync(app: App) -> Any:
    """The house's clock stands in 2026: its plans are not to be too old for the real one."""
    return replace(app.sync(), approval_lasts=timedelta(days=3000))
