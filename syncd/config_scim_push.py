"""The configuration's `type: scim_push`: every key, what it means, and what follows from it.

May not: start a server, or know how people are stored. The tokens with which an identity provider calls are no configuration:
`syncd token create` makes them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from syncd.config_daemon import OWN_SCHEDULE, ScheduleConfig
from syncd.config_file import Located, Section, faults, shorten
from syncd.config_values import Name, Text
from syncd.secrets import Secret

if TYPE_CHECKING:
    from scim.access.settings import Tenant
    from scim.events.settings import Stream

DialectName = Literal["entra", "okta", "onelogin", "jumpcloud", "ping", "google", "generic"]


def _receiver(url: str) -> str:
    """The address of a receiver: TLS, except on this machine (RFC 8935, section 5.3)."""
    example = "write https://receiver.example.com/events"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise faults(f"is no address: {example}") from None
    if parts.username is not None or parts.password is not None:
        # The address may hold a password: no message repeats it.
        raise faults("a user or password does not stand in the address: give `authorization: {env: NAME}`")
    here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or parts.scheme not in ({"https", "http"} if here else {"https"}):
        raise faults(f'"{shorten(url)}" is no address with https: {example}')
    return url


class EventsConfig(Section):
    """What else is told when somebody changes: security event tokens (RFC 9967), pushed or held ready for polling."""

    audience: Text = Field(
        description="For whom the events are (`aud`): the receiver refuses those for others. Agree on it with the receiver."
    )
    issuer: Text | None = Field(
        default=None,
        description="Who they are from (`iss`): the address of this tenant as the receiver knows it. Without it the tenant's "
        "path alone, /scim/v2/NAME.",
    )
    push: Annotated[Text, AfterValidator(_receiver)] | None = Field(
        default=None,
        description="The address to which events are pushed (RFC 8935). Without it they wait to be polled (RFC 8936) at "
        "/scim/v2/NAME/events/poll, with a token of scope `events`.",
    )
    authorization: Secret | None = Field(
        default=None,
        description="The whole `Authorization` header for `push`, as `Bearer abc`; read anew at each attempt.",
    )
    keep_days: float = Field(
        default=7,
        gt=0,
        le=365,
        description="Days after which an event that nobody acknowledged is given up. Acknowledged ones go at once.",
    )


class ScimPushSourceConfig(Located):
    """An identity provider that pushes people and groups to /scim/v2/NAME."""

    name: Name = Field(
        description="The source's name, which is the tenant's as well: the identity provider calls /scim/v2/NAME. Renaming it "
        "is a migration.",
    )
    type: Literal["scim_push"] = Field(description="What kind of source it is.")
    schedule: ScheduleConfig | None = Field(default=None, description=OWN_SCHEDULE)
    dialect: DialectName = Field(
        default="generic",
        description="Which identity provider calls. It decides what is put right in its requests, and how they are answered.",
    )
    deletes: Literal["stage", "refuse"] = Field(
        default="stage",
        description="What a DELETE or `active: false` does. `stage`: it is accepted, and the person is a leaver like any other, "
        "with the same checks. `refuse`: where the checks would not let the person go, it is answered with 409 and the reason.",
    )
    rate_limit: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=1000,
        description="Requests a second that one token may send for long; more are answered with 429 and Retry-After. `null` "
        "switches the limit off.",
    )
    burst: int = Field(
        default=10_000, ge=1, le=10_000_000, description="Requests that may come at once before `rate_limit` counts."
    )
    log: Literal["full", "keys", "none"] = Field(
        default="keys",
        description="What the call audit keeps of requests. `keys`: which attributes were sent, without their values. `full`: "
        "the values as well, which are personal data. `none`: neither. Passwords and tokens are never kept.",
    )
    log_days: float = Field(
        default=30, ge=0, le=3650, description="Days after which rows of the call audit go; 0 keeps them for ever."
    )
    access_token_minutes: float = Field(
        default=60,
        ge=1,
        le=1440,
        description="How long an access token lasts that an OAuth client gets by its id and secret.",
    )
    events: EventsConfig | None = Field(
        default=None, description="Who else is told of changes, as security event tokens. Without it nobody."
    )

    @property
    def tenant(self) -> Tenant:
        """The tenant as the provider takes it."""
        # scim2-models takes a third of a second to import, which only who serves or asks SCIM shall wait for.
        from scim.access.settings import Log, Tenant  # noqa: PLC0415
        from scim.dialects import DIALECTS  # noqa: PLC0415

        return Tenant(
            name=self.name,
            dialect=DIALECTS[self.dialect],
            rate=self.rate_limit,
            burst=self.burst,
            log=Log(self.log),
            log_for=timedelta(days=self.log_days),
            access_for=timedelta(minutes=self.access_token_minutes),
        )

    @property
    def stream(self) -> Stream | None:
        """The stream of events; None: there is none."""
        from scim.events.settings import Stream  # noqa: PLC0415 - as above

        if self.events is None:
            return None
        events = self.events
        return Stream(
            tenant=self.name,
            audience=events.audience,
            issuer=events.issuer or f"/scim/v2/{self.name}",
            push=events.push,
            authorization=events.authorization.reveal if events.authorization else None,
            keep=timedelta(days=events.keep_days),
        )
