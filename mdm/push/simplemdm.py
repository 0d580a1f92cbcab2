"""SimpleMDM: an app's managed configs, one entry a key, then one push to the devices.

Source: api.simplemdm.com, Managed App Configs (get, create, delete, push) and Pagination; Basic authentication with the API
key as the user. The keys of others are never touched: there is one entry a key. An entry cannot be changed, only deleted
and made anew. Least rights of the key: App read and write (as SimpleMDM calls them; not tried).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from mdm.forms import SIMPLEMDM_TYPES
from mdm.model import Value, same
from mdm.push.base import Held, LostError, PushError, Settings
from mdm.push.http import Http
from mdm.tables import rows_of

URL: Final = "https://a.simplemdm.com"
_PAGE: Final = 100
_MOST_PAGES: Final = 100
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_READ: Final[Mapping[str, Callable[[str], Value]]] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": lambda text: {"1": True, "0": False, "true": True, "false": False}[text.lower()],
}


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    value: Value


class SimpleMdm:
    """SimpleMDM as a product: the place is the app.

    Args:
        http: with `oauth.Basic`, the API key as the user.
        app_id: SimpleMDM's number of the app.
    """

    def __init__(self, http: Http, app_id: str) -> None:
        self._http = http
        self._path = f"/api/v1/apps/{quote(app_id, safe='')}/managed_configs"

    def get(self, place: str) -> Held:
        """Every entry. One of a kind that is not written here (a list, a date) is told as its text, and stays as it is."""
        entries: dict[str, _Entry] = {}
        for item in self._all():
            told = item.get("attributes")
            key = told.get("key") if isinstance(told, dict) else None
            if not isinstance(told, dict) or not isinstance(key, str) or key in entries:
                raise PushError(f"the key {key} stands twice, or is none", where=place, cure="mend it in SimpleMDM")
            entries[key] = _Entry(str(item.get("id")), _value(told, place))
        return Held({key: entry.value for key, entry in entries.items()}, entries)

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Make the entries that are different, then push: only then devices get them."""
        entries: Mapping[str, _Entry] = held.mark or {}
        wanted = {
            key: value for key, value in settings.items() if key not in entries or not same(entries[key].value, value)
        }
        try:
            for key, value, kind in rows_of(wanted):
                if key in entries:
                    self._http.call("DELETE", f"{self._path}/{entries[key].id}", repeatable=True, also=(404,))
                plain = {"true": "1", "false": "0"}[value] if kind == "boolean" else value
                form = {"key": key, "value": plain, "value_type": SIMPLEMDM_TYPES[kind]}
                self._http.call("POST", self._path, body=urlencode(form).encode(), headers=_FORM)
            self._http.call("POST", f"{self._path}/push", repeatable=True)
        except LostError as error:
            # What is stored tells nothing of the push: reading back would prove too much.
            raise PushError(error.what, where=place, cure="push again") from None

    def _all(self) -> Iterator[dict[str, Any]]:
        after = ""
        for _ in range(_MOST_PAGES):
            query = urlencode({"limit": _PAGE, **({"starting_after": after} if after else {})})
            page = self._http.call("GET", f"{self._path}?{query}", repeatable=True).json()
            found = page.get("data") if isinstance(page, dict) else None
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise PushError("the list of managed configs is no list", where=self._http.host)
            yield from found
            if not page.get("has_more") or not found:
                return
            after = str(found[-1].get("id"))
        raise PushError(f"the list of managed configs has more than {_MOST_PAGES} pages", where=self._http.host)


def _value(told: Mapping[str, Any], place: str) -> Value:
    kind, value = str(told.get("value_type")), told.get("value")
    if kind not in _READ:
        return {kind: str(value)}
    try:
        return _READ[kind](str(value))
    except (KeyError, ValueError):
        what = f"the value of {told.get('key')} is no {kind}"
        raise PushError(what, where=place, cure="mend it in SimpleMDM") from None
