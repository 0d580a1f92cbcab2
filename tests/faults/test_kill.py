"""kill -9 at every border of every transaction: the next run heals it; nothing is done twice, nothing is lost."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.fluix.account import EmbeddedAccount
from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.run import apply_plan, run
from syncd.store.audit import verify
from syncd.store.journal import Journal
from syncd.sync import Request
from tests.house import House, Person, staff

ROOT = Path(__file__).parent.parent.parent
VICTIM = Path(__file__).with_name("victim.py")
PARTS = 8
"""The borders are dealt out to so many tests, which run side by side."""

DAY_ONE = staff(24)
DAY_TWO = [
    replace(DAY_ONE[0], email="married@example.com"),
    replace(DAY_ONE[1], groups=("Office",)),
    *DAY_ONE[2:-1],
    Person("E100", "Nu Nguyen", "nu@example.com", ("Field", "Office")),
]
LEAVER = DAY_ONE[-1]
LIFE = {
    "users": [{"email": LEAVER.row()[2], "name": LEAVER.row()[1], "groups": ["Field"]}],
    "workflows": [
        {
            "name": "Permits",
            "steps": [{"name": "Approve", "users": [LEAVER.row()[2], "e003@example.com"], "groups": []}],
        }
    ],
    "documents": [{"title": "Form 7", "state": "draft", "user": LEAVER.row()[2]}],
}


def state(config: Path) -> dict[str, Any]:
    """What must be the same however often a run was killed on the way."""
    app = open_app(load_config(config))
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    dumped = account.dump()
    invited = Counter(
        invitation["to"] for user in dumped["users"] for invitation in account.show_user(user["email"])["invitations"]
    )
    left = Journal(app.store, 0, "test", app.clock).open()
    chain = verify(app.store)
    app.store.dispose()
    assert left == []
    assert chain[1] is None
    return {"account": dumped, "invited": dict(invited)}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Day one is done, and day two waits: with a deletion that leaves a workflow and gives documents to a colleague."""
    folder = tmp_path_factory.mktemp("before")
    leavers = {
        "grace_days": 0,
        "certified_absences": 1,
        "workflows": "remove_first",
        "documents": {"reassign": "e003@example.com"},
    }
    house = House(folder, {"leavers": leavers})
    house.hire(DAY_ONE)
    app = house.app()
    run(app.sync(), Request("run"))
    account = app.target()
    assert isinstance(account, EmbeddedAccount)
    account.load(yaml.safe_load(yaml.safe_dump(LIFE)))
    house.hire(DAY_TWO)
    app.store.dispose()
    return folder


@pytest.fixture(scope="module")
def undisturbed(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What day two comes to when nobody kills anything."""
    folder = tmp_path_factory.mktemp("undisturbed") / "house"
    shutil.copytree(before, folder)
    heal(folder)
    found = state(folder / "config.yaml")
    assert LEAVER.row()[2] not in {user["email"] for user in found["account"]["users"]}
    assert {"title": "Form 7", "state": "draft", "user": "e003@example.com"} in found["account"]["documents"]
    return found


def heal(folder: Path) -> None:
    """A run as it comes next by schedule."""
    app = open_app(load_config(folder / "config.yaml"))
    report = run(app.sync(), Request("run"))
    app.store.dispose()
    assert report.outcome["failed"] == 0, report.applied


def killed(config: Path, border: int, *command: str) -> bool:
    """Run the victim; whether it died (it does not when there are fewer borders)."""
    call = [sys.executable, str(VICTIM), str(config), str(border), *command]
    done = subprocess.run(call, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_killed_at_any_border_heals(part: int, before: Path, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    border, died = part + 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(before, folder)
        died = killed(folder / "config.yaml", border, "run")
        heal(folder)
        assert state(folder / "config.yaml") == undisturbed, f"killed at border {border}"
        border += PARTS
    assert border > 2 * PARTS, "the run had fewer borders than there are steps"


def test_an_approved_plan_killed_at_any_border_is_finished_by_the_next_run(before: Path, tmp_path: Path) -> None:
    """The deletion was approved, and its saga is gone on with: no new approval is asked for."""
    held = tmp_path / "held"
    shutil.copytree(before, held)
    settings = yaml.safe_load((held / "config.yaml").read_text())
    settings["budgets"] = {"run": {"delete": {"count": 0}}}
    (held / "config.yaml").write_text(yaml.safe_dump(settings))
    app = open_app(load_config(held / "config.yaml"))
    from syncd.core.approval import Approval, choose
    from syncd.store import plans

    report = run(app.sync(), Request("run"))
    keys = choose(report.review.decisions)
    now = app.clock()
    approval = Approval(report.plan.digest, keys, "test", "left", now, now + app.sync().approval_lasts)
    plans.approve(app.store, report.plan_id, approval)
    app.store.dispose()
    border, died = 1, True
    while died:
        folder = tmp_path / str(border)
        shutil.copytree(held, folder)
        died = killed(folder / "config.yaml", border, "apply", str(report.plan_id))
        app = open_app(load_config(folder / "config.yaml"))
        apply_plan(app.sync(), report.plan_id)
        app.store.dispose()
        found = state(folder / "config.yaml")["account"]
        assert LEAVER.row()[2] not in {user["email"] for user in found["users"]}, f"killed at border {border}"
        assert {"title": "Form 7", "state": "draft", "user": "e003@example.com"} in found["documents"]
        border += 1
