"""The configuration's `type: scim`, as a source and as the target: every key, what it means, and what follows from it.

May not: connect. What only the service can tell is `syncd check`'s affair.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.errors import PermanentError
from connectors.scim.people import parse_path
from connectors.scim.settings import Access, Basic, Bearer, ClientCredentials, SourceSettings, TargetSettings
from syncd.config_daemon import OWN_SCHEDULE, ScheduleConfig
from syncd.config_file import Fault, Located, Section, faults, shorten
from syncd.config_values import Attribute, Name, Text
from syncd.secrets import Secret

if TYPE_CHECKING:
    from typing import Self


def _address(url: str) -> str:
    """An https address without secrets and without a query."""
    from connectors.http import require_safe  # noqa: PLC0415 - a tenth of a second

    try:
        require_safe(url)
        parts = urlsplit(url)
    except (PermanentError, ValueError) as error:
        why = error.what if isinstance(error, PermanentError) else "the address is none"
        raise faults(
            f"{why}: write https://HOST/PATH; http:// only with a number of this machine (127.0.0.1)"
        ) from None
    if parts.query or parts.fragment or re.search(r"\s", url):
        raise faults(f'"{shorten(url)}" holds more than an address: write https://HOST/PATH')
    return url.rstrip("/")


def _base(url: str) -> str:
    if re.search(r"/(Users|Groups)$", url):
        raise faults(f'"{shorten(url)}" is a list: give what stands before /Users')
    return url


Address = Annotated[str, AfterValidator(_address)]
Base = Annotated[str, AfterValidator(_address), AfterValidator(_base)]


class ScimAuthConfig(Section):
    """Who we are to the service: `token`; or `user` and `password`; or `token_url`, `client_id` and `client_secret`."""

    token: Secret | None = Field(
        default=None,
        description="A bearer token; read anew at every request, so that it can be exchanged while we run.",
    )
    user: Text | None = Field(default=None, description="The user name, for a service that asks for name and password.")
    password: Secret | None = Field(default=None, description="The password that goes with `user`.")
    token_url: Address | None = Field(
        default=None,
        description="Where tokens are given (OAuth 2 client credentials, RFC 6749). A token is kept until shortly before it "
        "ends.",
    )
    client_id: Text | None = Field(default=None, description="Our id there.")
    client_secret: Secret | None = Field(default=None, description="Our secret there.")
    scope: Text | None = Field(
        default=None, description="What the token is asked for, where the service wants it said."
    )
    send: Literal["header", "body"] = Field(
        default="header",
        description="Where id and secret stand in the request for a token. `header` is what RFC 6749 wants.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = {
            "token": (self.token,),
            "user and password": (self.user, self.password),
            "token_url, client_id and client_secret": (self.token_url, self.client_id, self.client_secret),
        }
        begun = [way for way, parts in ways.items() if any(part is not None for part in parts)]
        if len(begun) != 1 or any(part is None for part in ways[begun[0]]):
            raise faults(f"give one of these, whole: {'; '.join(ways)}")
        if begun != ["token_url, client_id and client_secret"] and (self.scope or self.send != "header"):
            raise faults("`scope` and `send` are for `token_url`: remove them")
        return self

    @property
    def auth(self) -> Bearer | Basic | ClientCredentials:
        """As the service takes it."""
        if self.token:
            return Bearer(self.token.reveal)
        if self.user and self.password:
            return Basic(self.user, self.password.reveal)
        assert self.token_url is not None
        assert self.client_id is not None
        assert self.client_secret is not None
        return ClientCredentials(self.token_url, self.client_id, self.client_secret.reveal, self.scope, self.send)

    @property
    def secrets(self) -> dict[str, Secret | None]:
        """Those that are given, by key."""
        return {"token": self.token, "password": self.password, "client_secret": self.client_secret}


class ScimServiceConfig(Located):
    """A SCIM 2.0 service: where it is, who we are, and how it is asked."""

    url: Base = Field(
        description="The service's base, what stands before /Users: https://example.com/scim/v2. Redirects are not followed."
    )
    auth: ScimAuthConfig | None = Field(
        default=None, description="Who we are to the service. Without it we ask as nobody."
    )
    ca_file: Text | None = Field(
        default=None,
        description="The certificate of the authority that signed the service's, PEM, relative to the configuration file. "
        "Without it those that the system trusts. It is always checked.",
    )
    page_size: int = Field(
        default=1000,
        ge=1,
        le=10000,
        description="How many users are asked for at once; the service may give fewer. Larger pages are fewer requests.",
    )
    paging: Literal["auto", "index", "cursor"] = Field(
        default="auto",
        description="How pages are asked for. `auto`: by cursor (RFC 9865) where the service says that it has them, else by "
        "index.",
    )
    timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="How long the service may say nothing before a request counts as lost."
    )
    answer_timeout_seconds: float = Field(
        default=300,
        gt=0,
        le=86400,
        description="How long one answer may take altogether: a service that sends a byte a minute never says nothing.",
    )
    largest_answer_megabytes: int = Field(
        default=64, ge=1, le=4096, description="An answer that is larger is not read. Lower `page_size` instead."
    )

    @property
    def access(self) -> Access:
        """As the service's client takes it."""
        return Access(
            self.url,
            self.auth.auth if self.auth else None,
            str(self._base / self.ca_file) if self.ca_file else None,
            timedelta(seconds=self.timeout_seconds),
            timedelta(seconds=self.answer_timeout_seconds),
            largest_answer=self.largest_answer_megabytes << 20,
        )


