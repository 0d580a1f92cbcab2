"""Listening to NanoMDM's webhook for a while, so that a push ends with what devices say and not with what was queued.

The web server only takes calls in and puts them on a queue; everything else is done by whoever follows, one after the other.
"""

from __future__ import annotations

import hmac
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mdm.errors import MdmError
from mdm.push.base import State
from mdm.push.track import Delivery, Report
from mdm.push.webhook import MAX_BODY, report_of
from syncd.config_mdm_push import PushWebhookConfig
from syncd.errors import UsageError
from syncd.mdm_push import Pusher
from syncd.mdm_targets import Target
from syncd.store.mdm_deliveries import known

Reports = queue.Queue[Report]


@dataclass(frozen=True, slots=True)
class Listener:
    """What is heard, and where."""

    reports: Reports
    port: int


_READ_SECONDS = 10


def follow(
    pusher: Pusher, target: Target, reports: Reports, seconds: float, *, told: Callable[[str], None] = lambda _: None
) -> None:
    """Take answers in, and send what follows from them, until every place is settled or the time is over.

    What differs or fails is not sent again here: that is the next push's, after somebody looked at it.

    Args:
        pusher: keeps them.
        target: the one that the answers are about.
        reports: where they come from.
        seconds: how long at most.
        told: hears of each place whose state may have changed.
    """
    there = known(pusher.store, target.name)
    waiting = {place for place in target.places if place in there and _is_open(there[place])}
    until = time.monotonic() + seconds
    while waiting and (left := until - time.monotonic()) > 0:
        try:
            report = reports.get(timeout=min(left, 1.0))
        except queue.Empty:
            continue
        after = pusher.hear(target, report)
        if after is None or report.place not in target.places:
            continue
        if _is_open(after) or (after.state is State.ASKED and after.held is not None):
            pusher.push_one(target, report.place)
            after = known(pusher.store, target.name, report.place)[report.place]
        if not _is_open(after):
            waiting.discard(report.place)
        told(report.place)


def _is_open(one: Delivery) -> bool:
    """Whether the device's answer is still to come."""
    return one.state is State.SENT or (one.state is State.ASKED and one.held is None)


@contextmanager
def listening(config: PushWebhookConfig, bundle_id: str) -> Iterator[Listener]:
    """Listen while the block runs.

    Args:
        config: where, and what the address must end with.
        bundle_id: the app whose config is looked for in the answers.

    Raises:
        UsageError: the address cannot be listened on.
    """
    reports: Reports = queue.Queue()
    secret = config.secret.reveal()

    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_POST(self) -> None:
            self.send_response(self._take())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _take(self) -> int:
            if not hmac.compare_digest(self.path.rpartition("/")[2].encode(), secret.encode()):
                return 404
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit():
                return 411
            if int(length) > MAX_BODY:
                return 413
            try:
                report = report_of(self.rfile.read(int(length)), bundle_id)
            except MdmError:
                return 400
            if report is not None:
                reports.put(report)
            return 200

        def log_message(self, *_: object) -> None:
            """Nothing: the address is the secret."""

    host, _, port = config.listen.rpartition(":")
    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        cure = "set `webhook.listen` to a free port of an address of this machine"
        raise UsageError(f"nobody can listen there: {why}", where=config.listen, cure=cure) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Listener(reports, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
