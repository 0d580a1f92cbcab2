"""Who we are to a product: a key, or a token that is fetched with an id and a secret and fetched anew when it lapses.

Secrets are given as functions, read at the moment of use and kept nowhere; a fetched token lives in memory only.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from mdm.push.base import PushError
from mdm.push.http import Http

_MARGIN: Final = 60.0
"""A token is fetched anew so many seconds before it ends."""
_LIFE: Final = 300.0
"""Seconds that a token is believed to live where its giver does not say."""
_LONGEST: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a key."""

    user: Callable[[], str]
    password: Callable[[], str]

    def header(self, http: Http) -> str:
        """As RFC 7617 has it."""
        del http
        return "Basic " + base64.b64encode(f"{self.user()}:{self.password()}".encode()).decode()

    def refused(self) -> bool:
        """There is no other key."""
        return False


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that somebody made by hand."""

    token: Callable[[], str]

    def header(self, http: Http) -> str:
        """As RFC 6750 has it."""
        del http
        return f"Bearer {self.token()}"

    def refused(self) -> bool:
        """There is no other token."""
        return False


@dataclass(slots=True)
class ClientCredentials:
    """A token for an id and a secret (RFC 6749, 4.4).

    Args:
        token_url: where tokens are given; each cloud of a vendor has its own.
        client_id: ours.
        client_secret: ours.
        scope: what the token is for, where the giver wants it said.
        seconds: a clock that only goes forward.
        http: makes the client for the token's address; to be replaced in tests.
    """

    token_url: str
    client_id: str
    client_secret: Callable[[], str]
    scope: str = ""
    seconds: Callable[[], float] = time.monotonic
    http: Callable[[str], Http] = field(default=Http)
    _token: str = field(default="", init=False, repr=False)
    _ends: float = field(default=0.0, init=False)

    def header(self, http: Http) -> str:
        """The token, fetched when there is none or it is about to end.

        Raises:
            PushError: none is given.
        """
        del http
        if not self._token or self.seconds() >= self._ends:
            self._fetch()
        return f"Bearer {self._token}"

    def refused(self) -> bool:
        """It may have been taken back early: another one is worth a try."""
        self._token = ""
        return True

    def _fetch(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret(),
            **({"scope": self.scope} if self.scope else {}),
        }
        client = self.http(self.token_url)
        try:
            # A token too many harms nobody, so that the call may be repeated.
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = client.call("POST", "", body=urlencode(form).encode(), headers=headers, repeatable=True)
            told = answer.json()
        except PushError as error:
            cure = "check client_id, client_secret and token_url"
            raise PushError(f"no token was given: {error.what}", where=error.where, cure=cure) from None
        finally:
            client.close()
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise PushError(f"{client.host} gave an answer without a token", where=client.host)
        lives = told.get("expires_in")
        seconds = min(float(lives), _LONGEST) if isinstance(lives, int | float) and lives > 0 else _LIFE
        self._token, self._ends = token, self.seconds() + max(seconds - _MARGIN, seconds / 2)
