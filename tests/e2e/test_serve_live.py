"""Streams of server-sent events whose reader is stalled: a real socket with a small buffer that is never read."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from syncd.store.engine import writing
from syncd.web.access import sessions, users
from syncd.web.roles import Role
from tests.house import House, staff
from tests.serving import PATIENCE, serving, until

LATER = """
import syncd.cli.serve as serve
answer = serve._answer
def changed(*args):
    import itertools, syncd.web.live as live, syncd.web.server as server
    numbers = itertools.count()
    {changes}
    answer(*args)
serve._answer = changed
"""
ENDS = LATER.format(changes="live.LASTS = 2.0")
"""A stream that ends after its time."""
FLOODS = LATER.format(
    changes="server.IDLE, live.LASTS, live._EVERY = 2, 600.0, 0.0; "
    "live._now = lambda app: dict(run_id=0, state='x' * 500_000, stage=next(numbers))"
)
"""A stream that says more than all buffers hold, so that a thread waits for its reader."""


def stalled(url: str, cookie: str) -> socket.socket:
    """Somebody who asks for a stream, and never reads."""
    asked = socket.socket()
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    address = urlsplit(url)
    asked.connect((address.hostname or "", address.port or 0))
    asked.settimeout(PATIENCE)
    asked.sendall(f"GET /console/runs/live HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
    return asked


@pytest.mark.parametrize("before", [ENDS, FLOODS], ids=["says little", "says more than fits"])
def test_who_never_reads_holds_no_thread_for_ever(house: House, before: str) -> None:
    house.configure(serve={"listen": "127.0.0.1:0", "threads": 4}, schedule={"every": "1h"})
    house.hire(staff(2))
    store, now = house.app().store, datetime.now(UTC)
    with writing(store) as connection:
        maria = users.add(connection, "maria", Role.VIEWER, now, issuer="x", subject="1")
        key = sessions.begin(connection, maria, now, address="127.0.0.1", agent="test")
    cookie = f"syncd={key}"

    def status(seconds: float = 10) -> int:
        with httpx.stream("GET", f"{url}/console/runs/live", headers={"Cookie": cookie}, timeout=seconds) as answer:
            return answer.status_code

    with ExitStack() as stack:
        daemon = stack.enter_context(serving(house, before=before))
        url = daemon.url
        until(daemon.well)
        for _ in range(2):
            stack.enter_context(stalled(url, cookie))
        until(lambda: status() == 503)
        assert all(daemon.well() for _ in range(5)), "others are answered meanwhile"
        until(lambda: status() == 200)
        assert daemon.well()
    store.dispose()
