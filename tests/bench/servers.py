"""Servers for the web side, beside each other: the same application and store, one process with four threads each.

Asked by six connections; then by one while 200 connections have sent half a request and say no more.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice, repeat
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from syncd.bootstrap import App, open_app
from syncd.config import load_config
from tests.bench.scim_load import Connection, load

KINDS = ("waitress", "gunicorn", "granian")
ROUNDS = 3
SLOW = 200
CONFIG = (
    "version: 1\nstore: sqlite:///syncd.db\nsources: [{name: okta, type: scim_push, rate_limit: null, log: none}]\n"
)


def app_of(config: Path) -> App:
    """The program on this configuration."""
    return open_app(load_config(config))


def serve(kind: str, config: str, port: int) -> None:
    """In a process of its own: answer until it is killed."""
    from syncd.web.app import web_app

    if kind == "granian":
        from granian import Granian
        from granian.constants import Interfaces

        os.environ["SYNCD_CONFIG"] = config
        Granian(
            "tests.bench.servers:granian_app",
            "127.0.0.1",
            port,
            interface=Interfaces.WSGI,
            workers=1,
            blocking_threads=4,
            log_enabled=False,
            factory=True,
        ).serve()
    elif kind == "waitress":
        from syncd.web.server import Answering

        listener = socket.create_server(("127.0.0.1", port), backlog=512)
        Answering(web_app(app_of(Path(config))), listener, 4, None, 5).stay(lambda: True)
    else:
        from gunicorn.app.base import BaseApplication

        class Server(BaseApplication):  # type: ignore[misc]
            def load_config(self) -> None:
                settings = {"bind": f"127.0.0.1:{port}", "worker_class": "gthread", "workers": 1, "threads": 4}
                for name, value in {**settings, "loglevel": "error", "control_socket_disable": True}.items():
                    self.cfg.set(name, value)

            def load(self) -> Any:
                return web_app(app_of(Path(config)))

        Server().run()


def granian_app() -> Any:
    """What granian's own process calls."""
    from syncd.web.app import web_app

    return web_app(app_of(Path(os.environ["SYNCD_CONFIG"])))


@contextmanager
def served(kind: str, config: Path) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    call = [sys.executable, "-c", f"from tests.bench.servers import serve; serve({kind!r}, {str(config)!r}, {port})"]
    process = subprocess.Popen(call, process_group=0)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                Connection(port).ask("GET", "/readyz")
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield port, process.pid
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def memory_of(pid: int) -> float:
    """MB of a process and what it started, each shared page counted once (PSS)."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    ours = {pid}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    total = 0
    for one in ours:
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        total += int(rollup.partition("\nPss:")[2].split()[0])
    return total / 1024


def answered_beside_slow(port: int) -> int:
    """How many of ten requests are answered within five seconds."""
    done = 0
    with ExitStack() as stack:
        for _ in range(SLOW):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        end = time.monotonic() + 5
        for _ in range(10):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=max(end - time.monotonic(), 0.1)) as one:
                    one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    done += one.recv(20).startswith(b"HTTP/1.1 200")
            except OSError:
                break
    return done


def servers(scratch: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The three, in turn (goal: slow connections keep nobody waiting)."""
    folder = scratch / "servers"
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    token = _token(folder)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    count = 500 if quick else 3000
    for _ in range(1 if quick else ROUNDS):
        for kind in KINDS:
            with served(kind, config) as (port, pid):
                plain = load(port, islice(repeat(("GET", "/healthz", b"")), count))
                Connection.headers = f"Authorization: Bearer {token}\r\n"
                scim = load(port, islice(repeat(("GET", "/scim/v2/okta/Users?count=1", b"")), count))
                row = {"healthz": plain.per_second, "scim": scim.per_second, "p99": scim.p99_ms}
                assert set(scim.statuses) == {200}, scim.statuses
                row |= {"mb": memory_of(pid), "answered": answered_beside_slow(port)}
                found[kind].append(row)
    table = Table(
        "server",
        "/healthz a second",
        "SCIM GET a second",
        "p99 ms",
        "MB",
        f"answered beside {SLOW} slow",
        title="servers",
        title_justify="left",
    )
    results = []
    for kind, rows in found.items():
        middle = {key: median(row[key] for row in rows) for key in rows[0]}
        table.add_row(
            kind,
            f"{middle['healthz']:,.0f}",
            f"{middle['scim']:,.0f}",
            f"{middle['p99']:.1f}",
            f"{middle['mb']:.0f}",
            f"{middle['answered']:.0f} of 10",
        )
        results.append({"bench": "servers", "side": kind, **middle})
    Console(width=110).print(table)
    return results


def _token(folder: Path) -> str:
    call = [
        sys.executable,
        "-m",
        "syncd",
        "token",
        "create",
        "--tenant",
        "okta",
        "--json",
        "--config",
        str(folder / "config.yaml"),
    ]
    return str(json.loads(subprocess.run(call, capture_output=True, check=True).stdout)["token"])
