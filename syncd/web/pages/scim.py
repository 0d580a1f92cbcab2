"""SCIM: the tenants, what their identity providers called, whom they pushed, and the tokens with which they call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from flask_babel import gettext as _
from pydantic import Field

from scim import looking
from scim.access import tokens
from scim.access.scopes import Scope
from scim.access.tokens import Credential, Issued, Wanted
from scim.tenant import PREFIX
from syncd.config_scim_push import ScimPushSourceConfig
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.web.desk import Desk, Document, Done, Form, Paged, Paging, Query
from syncd.web.errors import NotFoundError, RefusedError
from syncd.web.frame import Room
from syncd.web.roles import Role

room = Room()


class TenantLine(Document):
    """One source of type `scim_push`."""

    name: str
    dialect: str
    path: str
    """Behind this server's address: what is pasted into the identity provider."""
    users: int
    groups: int
    states: dict[str, int]
    """What became of the users: state -> how many."""
    last_call: datetime | None
    last_status: int | None
    calls: int
    failed: int
    """Calls that are kept, and those of them that were answered with an error."""


class TokenLine(Document):
    """A token or an OAuth client, without what is secret in it."""

    token_id: int
    tenant: str
    kind: str
    prefix: str
    scope: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    state: str


class ScimPage(Document):
    """The tenants and their tokens."""

    tenants: list[TenantLine]
    tokens: list[TokenLine]


class CallsAsked(Paging):
    """Which calls."""

    size: Annotated[int, Field(ge=1, le=100, description="Calls of a page.")] = 50
    tenant: Annotated[str | None, Field(description="Only this source's.")] = None
    failed: Annotated[bool, Field(description="Only what was answered with an error.")] = False


class CallLine(Document):
    """One call of an identity provider."""

    at: datetime
    tenant: str
    caller: str
    """How the token begins, or where the call came from."""
    method: str
    path: str
    query: str | None
    status: int
    milliseconds: float
    raw: str | None
    normalised: str | None
    notes: str | None


class Calls(Paged):
    """Calls, the newest first."""

    calls: list[CallLine]
    tenants: list[str]


class PushedAsked(Paging):
    """Which people."""

    tenant: Annotated[str | None, Field(description="The source; else the first.")] = None
    search: Annotated[str | None, Field(max_length=200, description="Part of a user name.")] = None
    state: Annotated[str | None, Field(max_length=100, description="What became of them.")] = None


class PushedLine(Document):
    """One user as the identity provider pushed him or her, and what became of it."""

    resource_id: str
    user_name: str
    external_id: str | None
    display_name: str | None
    active: bool
    last_modified: datetime
    state: str | None
    reason: str | None
    fluix_id: str | None
    invitation: str | None


class PushedPeople(Paged):
    """Users of one tenant, by name."""

    tenant: str | None
    tenants: list[str]
    states: dict[str, int]
    people: list[PushedLine]


class NewToken(Form):
    """A token, or an OAuth client."""

    tenant: str
    kind: Literal["token", "client"] = "token"
    scope: Scope = "write"
    label: Annotated[str, Field(max_length=100, description="A name for people to tell it by.")] = ""
    days: Annotated[int | None, Field(ge=1, le=36500, description="How long it lasts; else until it is revoked.")] = (
        None
    )


class Rotate(Form):
    """How one token follows another."""

    hours: Annotated[int, Field(ge=1, le=720, description="How long both are valid.")] = 24


class MadeToken(Document):
    """A new token or client: the only moment at which its secret can be seen."""

    token: TokenLine
    client_id: str | None
    secret: str
    old_until: datetime | None
    """When the one that it follows ends; None: it follows none."""


@room.page("/scim", "scim.html")
def show_scim(desk: Desk, asked: Query) -> ScimPage:
    """The tenants, with what their identity providers pushed and called, and the tokens."""
    from scim.access import calls  # noqa: PLC0415 - 20 MB, for these two pages alone

    del asked
    now = desk.now
    with reading(desk.store) as connection:
        found = []
        for name, source in _sources(desk).items():
            last = calls.recent(connection, 1, name)
            there = looking.counts(connection, name)
            found.append(
                TenantLine(
                    name=name,
                    dialect=source.dialect,
                    path=f"{PREFIX}/{name}",
                    users=there["User"],
                    groups=there["Group"],
                    states=looking.states(connection, name),
                    last_call=last[0].at if last else None,
                    last_status=last[0].status if last else None,
                    calls=calls.count(connection, name),
                    failed=calls.count(connection, name, failed=True),
                )
            )
        return ScimPage(tenants=found, tokens=[_token(one, now) for one in tokens.listed(connection)])


