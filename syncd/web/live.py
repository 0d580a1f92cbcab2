"""How far a run or a what-if is, while it moves: server-sent events (HTML standard, section 9.2), for the console's pages alone.

A stream holds a thread, so it ends after half a minute and the browser comes back; and there are few of them in a process, the
others are told to come later. Who never reads holds nothing longer: all that a stream says fits into buffers, and `server` ends
what nobody takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from threading import BoundedSemaphore, Event
from time import monotonic
from typing import Any, Final

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from syncd.bootstrap import App
from syncd.sayings import Said
from syncd.store import progress, runs, whatifs
from syncd.web.errors import NotFoundError

LASTS: Final = 30.0
"""Seconds."""
STREAMS: Final = 4
"""Never more in a process; and never more than half of its threads."""
_EVERY: Final = 0.5
_SIGN_OF_LIFE: Final = 10.0
_COME_BACK: Final = "15"


def add_live(console: Blueprint, app: App) -> None:
    """Serve the streams, to who is logged in."""
    places = BoundedSemaphore(max(1, min(STREAMS, app.config.serve.threads // 2)))

    def stream(told: Iterator[str]) -> ResponseReturnValue:
        if not places.acquire(blocking=False):
            busy = Response("others are watching: come back a little later\n", HTTPStatus.SERVICE_UNAVAILABLE)
            busy.headers["Retry-After"] = _COME_BACK
            return busy
        answer = Response(told, content_type="text/event-stream")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"
        answer.call_on_close(places.release)
        return answer

    @console.get("/runs/<int:run_id>/live")
    def live_run(run_id: int) -> ResponseReturnValue:
        if runs.find(app.store, run_id) is None:
            raise NotFoundError(Said("there is no run r%(run_id)s", run_id=run_id))
        return stream(_told(lambda: _of(app, run_id), lambda said: said["state"] != "running"))

    @console.get("/whatif/<int:number>/live")
    def live_whatif(number: int) -> ResponseReturnValue:
        def look() -> dict[str, Any]:
            found = whatifs.find(app.store, number, app.clock())
            return {"state": found.state if found else "gone"}

        return stream(_told(look, lambda said: said["state"] not in whatifs.OPEN))

    @console.get("/runs/live")
    def live_runs() -> ResponseReturnValue:
        """What runs now; it ends when that is another run than the page has seen."""
        seen = request.args.get("seen", 0, type=int)
        return stream(_told(lambda: _now(app), lambda said: said["run_id"] != seen))


def _told(look: Callable[[], dict[str, Any]], ended: Callable[[dict[str, Any]], bool]) -> Iterator[str]:
    yield "retry: 1000\n\n"
    until, spoken, before = monotonic() + LASTS, monotonic(), None
    pause = Event()
    while monotonic() < until:
        said = look()
        if said != before:
            yield f"data: {orjson.dumps(said).decode()}\n\n"
            before, spoken = said, monotonic()
        elif monotonic() - spoken > _SIGN_OF_LIFE:
            yield ": still there\n\n"
            spoken = monotonic()
        if ended(said):
            yield "event: end\ndata: {}\n\n"
            return
        pause.wait(_EVERY)


def _of(app: App, run_id: int) -> dict[str, Any]:
    row = runs.find(app.store, run_id)
    stage = progress.find(app.store, run_id)
    return {
        "run_id": run_id,
        "state": row.state if row else "gone",
        "stage": stage.stage if stage else None,
        "count": f"{stage.count:,}" if stage else None,
        "share": stage.count / stage.total if stage and stage.total else None,
    }


def _now(app: App) -> dict[str, Any]:
    row = runs.under_way(app.store)
    return _of(app, row.id) if row else {"run_id": 0, "state": "", "stage": None, "count": None, "share": None}
