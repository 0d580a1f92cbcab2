"""`POST /hooks/run/SOURCE`: a signed call by which an HR system or a script asks that a source be read now.

The caller signs time and body: HMAC-SHA256 over `TIMESTAMP.BODY` with the secret that both know, as hex in `X-Syncd-Signature`;
the time in `X-Syncd-Timestamp`, in seconds since 1970. A call older or newer than five minutes, one that was taken before, and
one with a wrong signature are refused with 401, and who sends many of these has to wait (429). What a call asks for is a wish
(`store/wishes`): the daemon performs it.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from syncd.bootstrap import App
from syncd.secrets import Secret, SecretError
from syncd.store import hook_calls, wishes
from syncd.store.engine import reading, writing
from syncd.store.wishes import Wish
from syncd.web.access import attempts

WINDOW: Final = timedelta(minutes=5)
"""How far a call's time may be from ours."""
_BODY: Final = 64 << 10
_HEX: Final = 64


def add_hooks(web: Flask, app: App) -> None:
    """Serve the webhooks of the configuration; without one nothing is served there."""
    secrets: Mapping[str, Secret] = {hook.source: hook.secret for hook in app.config.serve.webhooks}
    if not secrets:
        return

    @web.post("/hooks/run/<source>")
    def run_source(source: str) -> ResponseReturnValue:
        caller, now = attempts.of_hook(request.remote_addr or ""), app.clock()
        with reading(app.store) as connection:
            wait = attempts.waits(connection, caller, now)
        if wait:
            answer = jsonify(status=429, title="Too Many Requests")
            answer.headers["Retry-After"] = str(math.ceil(wait))
            return answer, 429
        body = request.stream.read(_BODY + 1)
        if len(body) > _BODY:
            return jsonify(status=413, title="Content Too Large"), 413
        secret = secrets.get(source)
        try:
            known = secret.reveal() if secret else ""
        except SecretError:
            return jsonify(status=503, title="Service Unavailable"), 503
        signature = verified(known, _header("Timestamp"), _header("Signature"), body, now.timestamp())
        if signature is None or not hook_calls.note(app.store, signature, now, now - 2 * WINDOW):
            with writing(app.store) as connection:
                attempts.count(connection, caller, attempts.HOOK, now)
            return jsonify(status=401, title="Unauthorized"), 401
        with writing(app.store) as connection:
            attempts.forgive(connection, caller)
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
