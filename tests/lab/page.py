"""docs/faults.md, written by the run of the laboratory itself: a plugin of pytest (`-p tests.lab.page`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/faults.md"
PROMISES = (
    "In no cell is anybody deleted whom the same day without the fault would not delete, at any moment.",
    "In no cell is anything done twice: each deed reached the account once, by its own record and by the audit.",
    "In no cell is anything lost: after the next run the account is the same as without the fault, and nothing is left to do.",
    "In every cell the run says what happened, or was killed before it could.",
)
HEAD = """# What happens when something breaks

`make faults` plays a small company's day once for every cell of these tables: with a fault in it, and then without. It wrote this page
itself, and fails where the promise is broken. The day has two joiners, a new address, two moves, and three leavers whose deletion
is due at once; limits that would hold deletions back (budgets, shrinkage) are switched off, so that nothing protects them but the reading
itself. Played {when} with version {version}: {played} of {cells} cells.

{promises}

"Done" counts changes. What the program said stands behind the colon, without names of servers. "Next run" is the first run after the
fault; "held until approved" means that the program asked a person before it went on.
"""
NOT_PLAYED = ("not played", "")
_found: list[Sequence[str]] = []
_failed: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a cell came to; a worker's reports arrive here as well."""
    if report.when == "call":
        _found.extend(value for name, value in report.user_properties if name == "cell")  # type: ignore[misc]
    if report.failed or report.skipped:
        _failed.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page when every cell was played, and none broke the promise."""
    from tests.lab.benches import CELLS

    # That the page is an older one is told by a test of its own: that does not keep it from being written.
    if hasattr(session.config, "workerinput") or any("test_no_cell_breaks_the_promise" in name for name in _failed):
        return
    if len(_found) == len(CELLS):
        PAGE.write_text(page(_found), encoding="utf-8")


def page(found: Iterable[Sequence[str]]) -> str:
    """The page, from cells' outcomes: bench, fault, moment, the run, the next run."""
    from importlib.metadata import version

    from tests.lab.benches import BENCHES, CELLS

    outcomes = {tuple(row[:3]): row[3:] for row in found}
    promises = "\n".join(f"- {promise}" for promise in PROMISES)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    parts = [
        HEAD.format(
            when=today, version=version("fluix-syncd"), played=len(outcomes), cells=len(CELLS), promises=promises
        )
    ]
    for name, bench in BENCHES.items():
        rows = [
            f"| {cell.fault} | {cell.moment} | {' | '.join(map(_cell, outcomes.get((cell.bench, cell.fault, cell.moment), NOT_PLAYED)))} |"
            for cell in CELLS
            if cell.bench == name
        ]
        parts += [
            f"\n## {bench.title}\n\n| fault | moment | the run | next run |\n| --- | --- | --- | --- |\n"
            + "\n".join(rows)
            + "\n"
        ]
    return "".join(parts)


def _cell(text: str) -> str:
    short = text if len(text) <= 160 else f"{text[:159]}…"
    return short.replace("|", "\\|").replace("<", "&lt;")
