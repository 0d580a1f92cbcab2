"""The configuration's `access`: how people come into the console. Who they are, and what they may do, is no configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from syncd.config_file import Section, faults, shorten
from syncd.config_values import NOT_EMPTY, Text
from syncd.secrets import Secret

RoleName = Literal["viewer", "operator", "approver", "admin"]


def _issuer(url: str) -> str:
    """An identity provider's address: TLS, except on this machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise faults("is no address: write https://login.example.com") from None
    here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if not parts.hostname or not plain or parts.scheme not in ({"https", "http"} if here else {"https"}):
        raise faults(f'"{shorten(url)}" is no address with https: write it as the provider gives it, without a query')
    return url


class OidcConfig(Section):
    """Login by an identity provider (OpenID Connect)."""

    issuer: Annotated[Text, AfterValidator(_issuer)] = Field(
        description="The provider's address, exactly as it stands in its own description (`issuer`).",
    )
    client_id: Text = Field(description="What the provider calls this console.")
    client_secret: Secret | None = Field(
        default=None,
        description="The secret that goes with it. Without it the console is a public client; PKCE protects both.",
    )
    roles: dict[Text, RoleName] = Field(
        description="Group -> role (viewer, operator, approver, admin). Of several the highest counts; who has none does not "
        "come in.",
    )
    groups_claim: Text = Field(default="groups", description="The claim that names a person's groups.")
    name_claim: Text = Field(
        default="preferred_username",
        description="The claim that names the person in the audit. It must be one that people cannot change themselves.",
    )
    scopes: Annotated[tuple[Text, ...], Field(strict=False), NOT_EMPTY] = Field(
        default=("openid", "profile", "email"), description="What the provider is asked for; `openid` is one of them."
    )

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if not self.roles:
            raise faults("`roles` is empty, so that nobody could come in: give a group and its role")
        if "openid" not in self.scopes:
            raise faults("`scopes` lack openid: without it the provider does not say who somebody is")
        return self


class AccessConfig(Section):
    """How people come into the console."""

    local_login: bool = Field(
        default=True, description="Whether people log in with a name and a password that are kept here."
    )
    idle_minutes: int = Field(
        default=60, ge=1, le=10_080, description="Minutes without a request after which a session is over."
    )
    longest_hours: int = Field(
        default=12,
        ge=1,
        le=720,
        description="Hours after the login at which a session is over, however much it is used.",
    )
    oidc: OidcConfig | None = Field(default=None, description="Login by an identity provider.")

    @model_validator(mode="after")
    def _somebody_comes_in(self) -> Self:
        if not self.local_login and self.oidc is None:
            raise faults("nobody could log in: give `oidc`, or leave `local_login` on")
        return self

    @property
    def lasts(self) -> tuple[timedelta, timedelta]:
        """How long a session lasts: unused, and at the most."""
        return timedelta(minutes=self.idle_minutes), timedelta(hours=self.longest_hours)