@room.page("/scim/calls", "scim_calls.html")
def list_calls(desk: Desk, asked: CallsAsked) -> Calls:
    """What identity providers called, the newest first. What stands there of people depends on the source's `log`."""
    from scim.access import calls  # noqa: PLC0415 - as above

    with reading(desk.store) as connection:
        rows = calls.recent(connection, asked.size, asked.tenant, failed=asked.failed, skip=asked.offset)
        total = calls.count(connection, asked.tenant, failed=asked.failed)
    lines = [
        CallLine(
            caller=row.prefix or row.address,
            **{name: getattr(row, name) for name in CallLine.model_fields if name != "caller"},
        )
        for row in rows
    ]
    return Calls(total=total, page=asked.page, size=asked.size, calls=lines, tenants=list(_sources(desk)))


@room.page("/scim/people", "scim_people.html")
def list_pushed(desk: Desk, asked: PushedAsked) -> PushedPeople:
    """Whom an identity provider pushed, and what became of them."""
    names = list(_sources(desk))
    tenant = asked.tenant or next(iter(names), None)
    if tenant is None:
        nobody: list[PushedLine] = []
        return PushedPeople(
            total=0, page=asked.page, size=asked.size, tenant=None, tenants=[], states={}, people=nobody
        )
    if tenant not in names:
        raise NotFoundError(_("no source of type scim_push is named %(name)s", name=tenant))
    with reading(desk.store) as connection:
        rows, total = looking.pushed(
            connection, tenant, asked.search or "", asked.state, limit=asked.size, skip=asked.offset
        )
        states = looking.states(connection, tenant)
    people = [PushedLine(**{name: getattr(row, name) for name in PushedLine.model_fields}) for row in rows]
    return PushedPeople(
        total=total, page=asked.page, size=asked.size, tenant=tenant, tenants=names, states=states, people=people
    )


@room.deed("/scim/tokens/create", Role.ADMIN, "scim_token.html")
def create_scim_token(desk: Desk, form: NewToken) -> MadeToken:
    """Make a token, or an OAuth client, and show its secret: this once."""
    if form.tenant not in _sources(desk):
        raise NotFoundError(_("no source of type scim_push is named %(name)s", name=form.tenant))
    wanted = Wanted(form.tenant, form.scope, form.label, timedelta(days=form.days) if form.days else None)
    issue = tokens.issue_client if form.kind == "client" else tokens.issue_token
    now = desk.now
    with writing(desk.store) as connection:
        made = issue(connection, wanted, now)
        append(connection, [_event(desk, "token create", made.credential)], now)
    return _made(made, now)


@room.deed("/scim/tokens/<int:token_id>/rotate", Role.ADMIN, "scim_token.html")
def rotate_scim_token(desk: Desk, form: Rotate, token_id: int) -> MadeToken:
    """Make a token that follows another one; both are valid for a while, so that nothing is interrupted."""
    now, overlap = desk.now, timedelta(hours=form.hours)
    with writing(desk.store) as connection:
        made = tokens.rotate(connection, token_id, overlap, now)
        if made is None:
            raise RefusedError(
                _("the token %(id)s is not valid any more", id=token_id), cure=_("make a new one instead")
            )
        append(connection, [_event(desk, "token rotate", made.credential, follows=token_id)], now)
        old = next(one for one in tokens.listed(connection) if one.credential_id == token_id)
    return _made(made, now, old.expires_at)


@room.deed("/scim/tokens/<int:token_id>/revoke", Role.ADMIN)
def revoke_scim_token(desk: Desk, form: Form, token_id: int) -> Done:
    """Make a token or an OAuth client worthless from this moment on, with all that it got."""
    del form
    with writing(desk.store) as connection:
        revoked = tokens.revoke(connection, token_id, desk.now)
        if revoked is None:
            raise NotFoundError(_("there is no token %(id)s", id=token_id))
        append(connection, [_event(desk, "token revoke", revoked)], desk.now)
    return Done(message=_("%(prefix)s… is worthless now.", prefix=revoked.prefix), go="/scim")


def _sources(desk: Desk) -> dict[str, ScimPushSourceConfig]:
    return {one.name: one for one in desk.app.config.sources if isinstance(one, ScimPushSourceConfig)}


def _event(desk: Desk, action: str, one: Credential, **more: object) -> Event:
    detail = {"tenant": one.tenant, "prefix": one.prefix, "scope": one.scope, "kind": one.kind, **more}
    return Event(desk.who.name, action, f"token {one.credential_id}", detail)


def _made(made: Issued, now: datetime, old_until: datetime | None = None) -> MadeToken:
    one = made.credential
    return MadeToken(token=_token(one, now), client_id=one.client_id, secret=made.secret, old_until=old_until)


def _token(one: Credential, now: datetime) -> TokenLine:
    return TokenLine(
        token_id=one.credential_id,
        tenant=one.tenant,
        kind=one.kind,
        prefix=one.prefix,
        scope=one.scope,
        label=one.label,
        created_at=one.created_at,
        expires_at=one.expires_at,
        used_at=one.used_at,
        state="revoked" if one.revoked_at else "valid" if one.usable(now) else "expired",
    )
