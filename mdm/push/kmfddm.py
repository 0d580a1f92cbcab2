"""KMFDDM, EXPERIMENTAL: declarations for each device, in a set of its own.

Source: jessepeterson/kmfddm, docs/openapi.yaml and http/api; Basic authentication as `kmfddm` with the API key. The server
holds no config, but the hash of a file on a web server of the operator's: so `get` tells ours, or that it is something
else. The file itself (`people/` of `syncd mdm render --literal`) must be on the web server before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlencode

from mdm.bundle import file_stem
from mdm.declarative import Declarations, declarations
from mdm.model import EMAIL_KEY
from mdm.plist import full_plist
from mdm.push.base import Held, PushError, Settings
from mdm.push.http import Http

USER: Final = "kmfddm"
_UNCHANGED, _MISSING = 304, 404


class Kmfddm:
    """KMFDDM as a product: a place is an enrollment id.

    Args:
        http: with `oauth.Basic` as `USER` and the API key.
        bundle_id: the app's.
        assets_url: the folder from which devices fetch their files.
        ours: the config that a place is to have, its email in it.
    """

    def __init__(self, http: Http, bundle_id: str, assets_url: str, ours: Callable[[str], Settings]) -> None:
        self._http, self._bundle_id, self._assets_url, self._ours = http, bundle_id, assets_url, ours

    def get(self, place: str) -> Held:
        """Ours, where its three declarations are there, in the device's set, and nothing else is; otherwise no key."""
        settings = self._ours(place)
        wanted = _payloads(self._three(settings))
        sets = self._list(f"/v1/enrollment-sets/{quote(place, safe='')}")
        there = self._list(f"/v1/set-declarations/{quote(self._set(place), safe='')}")
        if self._set(place) not in sets or sorted(there) != sorted(wanted):
            return Held({}, there)
        held = {name: self._declaration(name) for name in wanted}
        return Held(settings if held == wanted else {}, there)

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Store the declarations and put them into the set; what was in the set and is not ours any more leaves it."""
        three = self._three(settings)
        for document in (three.asset, three.configuration, three.activation):
            self._call("PUT", "/v1/declarations", document)
        wanted = _payloads(three)
        path = f"/v1/set-declarations/{quote(self._set(place), safe='')}"
        for name in wanted:
            self._call("PUT", f"{path}?{urlencode({'declaration': name})}")
        for name in held.mark or ():
            if name not in wanted:
                self._call("DELETE", f"{path}?{urlencode({'declaration': name})}")
        self._call("PUT", f"/v1/enrollment-sets/{quote(place, safe='')}?{urlencode({'set': self._set(place)})}")

    def _three(self, settings: Settings) -> Declarations:
        name = f"{file_stem(str(settings[EMAIL_KEY]))}.plist"
        return declarations(self._bundle_id, full_plist(settings), self._assets_url, name)

    def _set(self, place: str) -> str:
        return f"fluix-{self._bundle_id}-{place}"

    def _call(self, method: str, path: str, body: bytes = b"") -> None:
        headers = {"Content-Type": "application/json"} if body else {}
        self._http.call(method, path, body=body, headers=headers, repeatable=True, also=(_UNCHANGED,))

    def _list(self, path: str) -> list[str]:
        answer = self._http.call("GET", path, repeatable=True, also=(_MISSING,))
        found = [] if answer.status == _MISSING else answer.json()
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise PushError(f"{self._http.host} answered something that is no list of names", where=self._http.host)
        return found

    def _declaration(self, name: str) -> Any:
        answer = self._http.call("GET", f"/v1/declarations/{quote(name, safe='')}", repeatable=True, also=(_MISSING,))
        return None if answer.status == _MISSING else _plain(answer.json())


def _payloads(three: Declarations) -> dict[str, Any]:
    """Identifier -> declaration, without the token, which the server makes itself."""
    documents = [json.loads(one) for one in (three.asset, three.configuration, three.activation)]
    return {document["Identifier"]: _plain(document) for document in documents}


def _plain(document: Any) -> Any:
    return (
        {key: value for key, value in document.items() if key != "ServerToken"} if isinstance(document, dict) else None
    )
