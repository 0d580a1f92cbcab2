"""Whether the web side is well: `/healthz` (this process lives, and all its threads), `/readyz` (it can serve).

Whoever looks is told each check, and what is wrong with it: 503 when anything is. Nothing in it is secret or personal.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from types import MappingProxyType
from typing import Any, Final

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from syncd import log
from syncd.bootstrap import App
from syncd.errors import StoreError
from syncd.store import nodes
from syncd.store.engine import REVISION, fits, revision

THREADS: Final = "syncd threads"
"""Where the application keeps the threads that must live as long as it does."""
_REMEMBERED: Final = 2.0
"""Seconds for which what was found of the disk is believed: whoever asks often costs nothing."""
_PROBE: Final = b"\0" * 65536

Check = Callable[[], str]
"""What is wrong, with its cure; empty when nothing is."""


def watch(web: Flask, thread: Thread) -> None:
    """This thread must live as long as the process."""
    web.extensions.setdefault(THREADS, []).append(thread)


def add_health(web: Flask, app: App) -> None:
    """Serve `/healthz` and `/readyz`."""
    disk = _Remembered(lambda: _disk(app.store))

    @web.get("/healthz")
    def healthz() -> ResponseReturnValue:
        """Whether this process answers, with all its threads."""
        threads: list[Thread] = web.extensions.get(THREADS, [])
        return _answer({"process": "", **{f"thread {one.name}": _alive(one) for one in threads}})

    @web.get("/readyz")
    def readyz() -> ResponseReturnValue:
        """Whether this process can serve: its store answers, is of our version, and can be written."""
        store, version = _store(app.store)
        found = {"config": "", "store": store, "version": version, "disk": disk()}
        if failed := {name: reason for name, reason in found.items() if reason}:
            log.tell("not_ready", failed=list(failed), reasons=list(failed.values()))
        return _answer(found, _leader(app.store) if not store else {})


def _leader(store: Engine) -> dict[str, Any]:
    """Who leads, where several could."""
    if store.dialect.name != "postgresql":
        return {}
    found = nodes.leader(store)
    told = (
        {"holder": found.holder, "since": found.began_at.isoformat(), "seen": found.beat_at.isoformat()}
        if found
        else None
    )
    return {"leader": told}


def _alive(thread: Thread) -> str:
    return "" if thread.is_alive() else "it ended: restart the process"


def _store(store: Engine) -> tuple[str, str]:
    """What is wrong with the store, and with its version."""
    try:
        there = revision(store)
    except StoreError as error:
        return f"{error.what}: {error.cure or 'see the log'}", "the store does not answer"
    if not fits(store, there):
        return "", f"the store is of version {there}, and this program needs {REVISION}: `syncd store upgrade`"
    return "", ""


def _disk(store: Engine) -> str:
    """What is wrong with the disk below the store: a file is written beside it, and taken away."""
    if store.dialect.name != "sqlite" or not store.url.database:
        return ""
    folder = Path(store.url.database).parent
    name = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".syncd-ready-", dir=folder)
        try:
            if os.write(descriptor, _PROBE) < len(_PROBE):
                return "there is no space left: free some"
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"nothing can be written beside the store ({error.strerror}): check its space and rights"
    finally:
        if name:
            with suppress(OSError):
                Path(name).unlink()
    return ""


class _Remembered:
    def __init__(self, check: Check) -> None:
        self._check = check
        self._lock = Lock()
        self._until = 0.0
        self._found = ""

    def __call__(self) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = self._check()
                self._until = time.monotonic() + _REMEMBERED
            return self._found


def _answer(found: Mapping[str, str], more: Mapping[str, Any] = MappingProxyType({})) -> ResponseReturnValue:
    well = not any(found.values())
    checks = {name: {"ok": not reason, **({"reason": reason} if reason else {})} for name, reason in found.items()}
    document: dict[str, Any] = {"status": "ok" if well else "failed", "checks": checks, **more}
    answer = jsonify(document)
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if well else 503
