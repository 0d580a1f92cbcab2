"""The endpoints of events: polling, and the public keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Flask, Response, request
from scim2_models import SCIMException

from scim.access.calls import Answered
from scim.access.errors import error_headers
from scim.access.gate import Gate
from scim.access.seams import call_of
from scim.events.polling import InvalidPollError, Poll, answer
from scim.events.settings import Stream
from scim.events.signing import Signer

_MOST_BYTES = 1 << 20


def add_event_endpoints(
    app: Flask, gate: Gate, streams: Mapping[str, Stream], signer: Signer, prefix: str = "/scim/v2"
) -> None:
    """Serve, for each tenant with a stream, `POST …/events/poll` and `GET …/events/jwks.json`.

    Polling needs a token of scope `events` (or `write`); the public keys need none (RFC 8417, section 5.1: who checks events
    has to have them).
    """
    for name, stream in streams.items():
        base = f"{prefix}/{name}"
        app.add_url_rule(f"{base}/events/jwks.json", f"scim_events_keys_{name}", _keys(signer), methods=["GET"])
        if stream.push is None:
            poll = _poll(gate, stream, signer, base)
            app.add_url_rule(f"{base}/events/poll", f"scim_events_poll_{name}", poll, methods=["POST"])


def _keys(signer: Signer) -> Callable[[], Response]:
    def keys() -> Response:
        response = _json(signer.published(), 200, "application/jwk-set+json")
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    return keys


def _poll(gate: Gate, stream: Stream, signer: Signer, base: str) -> Callable[[], Response]:
    def poll() -> Response:
        call, began = call_of(base, request), time.perf_counter()
        try:
            subject = gate.admit(call, stream.tenant)
        except SCIMException as error:
            response = _json(error.to_error().model_dump(), error.status, "application/scim+json")
            response.headers.update(error_headers(error))
            return response
        response = _answered(gate, stream, signer)
        seconds = time.perf_counter() - began
        gate.told(stream.tenant, Answered(call, subject, None, None, response.status_code, seconds))
        return response

    return poll


def _answered(gate: Gate, stream: Stream, signer: Signer) -> Response:
    body = request.stream.read(_MOST_BYTES + 1)
    try:
        if len(body) > _MOST_BYTES:
            raise InvalidPollError(f"the body is larger than {_MOST_BYTES} bytes")
        asked = Poll.read(orjson.loads(body) if body.strip() else None)
    except ValueError as error:
        response = _json({"err": "invalid_request", "description": str(error)}, 400)
        response.headers["Content-Language"] = "en"
        return response
    return _json(answer(gate.engine, stream, signer, asked, gate.clock), 200)


def _json(document: Any, status: int, kind: str = "application/json") -> Response:
    response = Response(orjson.dumps(document), status=status, content_type=kind)
    response.headers["Cache-Control"] = "no-store"
    return response
