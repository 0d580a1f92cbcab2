"""A company in a temporary folder: its directory as CSV, its configuration, and the program run on it as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from syncd.bootstrap import App, open_app
from syncd.config import load_config
from tests.forking import ROOT, begin, suits
from tests.postgres import postgres

COLUMNS = {
    "id": "Employee",
    "display_name": "User Name",
    "email": "Email",
    "groups": "Group Name",
    "active": "Active",
    "manager": "Manager",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the directory."""

    id: str
    name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ("Field",)
    active: str = "yes"
    manager: str = ""

    def row(self) -> list[str]:
        """As the CSV has it."""
        name, email = self.name or f"Person {self.id}", self.email or f"{self.id.lower()}@example.com"
        return [self.id, name, email, ";".join(self.groups), self.active, self.manager]


def staff(count: int, **same: Any) -> list[Person]:
    """E001, E002, …"""
    return [Person(f"E{number:03d}", **same) for number in range(1, count + 1)]


@dataclass
class Clock:
    """A clock that tests turn."""

    now: datetime = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """A moment later each time, as clocks do."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **delta: float) -> None:
        """Let time pass."""
        self.now += timedelta(**delta)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a call of the program came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def store_address() -> str:
    """A new store's address: SQLite's in the company's folder, or a database of a real PostgreSQL (SYNCD_TEST_STORE=postgresql)."""
    if os.environ.get("SYNCD_TEST_STORE") != "postgresql":
        return "sqlite:///syncd.db"
    return postgres().new_store()


Call = Callable[..., Ran]
"""The program, called with these words."""


@dataclass
class House:
    """One company, one configuration, one store."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        source = {
            "name": "people",
            "type": "csv",
            "path": "people.csv",
            "groups_separator": ";",
            "settle_seconds": 0,
            "columns": COLUMNS,
        }
        defaults = {
            "version": 1,
            "store": store_address(),
            "sources": [source],
            "leavers": {"grace_days": 0, "certified_absences": 1},
        }
        self.settings = {**defaults, **self.settings}
        self.configure()

    @property
    def config(self) -> Path:
        """The configuration's file."""
        return self.folder / "config.yaml"

    @property
    def people(self) -> Path:
        """The directory's file."""
        return self.folder / "people.csv"

    def configure(self, **settings: Any) -> None:
        """Write the configuration, with some settings changed."""
        self.settings.update(settings)
        self.config.write_text(yaml.safe_dump(self.settings, allow_unicode=True), encoding="utf-8")

    def hire(self, people: Iterable[Person], extra_rows: Iterable[list[str]] = ()) -> None:
        """Write the whole directory."""
        with self.people.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS.values())
            writer.writerows([person.row() for person in people])
            writer.writerows(extra_rows)

    def app(self) -> App:
        """The program's parts, with the house's clock."""
        return open_app(load_config(self.config), self.clock)

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the program's process finds in its environment."""
        return {**os.environ, "SYNCD_CONFIG": str(self.config), **(env or {}), "PYTHONPATH": str(ROOT)}

    def syncd(self, *args: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run the program in a process of its own."""
        environment = self.environment(env)
        if suits(environment):
            program = begin(args, self.folder, environment)
            ran = Ran(program.wait(), *program.said())
        else:
            ran = self.started(*args, env=env)
        assert "Traceback" not in ran.err, ran.err
        return ran

    def started(self, *args: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run the program as a shell does: with a Python that starts for it."""
        done = subprocess.run(
            [sys.executable, "-m", "syncd", *args],
            cwd=self.folder,
            env=self.environment(env),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)
