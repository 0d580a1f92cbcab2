"""Tells the frame who calls: by a session, or by a token. Opens no door; that is `doors`."""

from __future__ import annotations

import hashlib
import hmac
import math
from datetime import datetime
from typing import Final
from urllib.parse import quote

from flask import request, session
from werkzeug.exceptions import BadRequest, TooManyRequests

from syncd.bootstrap import App
from syncd.sayings import Said
from syncd.store.engine import reading, writing
from syncd.web.access import attempts, cookies, sessions, tokens
from syncd.web.access.keys import digest, new_key
from syncd.web.guards import refuse_foreign
from syncd.web.roles import Role, Who
from syncd.web.seals import seal

_FORM: Final = "form"


class ConsoleAccess:
    """The real `Access`.

    Args:
        app: the program, with a store that is this process's own.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.lasts = sessions.Lasts(*app.config.access.lasts)
        self._seal = seal(app.store, "forms").encode()

    def by_session(self) -> Who | None:
        """Who is logged in with this browser."""
        key, now = cookies.held_key(), self.app.clock()
        if key is None:
            return None
        with reading(self.app.store) as connection:
            row = sessions.find(connection, key, self.lasts, now)
        if row is None:
            return None
        if sessions.is_due(row, now):
            with writing(self.app.store) as connection:
                sessions.seen(connection, row.id, now)
        return Who(row.name, Role.of(row.role), row.language, row.user_id, row.id)

    def by_token(self) -> Who | None:
        """Whose token the call bears. A valid one always passes; wrong ones are answered later and later."""
        sent = request.authorization
        if sent is None or sent.type != "bearer" or not sent.token:
            return None
        now, address = self.app.clock(), request.remote_addr or ""
        with reading(self.app.store) as connection:
            row = tokens.find(connection, sent.token, now)
        if row is None:
            self._count_wrong(attempts.of_token(address), now)
            return None
        if tokens.is_due(row, now):
            with writing(self.app.store) as connection:
                tokens.used(connection, row.id, now)
        return Who(f"token {row.name}", Role.of(row.role))

    def _count_wrong(self, who: str, now: datetime) -> None:
        with reading(self.app.store) as connection:
            wait = attempts.waits(connection, who, now)
        if wait:
            raise TooManyRequests(Said("too many calls with a wrong token"), retry_after=math.ceil(wait))
        with writing(self.app.store) as connection:
            attempts.count(connection, who, attempts.TOKEN, now)

    def csrf_token(self) -> str:
        """Bound to the session; before there is one, to this browser."""
        key = cookies.held_key()
        if key is None:
            return str(session.setdefault(_FORM, new_key()))
        return hmac.new(self._seal, digest(key).encode(), hashlib.sha256).hexdigest()

    def check_csrf(self) -> None:
        """Refuse a form that was not ours."""
        refuse_foreign()
        if not hmac.compare_digest(self.csrf_token().encode(), request.form.get("csrf_token", "").encode()):
            raise BadRequest(Said("this form is of an earlier login: open the page again"))

    def login_address(self, back_to: str) -> str:
        """The login, which leads back."""
        return f"/login?back={quote(back_to, safe='/')}"
