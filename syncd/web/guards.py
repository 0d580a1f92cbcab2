"""What protects everything that is served to browsers, whatever page it is: headers, hosts, where requests come from, their size.

Knows no person and no page. SCIM, hooks and health checks are called by programs that carry their own proof and send no cookie:
they get the headers, and are reached under any name.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden, HTTPException

from syncd.sayings import Said

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What each answer carries. `X-Frame-Options` is for browsers that do not know `frame-ancestors`."""

STRICT_TRANSPORT: Final = "max-age=31536000"
"""A year; only over HTTPS, where it is the only way in from then on."""

_OF_PEOPLE: Final = ("/console", "/login", "/logout", "/setup", "/api")
_MOST: Final = 32 * 1024 * 1024
"""Bytes of a request: a directory that is imported by hand."""
_MOST_AT_THE_DOOR: Final = 64 * 1024
"""Bytes of a request of somebody who is not in yet."""
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ALL: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


class MisdirectedRequest(HTTPException):
    """Asked of us under a name that is not ours (RFC 9110, section 15.5.20)."""

    code = 421
    description = "this is not served under that name; `serve.hosts` holds the names that are"


def add_guards(web: Flask, listen: str, hosts: Iterable[str]) -> None:
    """Guard everything that `web` serves.

    Args:
        web: the application.
        listen: HOST:PORT that is listened on.
        hosts: the names that it is reached under; without any those that `listen` speaks of.
    """
    names, numbers = _own_names(listen, hosts)

    @web.before_request
    def guard() -> None:
        if not _is_for_people(request.path):
            return
        if not _is_own(request.host, names, numbers=numbers):
            raise MisdirectedRequest
        inside = request.path.startswith(("/console/", "/api/"))
        request.max_content_length = _MOST if inside else _MOST_AT_THE_DOOR

    @web.after_request
    def protect(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if request.is_secure:
            answer.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
        if "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "no-store"
        return answer


def refuse_foreign() -> None:
    """Refuse a form that another site sent, as far as the browser tells where it comes from.

    Raises:
        Forbidden: it comes from elsewhere.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise Forbidden(Said("this form was sent by another site"))
    if origin is not None and (urlsplit(origin).netloc or "null").casefold() != request.host.casefold():
        raise Forbidden(Said("this form was sent by another site"))


def own_path(back: str | None, otherwise: str) -> str:
    """Where to go back to, if it is a page of the console, and nothing that a browser could read as another site.

    Args:
        back: what a request asks for; not to be trusted.
        otherwise: where to go if it is anything else.
    """
    if not back or not back.isascii() or not back.isprintable() or " " in back or "\\" in back:
        return otherwise
    parts = urlsplit(back)
    inside = back == "/console" or back.startswith(("/console/", "/console?"))
    return back if inside and not parts.scheme and not parts.netloc else otherwise


def _is_for_people(path: str) -> bool:
    return any(path == part or path.startswith(f"{part}/") for part in _OF_PEOPLE)


def _own_names(listen: str, hosts: Iterable[str]) -> tuple[frozenset[str], bool]:
    """The names that are ours, and whether any address in numbers is: no site can make its name out of those."""
    named = frozenset(_bare(host) for host in hosts)
    if named:
        return named | _HERE, False
    host = _bare(listen.rpartition(":")[0])
    if host in _ALL:
        return _HERE | {socket.gethostname().casefold(), socket.getfqdn().casefold()}, True
    return (_HERE if host in _HERE else frozenset({host})), False


def _is_own(host: str, names: frozenset[str], *, numbers: bool) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return name in names or (numbers and _is_number(name))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _bare(host: str) -> str:
    return host.strip("[]").rstrip(".").casefold()
