"""What every test has."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from syncd.cli import main
from tests.house import Call, House, Ran
from tests.one_parser import one_parser
from tests.stores import copied_upgrades

if TYPE_CHECKING:
    from playwright.sync_api import Browser

one_parser()
copied_upgrades()
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What decides about landing is the same each time; everywhere else new examples are looked for.
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that is skipped for a missing part is a failure where everything should be there (CI=true)."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and with CI=true nothing may be: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks for counter-examples is a search: `make faults` lets all of them look deeper."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("search")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium: one, because a process can have one Playwright at a time."""
    from tests.web_house import CHROMIUM, browser

    if not CHROMIUM:
        pytest.skip("needs chromium")
    with browser() as started:
        yield started


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty company."""
    return House(tmp_path)


@pytest.fixture
def call(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """`call("users", "list")`, in the house's folder and with its configuration: in this process, which is quicker."""
    monkeypatch.chdir(house.folder)
    monkeypatch.setenv("SYNCD_CONFIG", str(house.config))

    def run(*words: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        told = capsys.readouterr()
        return Ran(int(ended.value.code or 0), told.out, told.err)

    return run
