"""`account`: what an admin does in an embedded account of 100,000 users in 5 groups each.

Goals: a page of the list, a search and a user's details under 50 ms each at p95; an export of 200,000 rows a second, reading
included; an import's preview of 50,000 rows a second; an import of 50,000 users as one transaction.
"""

from __future__ import annotations

import csv
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import Engine, insert

from connectors.fluix.account import EmbeddedAccount, account_metadata
from connectors.fluix.account.admin.lists import Filter
from connectors.fluix.account.tables import activity, devices, groups, mails, memberships, users
from connectors.fluix.csv_files import HEADER, read_import
from syncd.store.engine import open_engine

console = Console(width=110)
NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
GROUPS, EACH = 500, 5

FIRST = ("Anna", "Bob", "Zoë", "Muhammad", "Chloé", "Ida", "Jürgen", "Li", "Olga", "Petra")
LAST = ("Berg", "Müller", "Nguyen", "Smith", "Kowalski", "García", "Ivanova", "Okafor", "Tanaka", "Rossi")


def account(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """Build the account once, then ask it."""
    count = 10_000 if quick else 100_000
    engine = open_engine(f"sqlite:///{scratch / 'account.db'}")
    account_metadata.create_all(engine)
    fill(engine, count)
    target = EmbeddedAccount(engine, lambda: NOW)
    console.print(f"[bold]account, {count:,} users in {EACH} groups each[/]")
    results = [*_questions(target, count, rounds=20 if quick else 60), *_files(target, scratch, count)]
    engine.dispose()
    console.print()
    return results


def address(number: int) -> str:
    """In no order that the store has."""
    return f"{random.Random(number).randrange(10**6):06d}.person{number}@field{number % 50}.example.com"


def fill(engine: Engine, count: int) -> None:
    """Users, groups, memberships, a mail, a device and three entries of activity each, by plain inserts."""
    dice = random.Random(1)
    numbers = range(1, count + 1)

    def user(number: int) -> dict[str, Any]:
        name, email = f"{dice.choice(FIRST)} {dice.choice(LAST)} {number}", address(number)
        login = None if number % 10 == 0 else NOW - timedelta(hours=number % 2000)
        return {
            "user_id": number,
            "account": "main",
            "email": email,
            "email_key": email,
            "name": name,
            "name_key": name.casefold(),
            "state": "active" if login else "invited",
            "created_at": NOW,
            "role": "Manager" if number % 1000 == 0 else "",
            "owner": number == 1,
            "last_login_at": login,
        }

    with engine.begin() as connection:
        connection.execute(insert(users), [user(number) for number in numbers])
        teams = [
            {"group_id": n, "account": "main", "name": f"Group {n}", "name_key": f"group {n}"}
            for n in range(1, GROUPS + 1)
        ]
        connection.execute(insert(groups), teams)
        for begin in range(1, count + 1, 10_000):
            some = range(begin, min(begin + 10_000, count + 1))
            there = [
                {"user_id": n, "group_id": g} for n in some for g in sorted(dice.sample(range(1, GROUPS + 1), EACH))
            ]
            connection.execute(insert(memberships), there)
            happened = [
                {
                    "account": "main",
                    "at": NOW - timedelta(minutes=n % 5000),
                    "user_id": n,
                    "kind": "added",
                    "text": address(n),
                }
                for n in some
            ]
            connection.execute(insert(activity), happened * 3)
            sent = [
                {
                    "account": "main",
                    "user_id": n,
                    "kind": "invitation",
                    "email": address(n),
                    "subject": "",
                    "text": "",
                    "state": "sent",
                    "tries": 1,
                    "queued_at": NOW,
                }
                for n in some
            ]
            connection.execute(insert(mails), sent)
            known = [
                {
                    "user_id": n,
                    "identifier": "i",
                    "name": "iPad",
                    "platform": "iPadOS",
                    "app_version": "1",
                    "signed_in_at": NOW,
                    "seen_at": NOW,
                }
                for n in some
            ]
            connection.execute(insert(devices), known)


def _questions(target: EmbeddedAccount, count: int, rounds: int) -> list[dict[str, Any]]:
    dice = random.Random(2)
    pages = -(-count // 50)

    def page(wanted: Filter, number: int = 1) -> None:
        target.page_of_users(wanted, number, 50)

    asked: dict[str, Callable[[], object]] = {
        "list, any page": lambda: page(Filter(), dice.randint(1, pages)),
        "search, many found": lambda: page(Filter(search=dice.choice(LAST))),
        "search, few found": lambda: page(Filter(search=f"person{dice.randint(1, count)}@")),
        "search, none found": lambda: page(Filter(search="nobody at all")),
        "state": lambda: page(Filter(state=dice.choice(["invited", "active"]))),
        "group": lambda: page(Filter(group=f"Group {dice.randint(1, GROUPS)}")),
        "last login": lambda: page(Filter(last_login=dice.choice(["day", "month", "never"]))),
        "role": lambda: page(Filter(role="manager")),
        "refused": lambda: page(Filter(refused=True)),
        "details": lambda: target.show_user(address(dice.randint(1, count))),
    }
    return [_timed(name, ask, rounds) for name, ask in asked.items()]


def _timed(name: str, ask: Callable[[], object], rounds: int) -> dict[str, Any]:
    ask()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    console.print(f"  {name:<20} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms")
    return {"bench": "account", "side": name, "p50_ms": p50, "p95_ms": p95}


def _files(target: EmbeddedAccount, scratch: Path, count: int) -> list[dict[str, Any]]:
    exported = scratch / "exported.csv"
    began = time.perf_counter()
    with exported.open("w", encoding="utf-8", newline="") as stream:
        assert target.export_users(stream) == count
    results = [_rate("export", count * EACH, time.perf_counter() - began)]

    began = time.perf_counter()
    rows = read_import(exported, target.addresses())
    assert {row.verdict for row in rows} == {"exists"}
    assert len(rows) == count
    results.append(_rate("preview, 5 rows each", count * EACH, time.perf_counter() - began))

    file = scratch / "new.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows((f"New {n}", f"new{n}@example.com", f"Group {n % GROUPS + 1}") for n in range(count))
    began = time.perf_counter()
    rows = read_import(file, target.addresses())
    assert {row.verdict for row in rows} == {"new"}
    results.append(_rate("preview, 1 row each", count, time.perf_counter() - began))

    half = count // 2
    began = time.perf_counter()
    assert target.import_users(rows[:half]) == half
    results.append(_rate("import", half, time.perf_counter() - began))
    return results


def _rate(name: str, rows: int, seconds: float) -> dict[str, Any]:
    console.print(
        f"  {name:<20} {rows / seconds:,.0f} rows/s ({rows:,} rows in {seconds:.2f} s, load {os.getloadavg()[0]:.1f})"
    )
    return {"bench": "account", "side": name, "rows_per_second": rows / seconds, "seconds": seconds}
