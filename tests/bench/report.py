"""What was measured, as one report: JSON for programs, and a page with charts that needs nothing else.

`python -m tests.bench.report [FILE.json]` makes the page anew from a report.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from tests.bench.charts import lines
from tests.bench.goals import met

FILE = Path("bench-report.json")
PACKAGES = (
    "fluix-syncd",
    "deepdiff",
    "diffsync",
    "granian",
    "ldap3",
    "orjson",
    "polars",
    "pydantic",
    "scim2-server",
    "sqlalchemy",
)
"""Whose versions a reader wants to know: ours, the peers', and what both rest on."""
HIDDEN = {"bench", "side"}
FIRST = ("seconds", "median_ms", "p95_ms", "per_second", "memory_mb", "cpu")
"""The numbers that are asked for first, in this order."""

Row = Mapping[str, Any]


def surroundings() -> dict[str, Any]:
    """Where and with what it was measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def write(results: Sequence[Row], *, keep: bool, file: Path = FILE) -> Path:
    """Write both forms.

    Args:
        results: the rows of this run.
        keep: rows of benches that were not run now stay, from the report that is there.
        file: where the JSON goes; the page stands beside it.

    Returns:
        the page.
    """
    now = surroundings()
    rows = [{**row, "measured": now["date"]} for row in results]
    if keep and file.exists():
        benches = {row["bench"] for row in rows}
        rows = [
            row for row in json.loads(file.read_text(encoding="utf-8"))["results"] if row["bench"] not in benches
        ] + rows
    report = {"machine": now, "results": rows}
    file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    to = file.with_suffix(".html")
    to.write_text(page(report), encoding="utf-8")
    return to


def page(report: Mapping[str, Any]) -> str:
    """The page: goals, growth, and everything that was measured."""
    rows = report["results"]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("report.html")
    return template.render(machine=report["machine"], goals=met(rows), growth=_growth(rows), benches=_benches(rows))


def _growth(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Benches that were run at several sizes: time and memory against how many, and what the largest costs more."""
    found: dict[str, dict[str, dict[float, Row]]] = {}
    for row in rows:
        if (many := re.search(r"\d[\d,]*(?= people| changes| deletions)", row["bench"])) and row.get("side"):
            name = row["bench"].replace(many[0], "N")
            found.setdefault(name, {}).setdefault(row["side"], {})[float(many[0].replace(",", ""))] = row
    charts = []
    for name, sides in found.items():
        for number, unit, what in (("seconds", "s", "time"), ("memory_mb", "MB", "memory")):
            series = {
                side: [(many, row[number]) for many, row in sorted(of.items()) if row.get(number)]
                for side, of in sides.items()
            }
            series = {side: points for side, points in series.items() if len(points) > 1}
            if series:
                told = {side: _times(points) for side, points in series.items()}
                charts.append({"name": name, "what": what, "told": told, "chart": Markup(lines(series, unit))})  # noqa: S704 - made by us
    return charts


def _times(points: Sequence[tuple[float, float]]) -> str:
    (few, less), (many, more) = points[0], points[-1]
    return f"× {more / less:.3g} for × {many / few:.3g}"


def _benches(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every bench with its sides; the first number as bars beside each other."""
    benches = []
    for name in dict.fromkeys(row["bench"] for row in rows):
        of = [row for row in rows if row["bench"] == name]
        numbers = list(dict.fromkeys(key for row in of for key, value in row.items() if isinstance(value, int | float)))
        numbers.sort(key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
        first = next((key for key in numbers if key in FIRST), numbers[0] if numbers else "")
        most = max((row.get(first) or 0 for row in of), default=0) or 1
        sides = [
            {
                "name": row.get("side", ""),
                "part": 100 * (row.get(first) or 0) / most,
                "values": [_told(row.get(key)) for key in numbers],
            }
            for row in of
        ]
        benches.append({"name": name, "numbers": [key.replace("_", " ") for key in numbers], "sides": sides})
    return benches


def _told(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    given.with_suffix(".html").write_text(page(json.loads(given.read_text(encoding="utf-8"))), encoding="utf-8")
