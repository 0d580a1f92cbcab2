"""What the web side tells of itself: each request in the log and in the metrics, and `/metrics` for who may see them."""

from __future__ import annotations

import hmac
import ipaddress
import time

from flask import Flask, Response, abort, g, request

from scim.tenant import PREFIX
from syncd import log
from syncd.bootstrap import App
from syncd.metrics import Requests, StoreCollector, told
from syncd.secrets import SecretError

UNTRUSTED = "syncd.untrusted_proxy"
"""In a request's environment: somebody said for whom he calls, was not believed, and what he said was taken away."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def add_observing(web: Flask, app: App) -> None:
    """Log and count each request, and serve `/metrics`."""
    requests, collector = Requests(), StoreCollector(app)
    tenants = frozenset(source.name for source in app.config.sources if source.type == "scim_push")

    @web.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @web.after_request
    def end(answer: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        method = request.method if request.method in _METHODS else "other"
        requests.count(method, answer.status_code, seconds, _tenant(request.path, tenants))
        seconds = round(seconds, 4)
        log.tell("request", method=request.method, path=request.path, status=answer.status_code, seconds=seconds)
        return answer

    @web.get("/metrics")
    def metrics() -> Response:
        """For Prometheus."""
        if not _may(app):
            abort(403)
        text = told(collector) + requests.told()
        answer = Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _tenant(path: str, tenants: frozenset[str]) -> str | None:
    """The tenant of a SCIM request; names that nobody configured are counted as one, or anybody could fill the memory."""
    if not path.startswith(f"{PREFIX}/"):
        return None
    name = path.removeprefix(f"{PREFIX}/").partition("/")[0]
    return name if name in tenants else "unknown"


def _through_a_stranger() -> bool:
    """Whether a proxy passed this on that is none of ours, so that the address is the proxy's and not the caller's."""
    if "werkzeug.proxy_fix.orig" in request.environ:  # one of ours: the address is the caller's
        return False
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"))
    return forwarded or UNTRUSTED in request.environ


def _may(app: App) -> bool:
    """Whether this caller may see metrics: by its address, unless a proxy stands between that nobody trusts, or by the token."""
    rules = app.config.serve.metrics
    if not _through_a_stranger() and request.remote_addr:
        here = ipaddress.ip_address(request.remote_addr)
        if any(here in ipaddress.ip_network(network) for network in rules.allow):
            return True
    if rules.token is None:
        return False
    try:
        wanted = f"Bearer {rules.token.reveal()}"
    except SecretError:
        return False
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode())
