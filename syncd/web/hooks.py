"""`POST /hooks/run/SOURCE`: a signed call by which an HR system or a script asks that a source be read now.

The caller signs time and body: HMAC-SHA256 over `TIMESTAMP.BODY` with the secret that both know, as hex in `X-Syncd-Signature`;
the time in `X-Syncd-Timestamp`, in seconds since 1970. A call older or newer than five minutes, one that was taken before, and
one with a wrong signature are refused with 401, and who sends many of these has to wait (429). What a call asks for is a wish
(`store/wishes`): the daemon performs it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from syncd.bootstrap import App
from syncd.secrets import Secret, SecretError
from syncd.store import hook_calls, wishes
from syncd.store.wishes import Wish

WINDOW: Final = timedelta(minutes=5)
"""How far a call's time may be from ours."""
FORGED: Final = 20
"""So many refused calls of one address in a minute; then it waits for the rest of it."""
_BODY: Final = 64 << 10
_HEX: Final = 64


def add_hooks(web: Flask, app: App) -> None:
    """Serve the webhooks of the configuration; without one nothing is served there."""
    secrets: Mapping[str, Secret] = {hook.source: hook.secret for hook in app.config.serve.webhooks}
    if not secrets:
        return
    refused = Refused()

    @web.post("/hooks/run/<source>")
    def run_source(source: str) -> ResponseReturnValue:
        caller = request.remote_addr or ""
        if refused.waits(caller, time.monotonic()):
            answer = jsonify(status=429, title="Too Many Requests")
            answer.headers["Retry-After"] = "60"
            return answer, 429
        body = request.stream.read(_BODY + 1)
        if len(body) > _BODY:
            return jsonify(status=413, title="Content Too Large"), 413
        secret = secrets.get(source)
        now = app.clock()
        try:
            known = secret.reveal() if secret else ""
        except SecretError:
            return jsonify(status=503, title="Service Unavailable"), 503
        signature = verified(known, _header("Timestamp"), _header("Signature"), body, now.timestamp())
        if signature is None or not hook_calls.note(app.store, signature, now, now - 2 * WINDOW):
            refused.note(caller, time.monotonic())
            return jsonify(status=401, title="Unauthorized"), 401
        number = wishes.ask(app.store, Wish("run", f"webhook {source}", now, sources=(source,)))
        return jsonify(status="accepted", wish=number), 202


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a call, as its header has it."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verified(secret: str, timestamp: str, given: str, body: bytes, now: float) -> bytes | None:
    """The signature of a call that may be taken; None: it may not.

    Args:
        secret: what the caller has to know; empty: there is no such webhook, which takes the same time to find out.
        timestamp: seconds since 1970, as the caller says.
        given: the signature, as the caller says.
        body: of the call.
        now: seconds since 1970.
    """
    if len(timestamp) > _HEX or not timestamp.isascii() or not given.isascii():
        return None
    right = hmac.compare_digest(sign(secret, timestamp, body), given)
    if not (right and secret and timestamp.isdigit()) or abs(now - int(timestamp)) > WINDOW.total_seconds():
        return None
    return bytes.fromhex(given)


def _header(name: str) -> str:
    return request.headers.get(f"X-Syncd-{name}", "").removeprefix("sha256=")


class Refused:
    """Counts refused calls of each address, in this process, minute by minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: dict[str, int] = {}

    def note(self, caller: str, now: float) -> None:
        """One more."""
        with self._lock:
            self._begin(now)
            self._counts[caller] = self._counts.get(caller, 0) + 1

    def waits(self, caller: str, now: float) -> bool:
        """Whether this address is not listened to for now."""
        with self._lock:
            self._begin(now)
            return self._counts.get(caller, 0) >= FORGED

    def _begin(self, now: float) -> None:
        if self._minute != int(now // 60):
            self._minute, self._counts = int(now // 60), {}
