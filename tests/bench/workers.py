"""Apply with 1, 2 and 4 workers where the target is the bottleneck, and how soon another machine leads when one is lost.

Goals: at least 1.8 times as fast with 2 workers as with 1, at a target that answers in 20 ms; another one runs within 10 s.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from rich.console import Console

from syncd.core.report import Applied
from syncd.run import apply_plan, make_plan
from syncd.sharing import apply_shared
from syncd.store.lock import run_lock
from syncd.sync import Request
from tests.house import House, staff
from tests.nodes import fail_over, lost_and_doubled
from tests.postgres import postgres
from tests.scim_services import TOKEN
from tests.workers import working

ROOT = Path(__file__).parents[2]
ANSWERS_IN = 0.02
console = Console(width=110)


SERVICE = f"""
import sys, time
from tests.scim_services import OurService, our_service
answer = OurService.answer
def slowly(self, asked):
    time.sleep({ANSWERS_IN})
    return answer(self, asked)
OurService.answer = slowly
with our_service() as service:
    print(service.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def slow_service() -> Iterator[str]:
    """Answers any number of requests at once, each in its time; a process of its own, as a service is. Gives its address."""
    call = [sys.executable, "-c", SERVICE]
    process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=10)


def workers(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """New people into a SCIM endpoint that takes 20 ms for each answer."""
    people = 100 if quick else 400
    took: dict[int, list[tuple[float, float]]] = {count: [] for count in (0, 1, 2, 4)}
    for number in range(1 if quick else 3):
        for count, seconds in took.items():
            seconds.append(_applied(scratch / f"workers-{count}-{number}", people, count))
    found = {count: median(step for step, _ in seconds) for count, seconds in took.items()}
    whole = {count: median(call for _, call in seconds) for count, seconds in took.items()}
    console.print(f"[bold]{people} people into a target that answers in {ANSWERS_IN * 1000:.0f} ms[/]")
    for count, step in found.items():
        who = f"{count} workers" if count else "the run by itself"
        speed = f"{people / step:.0f} a second, {found[1] / step:.2f} x one worker"
        console.print(f"  {who}: applied in {step:.1f} s, {speed}; the whole call {whole[count]:.1f} s")
    console.print()
    return [
        {"bench": "workers", "side": str(count), "seconds": step, "whole_s": whole[count]}
        for count, step in found.items()
    ]


def _applied(folder: Path, people: int, count: int) -> tuple[float, float]:
    """Seconds of the step that applies, and of the whole call: afterwards it reads by itself what was changed."""
    steps: list[float] = []

    def timed(*told: Any) -> Applied:
        began = time.perf_counter()
        applied = apply_shared(*told)
        steps.append(time.perf_counter() - began)
        return applied

    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    with slow_service() as url, ExitStack() as stack:
        target = {"type": "scim", "url": url, "auth": {"token": {"file": "token"}}}
        house = House(folder, {"store": postgres().new_store(), "target": target})
        house.hire(staff(people))
        app = house.app()
        for _ in range(count):
            stack.enter_context(working(house))
        with run_lock(app.store, "syncd run", app.clock()) as store:
            plan = make_plan(app.on(store).sync(), Request("plan"))
            began = time.perf_counter()
            with patch("syncd.run.apply_shared", timed):
                report = apply_plan(app.on(store).sync(), plan.plan_id)
            took = time.perf_counter() - began
        assert report.outcome["done"] == people + 1, report.outcome
        app.store.dispose()
    return steps[0], took


def failover(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The leader is killed with all its processes, again and again; until another one led and ran what was due."""
    folder = scratch / "failover"
    folder.mkdir()
    serve = {"listen": "127.0.0.1:0", "workers": 1}
    house = House(folder, {"store": postgres().new_store(), "serve": serve, "schedule": {"every": "2s"}})
    house.hire(staff(5))
    store = house.app().store
    with ExitStack() as stack:
        took = fail_over(house, store, stack, 3 if quick else 100)
    lost, doubled = lost_and_doubled(store)
    store.dispose()
    console.print(
        f"[bold]failover[/]: {len(took)} times; another one had begun what was due after {median(took):.1f} s (median), "
        f"{max(took):.1f} s (worst); {len(lost)} runs lost, {len(doubled)} doubled\n"
    )
    return [{"bench": "failover", "side": "ours", "median_s": median(took), "worst_s": max(took)}]
