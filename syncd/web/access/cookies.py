"""The two cookies: one that says who is logged in, and Flask's own, which is signed and keeps what lies between two pages."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface

_LOGIN: Final = "syncd"
_BETWEEN: Final = "syncd-between"
_HOST: Final = "__Host-"
"""A cookie that is named so is only taken over HTTPS, from this very host, for all paths (RFC 6265bis, section 4.1.3.2)."""


class BetweenPages(SecureCookieSessionInterface):
    """Flask's session, under a name and with the flags that go with how we are reached."""

    def get_cookie_name(self, app: Flask) -> str:
        """As the cookie is called."""
        del app
        return _named(_BETWEEN)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether it is for HTTPS alone."""
        del app
        return request.is_secure

    def get_cookie_samesite(self, app: Flask) -> str:
        """Not sent with what another site posts."""
        del app
        return "Lax"


def held_key() -> str | None:
    """What the login's cookie holds."""
    return request.cookies.get(_named(_LOGIN)) or None


def give(answer: Response, key: str) -> None:
    """Put a session's key into the browser, until it is closed or logged out."""
    answer.set_cookie(_named(_LOGIN), key, secure=request.is_secure, httponly=True, samesite="Lax", path="/")


def take(answer: Response) -> None:
    """Take it out again."""
    answer.delete_cookie(_named(_LOGIN), secure=request.is_secure, httponly=True, samesite="Lax", path="/")


def _named(name: str) -> str:
    return f"{_HOST}{name}" if request.is_secure else name
