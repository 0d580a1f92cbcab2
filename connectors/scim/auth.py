"""What stands in the Authorization header. May not: keep a secret that is configured, or show one."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import orjson

from connectors.errors import PermanentError, RefusedError, RetryableError, UnreadableError
from connectors.http import require_safe
from connectors.scim.settings import Basic, Bearer, ClientCredentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.http import Http

_EARLY = 30.0
"""Seconds before its end at which a token counts as ended: the way to the service takes time."""
_UNSAID = 300.0
"""Seconds that a token is kept whose answer does not say how long it lasts (RFC 6749, 5.1 only recommends it)."""
_OK = 200
_SERVER_ERROR = 500


class Authorization:
    """Makes the header, anew for each request.

    Args:
        auth: as whom.
        http: with which a token is fetched.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self,
        auth: Bearer | Basic | ClientCredentials | None,
        http: Http,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._auth = auth
        self._http = http
        self._seconds = seconds
        self._token: tuple[str, float] | None = None

    def headers(self) -> dict[str, str]:
        """The header, or none.

        Raises:
            PermanentError: the secret fits into no header, or no token is given for it.
            RetryableError: the token's server cannot be reached.
        """
        match self._auth:
            case Bearer(token):
                value = f"Bearer {token()}"
            case Basic(user, password):
                value = f"Basic {_pair(user, password())}"
            case ClientCredentials() as credentials:
                value = f"Bearer {self._current(credentials)}"
            case None:
                return {}
        if not (value.isascii() and value.isprintable()):
            raise PermanentError(
                "the secret holds characters that fit into no header",
                cure="write the token as it was given, on one line",
            )
        return {"authorization": value}

    def renew(self) -> bool:
        """Forget a token that was refused; whether another one may help."""
        had, self._token = self._token, None
        return had is not None

    def _current(self, credentials: ClientCredentials) -> str:
        if self._token is None or self._seconds() >= self._token[1]:
            began = self._seconds()
            token, lasts = self._fetched(credentials)
            self._token = token, began + lasts
        return self._token[0]

    def _fetched(self, credentials: ClientCredentials) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if credentials.scope:
            form["scope"] = credentials.scope
        if credentials.send == "body":
            form |= {"client_id": credentials.client_id, "client_secret": credentials.client_secret()}
        else:
            pair = _pair(quote(credentials.client_id, safe=""), quote(credentials.client_secret(), safe=""))
            headers["authorization"] = f"Basic {pair}"
        url = credentials.token_url
        answer = self._http.call("POST", url, content=urlencode(form).encode(), headers=headers, repeatable=True)
        where = require_safe(url)
        if answer.status != _OK:
            said = f"{where} gave no token: it answered {answer.status}"
            if answer.status >= _SERVER_ERROR:
                raise RetryableError(said, where=where, cure="try again later")
            raise RefusedError(said, where=where, cure="check client_id, client_secret and scope")
        try:
            told = orjson.loads(answer.content)
            token, lasts = str(told["access_token"]), float(told.get("expires_in") or _UNSAID)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            raise UnreadableError(
                f"{where} answered with no token (RFC 6749, 5.1)", where=where, cure="check token_url"
            ) from None
        return token, max(lasts - _EARLY, lasts / 2)


def _pair(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
