"""Push targets from the configuration: the product's driver, and what each place is to have. The only builder of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from mdm.bundle import Order
from mdm.push.base import Product, Settings
from mdm.push.fleet import Fleet
from mdm.push.http import Http
from mdm.push.intune import SCOPE, Intune
from mdm.push.jamf import TOKEN_PATH, JamfPro
from mdm.push.kmfddm import USER as KMFDDM_USER
from mdm.push.kmfddm import Kmfddm
from mdm.push.nanomdm import USER as NANOMDM_USER
from mdm.push.nanomdm import NanoMdm
from mdm.push.oauth import Basic, Bearer, ClientCredentials
from mdm.push.simplemdm import SimpleMdm
from mdm.values import email_problem, shown
from mdm.vendors import choose
from syncd.config_mdm import MdmConfig
from syncd.config_mdm_push import (
    FleetPush,
    IntunePush,
    JamfProPush,
    KmfddmPush,
    NanoMdmPush,
    OauthConfig,
    PushTarget,
    SimpleMdmPush,
)
from syncd.mdm_devices import read_devices
from syncd.store import mdm_people


@dataclass(frozen=True, slots=True)
class Skipped:
    """A device that gets nothing, and why."""

    place: str
    email: str
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """One product, ready to be talked to."""

    config: PushTarget
    bundle_id: str
    product: Product
    http: Http
    places: Mapping[str, Settings]
    """What each place is to have."""
    emails: Mapping[str, str] = field(default_factory=dict)
    """Whose device is which."""
    skipped: tuple[Skipped, ...] = ()

    @property
    def name(self) -> str:
        """As it is configured."""
        return self.config.name

    @property
    def later(self) -> NanoMdmPush | None:
        """The configuration, where the proof comes later from the device."""
        return self.config if isinstance(self.config, NanoMdmPush) else None


def target_of(config: PushTarget, mdm: MdmConfig, extra: dict[str, object], store: Engine) -> Target:
    """One target.

    Args:
        config: its part of the configuration.
        mdm: the part around it.
        extra: further keys for the app.
        store: tells the people, for products that get each person's email.

    Raises:
        UsageError: the device file cannot be used.
        MdmError: something in a config must not be written.
    """
    match config:
        case NanoMdmPush() | KmfddmPush():
            return _for_devices(config, mdm, extra, store)
        case _:
            chosen = choose(config.type, mdm.tokens)
            order = Order(mdm.bundle_id, (chosen,), extra)
            settings = order.config(chosen.token).settings
            product, http = _for_app(config)
            return Target(config, mdm.bundle_id, product, http, {mdm.bundle_id: settings})


def _for_devices(config: NanoMdmPush | KmfddmPush, mdm: MdmConfig, extra: dict[str, object], store: Engine) -> Target:
    order = Order(mdm.bundle_id, (choose(config.type),), extra, literal=True, assets_url=mdm.assets_url or "")
    emails, skipped = _emails(read_devices(config.devices), store)
    places = {place: order.config(email).settings for place, email in emails.items()}
    user = NANOMDM_USER if isinstance(config, NanoMdmPush) else KMFDDM_USER
    http = Http(config.url, Basic(lambda: user, config.key.reveal), timeout=config.timeout)
    product: Product = (
        NanoMdm(http, mdm.bundle_id)
        if isinstance(config, NanoMdmPush)
        else Kmfddm(http, mdm.bundle_id, mdm.assets_url or "", places.__getitem__)
    )
    return Target(config, mdm.bundle_id, product, http, places, emails, tuple(skipped))


def _for_app(config: IntunePush | JamfProPush | SimpleMdmPush | FleetPush) -> tuple[Product, Http]:
    timeout = config.timeout
    match config:
        case IntunePush():
            http = Http(config.url, _oauth(config.oauth, "", SCOPE), timeout=timeout)
            return Intune(http, config.app_id, config.policy_id or ""), http
        case JamfProPush():
            http = Http(config.url, _oauth(config.oauth, config.url + TOKEN_PATH, ""), timeout=timeout)
            return JamfPro(http), http
        case SimpleMdmPush():
            http = Http(config.url, Basic(config.key.reveal, _nothing), timeout=timeout)
            return SimpleMdm(http, config.app_id), http
        case FleetPush():
            http = Http(config.url, Bearer(config.key.reveal), timeout=timeout)
            return Fleet(http, config.title_id, config.team_id, untold_is_empty=config.untold_is_empty), http


def _oauth(config: OauthConfig, token_url: str, scope: str) -> ClientCredentials:
    return ClientCredentials(
        config.token_url or token_url, config.client_id, config.client_secret.reveal, config.scope or scope
    )


def _nothing() -> str:
    return ""


def _emails(devices: Mapping[str, str], store: Engine) -> tuple[dict[str, str], list[Skipped]]:
    """The email of each device's user as Fluix has it, and the devices that get none."""
    wanted = {email.casefold() for email in devices.values()}
    there: dict[str, list[str]] = {}
    for person in mdm_people.everybody(store):
        if (folded := person.email.casefold()) in wanted:
            there.setdefault(folded, []).append(person.email)
    found, skipped = dict[str, str](), list[Skipped]()
    for place, email in devices.items():
        reason = _reason(there.get(email.casefold(), ()), email)
        if reason:
            skipped.append(Skipped(place, email, reason))
        else:
            found[place] = there[email.casefold()][0]
    return found, skipped


def _reason(there: Sequence[str], email: str) -> str:
    if not email:
        return "the device has no user"
    if not there:
        return f"nobody in Fluix has the email {shown(email)}, as the last run saw it"
    if len(there) > 1:
        return f"several users of Fluix have the email {shown(email)}"
    if problem := email_problem(there[0]):
        return f"the email {shown(email)} is refused: {problem}"
    return ""
