"""The configuration of what is pushed to MDM products: where each is, who we are to it, and which app. Opens no file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from syncd.config_file import Located, Section
from syncd.config_scim import Address
from syncd.config_values import Name, Text, matches, one_of_types
from syncd.secrets import Secret

TYPES = ("nanomdm", "kmfddm", "intune", "jamf_pro", "simplemdm", "fleet")


class DeviceColumns(Section):
    """Which header of the device file holds what."""

    id: Text = Field(default="id", description="The header of the enrollment ids.")
    email: Text = Field(default="email", description="The header of the emails.")


class DevicesConfig(Located):
    """Whose device is which: no MDM protocol tells it, so that it comes from a file."""

    path: Text = Field(
        description="A CSV file in UTF-8 with one line a device, relative to the configuration file. A person may have several.",
    )
    columns: DeviceColumns = Field(
        default=DeviceColumns(), description="The headers of the two columns that are read; others do no harm."
    )

    @property
    def resolved_path(self) -> Path:
        """The file, absolute when the configuration was read from a file."""
        return self._base / self.path


class PushWebhookConfig(Section):
    """Where NanoMDM tells what devices answer, while `syncd mdm push --follow` runs."""

    listen: Annotated[str, matches(r"[0-9A-Za-z.:\[\]-]+:[0-9]{1,5}", "an address and a port (127.0.0.1:8481)")] = (
        Field(
            default="127.0.0.1:8481",
            description="The address and port to listen on. It is not encrypted: keep it inside.",
        )
    )
    secret: Secret = Field(
        description="What the webhook's address ends with: NanoMDM is started with -webhook-url http://HOST:PORT/SECRET. Who "
        "knows it can say what devices hold.",
    )


class OauthConfig(Section):
    """Our id and secret, for which a token is given (OAuth 2 client credentials)."""

    token_url: Address | None = Field(
        default=None,
        description="Where tokens are given. Intune: https://login.microsoftonline.com/TENANT/oauth2/v2.0/token, or your "
        "national cloud's; Jamf Pro: `url` + /api/oauth/token without it.",
    )
    client_id: Text = Field(description="Our id.")
    client_secret: Secret = Field(description="Our secret.")
    scope: Text | None = Field(
        default=None,
        description="What the token is asked for. Intune: https://graph.microsoft.com/.default without it.",
    )


class _PushTarget(Located):
    name: Name = Field(description="The target's name: deliveries are remembered under it.")
    timeout_seconds: float = Field(
        default=20, gt=0, le=600, description="How long the product may say nothing before a call counts as lost."
    )

    @property
    def timeout(self) -> timedelta:
        """As the client takes it."""
        return timedelta(seconds=self.timeout_seconds)


class NanoMdmPush(_PushTarget):
    """NanoMDM: a command for each device, with its person's email written out."""

    type: Literal["nanomdm"] = Field(
        description="What product it is: `nanomdm`, `kmfddm` (experimental), `intune`, `jamf_pro`, `simplemdm` or `fleet`."
    )
    url: Address = Field(description="The product's address.")
    key: Secret = Field(description="The API key.")
    devices: DevicesConfig = Field(description="Whose device is which.")
    ask_first: bool = Field(
        default=True,
        description="Whether a device is asked what its app holds before the first config is sent, so that no key of the "
        "admin's is lost. It needs `webhook`. If false, everything but our keys is replaced.",
    )
    ask_again_hours: float = Field(
        default=168,
        ge=0,
        le=24 * 365,
        description="After how many hours a push tries the same again where no answer came, and asks a device anew.",
    )
    webhook: PushWebhookConfig | None = Field(default=None, description="Where devices' answers are told to us.")


class KmfddmPush(_PushTarget):
    """KMFDDM, experimental: declarations for each device."""

    type: Literal["kmfddm"] = Field(description="What product it is.")
    url: Address = Field(description="The product's address.")
    key: Secret = Field(description="The API key.")
    devices: DevicesConfig = Field(description="Whose device is which.")


class IntunePush(_PushTarget):
    """Microsoft Intune: one policy for the app, with Intune's variable."""

    type: Literal["intune"] = Field(description="What product it is.")
    url: Address = Field(
        default="https://graph.microsoft.com/v1.0",
        description="The address of Microsoft Graph; national clouds have their own.",
    )
    oauth: OauthConfig = Field(description="Our id and secret.")
    app_id: Text = Field(description="The product's own id of the app.")
    policy_id: Text | None = Field(
        default=None, description="The policy to write into; needed where several are for the app."
    )


class JamfProPush(_PushTarget):
    """Jamf Pro: the app's App Configuration, with Jamf's variable."""

    type: Literal["jamf_pro"] = Field(description="What product it is.")
    url: Address = Field(description="The product's address.")
    oauth: OauthConfig = Field(description="The id and secret of an API client.")


class SimpleMdmPush(_PushTarget):
    """SimpleMDM: the app's managed configs, with the variable of `tokens`."""

    type: Literal["simplemdm"] = Field(description="What product it is.")
    url: Address = Field(default="https://a.simplemdm.com", description="The product's address.")
    key: Secret = Field(description="The API key.")
    app_id: Text = Field(description="The product's own id of the app.")


class FleetPush(_PushTarget):
    """Fleet: an App Store app's configuration, with Fleet's variable."""

    type: Literal["fleet"] = Field(description="What product it is.")
    url: Address = Field(description="The product's address.")
    key: Secret = Field(description="The API token.")
    title_id: int = Field(ge=1, description="Fleet's number of the software title.")
    team_id: int = Field(default=0, ge=0, description="Fleet's number of the team; 0: no team.")
    untold_is_empty: bool = Field(
        default=False,
        description="Whether an app of which Fleet tells no configuration has none. If false nothing is written then, because "
        "what is not told cannot be kept.",
    )


def _tag(target: Any) -> str:
    """By which type a target is measured; one without a type as NanoMDM, so that the type is called missing."""
    kind = target.get("type") if isinstance(target, dict) else getattr(target, "type", None)
    return f"[{kind}]" if kind in TYPES else "[nanomdm]"


PushTarget: TypeAlias = NanoMdmPush | KmfddmPush | IntunePush | JamfProPush | SimpleMdmPush | FleetPush
PushTargetConfig = Annotated[
    Annotated[NanoMdmPush, Tag("[nanomdm]")]
    | Annotated[KmfddmPush, Tag("[kmfddm]")]
    | Annotated[IntunePush, Tag("[intune]")]
    | Annotated[JamfProPush, Tag("[jamf_pro]")]
    | Annotated[SimpleMdmPush, Tag("[simplemdm]")]
    | Annotated[FleetPush, Tag("[fleet]")],
    Discriminator(_tag),
    one_of_types(*TYPES),
]


def secrets_of(target: PushTarget) -> dict[str, Secret]:
    """Those that are given, by key."""
    match target:
        case IntunePush() | JamfProPush():
            return {"oauth.client_secret": target.oauth.client_secret}
        case NanoMdmPush(webhook=PushWebhookConfig() as webhook):
            return {"key": target.key, "webhook.secret": webhook.secret}
        case _:
            return {"key": target.key}