class ScimSourceConfig(ScimServiceConfig):
    """A service that speaks SCIM 2.0, from which people and groups are pulled."""

    name: Name = Field(
        description="The source's name. It is part of every record's key: renaming it is a migration, since every link to "
        "an account hangs on it.",
    )
    type: Literal["scim"] = Field(description="What kind of source it is.")
    schedule: ScheduleConfig | None = Field(default=None, description=OWN_SCHEDULE)
    filter: Text | None = Field(
        default=None,
        description="Which users are people, as a SCIM filter (RFC 7644). Do not filter out inactive people: that they are "
        "inactive is read, and tells more than their absence.",
    )
    with_groups: bool = Field(default=True, description="Whether groups are read. Without them nobody is in a group.")
    groups_filter: Text | None = Field(default=None, description="Which groups are read, as a SCIM filter.")
    groups_page_size: int = Field(
        default=10,
        ge=1,
        le=10000,
        description="How many groups are asked for at once; they come with all their members.",
    )
    nested: bool = Field(
        default=True,
        description="Whether who is in a group's group counts as a member, at any depth; circles do no harm.",
    )
    attributes: dict[Attribute, Text] = Field(
        default={},
        description="On top of the usual ones: which SCIM attribute holds which attribute, as a path (`nickName`, "
        '`name.formatted`, `emails[type eq "home"].value`, `URN:attribute` for an extension).',
    )
    full_every_hours: float = Field(
        default=24,
        ge=0,
        le=24 * 30,
        description="Between full reads the service is only asked what changed, where it filters by date. So often everything "
        "is read. 0: always.",
    )

    @field_validator("attributes")
    @classmethod
    def _are_paths(cls, attributes: dict[str, str]) -> dict[str, str]:
        reserved = {"active", "groups", "members", "id", "external_id"}
        found = [
            Fault(f"`{name}` is not mapped: it is read by its own rules", (name,))
            for name in attributes
            if name in reserved
        ]
        for name, path in attributes.items():
            try:
                parse_path(path)
            except ValueError as error:
                found.append(Fault(str(error), (name,)))
        if found:
            raise faults(*found)
        return attributes

    @property
    def settings(self) -> SourceSettings:
        """As the source takes it."""
        return SourceSettings(
            access=self.access,
            page_size=self.page_size,
            people_filter=self.filter,
            groups=self.with_groups,
            groups_filter=self.groups_filter,
            groups_page_size=self.groups_page_size,
            nested=self.nested,
            attributes=self.attributes,
            paging=self.paging,
            tells_changes=self.full_every_hours > 0,
        )


class ScimTargetConfig(ScimServiceConfig):
    """An endpoint that speaks SCIM 2.0, written as the Fluix side."""

    type: Literal["scim"] = Field(description="How Fluix is reached. `scim` is an endpoint that speaks SCIM 2.0.")
    bulk: bool = Field(
        default=True, description="Whether many users are created in one request, where the endpoint offers it."
    )
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=100000,
        description="The most requests a second that the endpoint is asked, by all processes on all machines together. "
        "Without it as many as it answers.",
    )

    @property
    def settings(self) -> TargetSettings:
        """As the target takes it."""
        return TargetSettings(self.access, self.page_size, self.paging, self.bulk)
