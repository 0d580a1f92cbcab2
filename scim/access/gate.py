"""The door: who comes in, with what, how often, and what is kept of it. Everything that a request meets before it is read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from scim2_models import ForbiddenException, NotFoundException, SCIMException
from sqlalchemy import Engine

from scim.access import tokens
from scim.access.calls import Answered, CallLog
from scim.access.errors import NotLetInException, TooManyRequestsException
from scim.access.guards import FREE, Guard
from scim.access.limits import Limiter
from scim.access.metadata import reading, writing
from scim.access.remembered import Remembered
from scim.access.scopes import Subject
from scim.access.settings import Call, Tenant
from scim.access.tokens import Credential
from scim.dialects import Exchange, normalise

_POLL = "/events/poll"


class Gate:
    """The room's door.

    Args:
        engine: the store's.
        tenants: by their names.
        clock: the present moment.
    """

    def __init__(self, engine: Engine, tenants: Mapping[str, Tenant], clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.tenants = tenants
        self.clock = clock
        self.calls = CallLog(engine, tenants, clock)
        self.guard = Guard()
        self.limiter = Limiter(engine)
        self._remembered = Remembered()

    def tenant(self, name: str) -> Tenant:
        """The tenant of this name.

        Raises:
            NotFoundException: there is none.
        """
        if name not in self.tenants:
            raise NotFoundException(detail="There is no such tenant")
        return self.tenants[name]

    def admit(self, call: Call, name: str) -> Subject:
        """Let a request in (RFC 7644, section 2), or say why not.

        Raises:
            NotLetInException: no valid token of this tenant.
            ForbiddenException: the token may not do this.
            TooManyRequestsException: the token's bucket is empty, or the address failed too often.
            NotFoundException: there is no such tenant; told only to who has a valid token.
        """
        now = self.clock()
        credential = self._credential(call, name, now)
        if credential is None or credential.tenant != name or not credential.usable(now):
            raise self._refused(call, credential, name, now)
        tenant = self.tenant(name)
        self.guard.passed(call.address)
        if not may(credential.scope, call):
            needed = "events" if call.path == _POLL else "write"
            detail = f"This token may {credential.scope}; this request needs {needed}"
            raise self._told(call, credential, ForbiddenException(detail=detail))
        counted = credential.client if credential.kind == "access" and credential.client else credential.credential_id
        if wait := self.limiter.take(counted, tenant, now):
            detail = f"This token sends more than {tenant.rate:g} requests a second"
            raise self._told(call, credential, TooManyRequestsException(wait, detail=detail))
        return credential.subject

    def normalise(self, name: str, exchange: Exchange) -> Exchange:
        """A request in the RFCs' own form."""
        return normalise(self.tenant(name).dialect, exchange)

    def told(self, name: str, answered: Answered) -> None:
        """Keep what became of a request. One to a tenant who is not there is kept under no name."""
        self.calls.add(self.tenants.get(name, Tenant(name="")), answered)

    def close(self) -> None:
        """Write what is still to be written."""
        self.calls.flush()

    def _credential(self, call: Call, name: str, now: datetime) -> Credential | None:
        kind, _, given = (call.authorization or "").partition(" ")
        given = given.strip()
        if not given and kind.startswith(
            "fxs_"
        ):  # Okta's "Header Auth" sends what the admin typed, often the token alone
            kind, given = "Bearer", kind
        if not given:
            return None
        hashed = tokens.digest(f"{kind.casefold()} {given}")
        found = self._remembered.get(hashed, now)
        if found is None:
            found = self._looked_up(kind.casefold(), given, name)
            if found is not None:
                found = self._noted(found, name, now)
                self._remembered.put(hashed, found, now)
        return found

    def _looked_up(self, kind: str, given: str, name: str) -> Credential | None:
        if kind == "bearer":
            with reading(self.engine) as connection:
                return tokens.find_token(connection, given)
        tenant = self.tenants.get(name)
        if kind != "basic" or tenant is None or not tenant.dialect.basic:
            return None
        client_id, secret = _basic(given)
        with reading(self.engine) as connection:
            found = tokens.find_client(connection, client_id)
        return found[0] if found and tokens.is_secret(found[1], secret) else None

    def _noted(self, credential: Credential, name: str, now: datetime) -> Credential:
        """Note that it is used, at most once a minute."""
        if credential.tenant != name or not credential.usable(now) or not tokens.is_due(credential, now):
            return credential
        with writing(self.engine, light=True) as connection:
            tokens.used(connection, credential, now)
        return replace(credential, used_at=now)

    def _told(self, call: Call, credential: Credential, error: SCIMException) -> SCIMException:
        answered = Answered(call, credential.subject, None, None, error.status, 0.0, error.detail)
        self.told(credential.tenant, answered)
        return error

    def _refused(self, call: Call, credential: Credential | None, name: str, now: datetime) -> Exception:
        if wait := self.guard.waits(call.address, now):
            return TooManyRequestsException(wait, detail="Too many calls without a valid token from this address")
        failures, unheard = self.guard.failed(call.address, now)
        reason = _reason(call, credential, name, now)
        if failures > FREE:
            reason += f"; {failures} failures from this address, {unheard} calls not looked at since the last"
        self.told(name, Answered(call, None, None, None, NotLetInException.status, 0.0, reason))
        return NotLetInException(
            self.tenants.get(name), detail="There is no valid token for this tenant in the request"
        )


def may(scope: str, call: Call) -> bool:
    """Whether a scope allows a request. Polling for events is no reading of people, and the other way round."""
    if call.path.startswith(_POLL):
        return scope in {"events", "write"}
    if scope == "write":
        return True
    return scope == "read" and (call.method in {"GET", "HEAD"} or call.path.rstrip("/").endswith("/.search"))


def _basic(given: str) -> tuple[str, str]:
    """The user and password of HTTP Basic (RFC 7617, section 2)."""
    try:
        text = base64.b64decode(given, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "", ""
    user, _, password = text.partition(":")
    return user, password


def _reason(call: Call, credential: Credential | None, name: str, now: datetime) -> str:
    """Why nobody was let in, for the audit; the answer does not say."""
    if not call.authorization:
        return "no Authorization header"
    if credential is None:
        return f"no such token ({call.authorization.partition(' ')[0][:16]})"
    if credential.revoked_at:
        return f"{credential.prefix} was revoked"
    if credential.tenant != name:
        return f"{credential.prefix} is another tenant's"
    return f"{credential.prefix} expired" if not credential.usable(now) else "refused"
