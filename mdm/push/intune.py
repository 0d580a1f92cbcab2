"""Microsoft Intune through Microsoft Graph: one app configuration policy for managed devices, with Intune's own variable.

Source: Microsoft Graph v1.0, iosMobileAppConfiguration (list, get, create, update) and appConfigurationSettingItem. Least
right: the application permission DeviceManagementApps.ReadWrite.All. A policy of ours is made without assignments: to whom
it goes is the admin's affair, and is never touched.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mdm.errors import MdmError
from mdm.forms import GRAPH_TYPE, GRAPH_TYPES
from mdm.model import Value
from mdm.plist import fragment
from mdm.push.base import Held, PushError, Settings
from mdm.push.http import Http
from mdm.reading import read
from mdm.tables import rows_of
from mdm.types import require_types
from mdm.vendors import vendor_named

URL: Final = "https://graph.microsoft.com/v1.0"
SCOPE: Final = "https://graph.microsoft.com/.default"
_LIST: Final = "/deviceAppManagement/mobileAppConfigurations"
_MOST_PAGES: Final = 1000
_JSON: Final = {"Content-Type": "application/json"}
_READ: Final[Mapping[str, Callable[[str], Value]]] = {
    "stringType": str,
    "tokenType": str,
    "integerType": int,
    "realType": float,
    "booleanType": lambda text: {"true": True, "false": False}[text.lower()],
}


@dataclass(frozen=True, slots=True)
class _Policy:
    """The policy as it was read."""

    id: str
    types: Mapping[str, str]
    """Of each key, where they stand in a list."""
    as_xml: bool
    etag: str


class Intune:
    """Intune as a product: the place is the app.

    Args:
        http: with `oauth.ClientCredentials`.
        app_id: Intune's id of the app.
        policy_id: the policy to write into; empty: the only one for the app, or a new one.
    """

    def __init__(self, http: Http, app_id: str, policy_id: str = "") -> None:
        self._http, self._app_id, self._policy_id = http, app_id, policy_id

    def get(self, place: str) -> Held:
        """The app's policy, found by Intune's id of the app.

        Raises:
            PushError: several policies are for the app, or it cannot be read.
        """
        if self._policy_id:
            return self._held(self._one(self._policy_id))
        mine = [one for one in self._all() if self._is_for_app(one)]
        if len(mine) > 1:
            cure = f"name one of them by `policy_id`: {', '.join(str(one.get('id')) for one in mine[:5])}"
            raise PushError(f"{len(mine)} policies are for the app", where=place, cure=cure)
        return self._held(self._one(str(mine[0]["id"]))) if mine else Held({})

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Write into the policy, or make one."""
        require_types(vendor_named("intune"), settings)
        policy = held.mark
        document = {"@odata.type": GRAPH_TYPE, **_content(settings, policy)}
        if isinstance(policy, _Policy):
            headers = {**_JSON, **({"If-Match": policy.etag} if policy.etag else {})}
            path = f"{_LIST}/{quote(policy.id, safe='')}"
            self._http.call("PATCH", path, body=_bytes(document), headers=headers, repeatable=True)
            return
        document |= {
            "displayName": f"Fluix login ({place})",
            "description": "Shows each person's email on the login page of Fluix",
            "targetedMobileApps": [self._app_id],
        }
        self._http.call("POST", _LIST, body=_bytes(document), headers=_JSON)  # twice would make two

    def _all(self) -> Iterator[dict[str, Any]]:
        path = _LIST
        for _ in range(_MOST_PAGES):
            page = self._http.call("GET", path, repeatable=True).json()
            found = page.get("value") if isinstance(page, dict) else None
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise PushError("the list of policies is no list", where=self._http.host)
            yield from found
            path = page.get("@odata.nextLink") or ""
            if not path:
                return
        raise PushError(f"the list of policies has more than {_MOST_PAGES} pages", where=self._http.host)

    def _one(self, policy_id: str) -> dict[str, Any]:
        found = self._http.call("GET", f"{_LIST}/{quote(policy_id, safe='')}", repeatable=True).json()
        if not isinstance(found, dict) or found.get("@odata.type") != GRAPH_TYPE:
            cure = "give the id of an app configuration policy for managed iOS devices"
            raise PushError("the policy is not for iOS apps on managed devices", where=policy_id, cure=cure)
        return found

    def _is_for_app(self, policy: Mapping[str, Any]) -> bool:
        apps = policy.get("targetedMobileApps")
        return policy.get("@odata.type") == GRAPH_TYPE and isinstance(apps, list) and self._app_id in apps

    def _held(self, policy: Mapping[str, Any]) -> Held:
        where = f"policy {policy.get('id')}"
        settings: dict[str, Value] = {}
        types: dict[str, str] = {}
        encoded = policy.get("encodedSettingXml")
        if not encoded and not isinstance(policy.get("settings"), list):
            raise PushError("the policy's settings are not told", where=where)
        if encoded:
            settings = _decoded(encoded, where)
        for item in policy.get("settings") or ():
            key, kind, value = (item.get(f"appConfigKey{part}") for part in ("", "Type", "Value"))
            if not isinstance(key, str) or key in settings:
                raise PushError(f"the key {key} stands twice, or is none", where=where, cure="mend it in Intune")
            try:
                settings[key] = _READ[kind](value)
            except (KeyError, TypeError, ValueError):
                raise PushError(f"the value of {key} is no {kind}", where=where, cure="mend it in Intune") from None
            types[key] = kind
        etag = str(policy.get("@odata.etag") or "")
        return Held(settings, _Policy(str(policy.get("id")), types, bool(encoded), etag))


def _content(settings: Settings, policy: _Policy | None) -> dict[str, Any]:
    """As a list where it was one and holds it all, else as XML; the other one is emptied."""
    flat = all(isinstance(value, str | int | float) for value in settings.values())
    if not flat or (policy and policy.as_xml):
        return {"encodedSettingXml": base64.b64encode(fragment(settings, in_order=True)).decode(), "settings": []}
    was = policy.types if policy else {}
    items = [
        {"appConfigKey": key, "appConfigKeyType": _type(was.get(key), kind), "appConfigKeyValue": value}
        for key, value, kind in rows_of(settings)
    ]
    return {"settings": items, "encodedSettingXml": None}


def _type(was: str | None, kind: str) -> str:
    return was if was == "tokenType" and kind == "string" else GRAPH_TYPES[kind]


def _decoded(encoded: object, where: str) -> dict[str, Value]:
    try:
        return read(base64.b64decode(str(encoded), validate=True), where).settings
    except (binascii.Error, ValueError):
        raise PushError("encodedSettingXml is no base64", where=where) from None
    except MdmError as error:
        raise PushError(f"its XML cannot be read: {error.what}", where=error.where, cure="mend it in Intune") from None


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
