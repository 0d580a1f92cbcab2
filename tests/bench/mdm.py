"""Managed app config: literal files beside bare plistlib + zipfile (goal: half its rate, < 150 MB), deltas that cost what
changed, and lint of the worst 64 KiB (goal: under 50 ms)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from connectors.model import Account, Certificate
from mdm.bundle import Order
from mdm.lint import lint
from mdm.model import MAX_BYTES
from mdm.strict import MAX_NODES
from mdm.vendors import VENDORS
from syncd import app_config
from syncd.store.accounts import ingest_accounts, ingest_some
from syncd.store.engine import open_engine, require_current
from tests.bench.measure import in_turn

console = Console(width=110)
Results = list[dict[str, Any]]


def mdm(scratch: Path, *, quick: bool) -> Results:
    """All three."""
    count = 10_000 if quick else 100_000
    return [*_literal(count, rounds=1 if quick else 3), *_delta(scratch, count), *_lint()]


def _literal(count: int, rounds: int) -> Results:
    sides = {
        "ours": ("tests.bench.mdm_ours", str(count)),
        "plistlib + zipfile": ("tests.bench.with_plistlib", str(count)),
    }
    found = in_turn(sides, rounds)
    name = f"mdm, {count:,} literal property lists"
    rates = {side: count / measured.said["seconds"] for side, measured in found.items()}
    told = ", ".join(f"{side} {rates[side]:,.0f}/s, {measured.memory:.0f} MB" for side, measured in found.items())
    console.print(f"[bold]{name}[/]: {told}")
    console.print(f"  {rates['ours'] / rates['plistlib + zipfile']:.2f} of the bare rate\n")
    return [
        {"bench": name, "side": side, "wall": each.wall, "cpu": each.cpu, "memory_mb": each.memory, **each.said}
        for side, each in found.items()
    ]


def _delta(scratch: Path, count: int) -> Results:
    """100 of them change: what a delta costs then, at `count` people and at a tenth of them."""
    results: Results = []
    for size in (count // 10, count):
        taken = _one_delta(scratch / f"mdm-{size}", size)
        told = ", ".join(f"{side} {seconds * 1000:,.1f} ms" for side, seconds in taken.items())
        console.print(f"[bold]mdm, {size:,} people[/]: {told}")
        results += [
            {"bench": f"mdm, {size:,} people", "side": side, "seconds": seconds} for side, seconds in taken.items()
        ]
    console.print()
    return results


def _one_delta(folder: Path, size: int) -> dict[str, float]:
    folder.mkdir()
    store = open_engine(f"sqlite:///{folder}/syncd.db")
    require_current(store)
    people = [Account(f"{number:07d}", f"person{number:07d}@example.com", "Somebody") for number in range(size)]
    ingest_accounts(store, [*people, Certificate(size)])
    order = Order("com.example.app", (), literal=True)
    taken = {"render": _timed(lambda: app_config.render(store, order, folder / "all"))}
    changed = [replace(one, email=f"new{one.fluix_id}@example.com") for one in people[:100]]
    ingest_some(store, [], changed)
    taken["delta of 100"] = _timed(lambda: app_config.delta(store, order, folder / "delta"))
    taken["delta of none"] = _timed(lambda: app_config.delta(store, order, folder / "none"))
    store.dispose()
    return taken


def _lint() -> Results:
    taken = {}
    for name, content in hostile().items():
        assert len(content) <= MAX_BYTES
        runs = [_timed(lambda content=content: lint(content, "f", VENDORS["intune"])) for _ in range(5)]  # type: ignore[misc]
        taken[name] = max(runs)
    worst = max(taken, key=lambda name: taken[name])
    told = ", ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in taken.items())
    console.print(f"[bold]mdm lint, 64 KiB[/]: worst {worst}, {taken[worst] * 1000:.1f} ms\n  ms: {told}\n")
    return [{"bench": "mdm lint, 64 KiB", "side": name, "seconds": seconds} for name, seconds in taken.items()]


def hostile() -> dict[str, bytes]:
    """Files of 64 KiB, each the dearest of its kind."""

    def filled(begin: bytes, piece: bytes, end: bytes) -> bytes:
        return begin + piece * ((MAX_BYTES - len(begin) - len(end)) // len(piece)) + end

    value = b"<dict><key>com.fluix.mdm.userEmail</key><string>{{mail}}</string><key>a</key>"
    keys = b"".join(b"<key>$k%d</key><string>%%x%%</string>" % number for number in range(MAX_NODES // 2 - 10))
    return {
        "depth": filled(value, b"<array>", b""),
        "elements": filled(value + b"<array>", b"<true/>", b"</array></dict>"),
        "as many as may be": value + b"<array>" + b"<true/>" * (MAX_NODES - 9) + b"</array></dict>",
        "keys": (b"<dict>" + keys)[: MAX_BYTES - 7].rpartition(b"<key>")[0] + b"</dict>",
        "comments": filled(b"<dict>", b"<!---->", b"</dict>"),
        "lines": filled(b"<dict>", b"\n", b"</dict>"),
        "one text": filled(value + b"<string>", b"x", b"</string></dict>"),
        "entities": filled(value + b"<string>", b"&#8203;", b"</string></dict>"),
        "braces": filled(value + b"<string>", b"{", b"</string></dict>"),
        "one percent sign": filled(value + b"<string>%", b"x", b"</string></dict>"),
        "percent, then spaces": filled(value + b"<string>%", b" ", b"</string></dict>"),
        "dollars, letters": filled(value + b"<string>$", b"A", b"$</string></dict>"),
        "opened often": filled(value + b"<string>", b"{{a", b"</string></dict>"),
        "percent signs": filled(value + b"<string>", b"%", b"</string></dict>"),
        "percent and spaces": filled(value + b"<string>", b"% ", b"</string></dict>"),
        "dollars": filled(value + b"<string>", b"$A", b"</string></dict>"),
        "double braces": filled(value + b"<string>", b"{{", b"</string></dict>"),
        "data": filled(value + b"<data>", b"QUJD", b"</data></dict>"),
        "digits": filled(value + b"<integer>", b"9", b"</integer></dict>"),
        "attributes": filled(b"<dict", b' a=""', b"/>"),
        "one email": filled(b"<dict><key>com.fluix.mdm.userEmail</key><string>", b"a@", b"</string></dict>"),
        "combining marks": filled(value + b"<string>", "e\u0301".encode(), b"</string></dict>"),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
