"""NanoMDM: MDM commands for each device, with its person's email written out.

Source: micromdm/nanomdm, docs/openapi.yaml (PUT /v1/enqueue/{id}) and api/types.go; Basic authentication as `nanomdm` with
the API key. What a device holds it tells by a webhook (`mdm.push.webhook`), later: `get` gives what it told last.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mdm import commands
from mdm.model import AppConfig, require_bundle_id
from mdm.push.base import Held, PushError, Settings
from mdm.push.http import Http

USER: Final = "nanomdm"
_PARTLY, _NONE = 207, 500


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is queued."""

    uuid: str
    content: bytes


def carrying(bundle_id: str, settings: Settings, occasion: str) -> Command:
    """Gives the app its config; the same for the same words.

    Raises:
        MdmError: something in it must not be written.
    """
    return _command(commands.settings(AppConfig(bundle_id, settings), occasion))


def asking(bundle_id: str, occasion: str) -> Command:
    """Asks what the app has.

    Raises:
        MdmError: the bundle identifier is none.
    """
    return _command(commands.read_back(bundle_id, occasion))


def _command(content: bytes) -> Command:
    return Command(plistlib.loads(content)["CommandUUID"], content)


class NanoMdm:
    """NanoMDM as a product: a place is an enrollment id, and `Held.mark` is the occasion (see `track.Delivery`).

    Args:
        http: with `oauth.Basic` as `USER` and the API key.
        bundle_id: the app's.
        told: what a device told last.
    """

    def __init__(self, http: Http, bundle_id: str, told: Callable[[str], Held] = lambda _: Held()) -> None:
        require_bundle_id(bundle_id)
        self._http, self._bundle_id, self._told = http, bundle_id, told

    def get(self, place: str) -> Held:
        """What the device told last; nothing is asked of it."""
        return self._told(place)

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Queue the config, and behind it the question what the device holds then."""
        occasion = str(held.mark or "")
        self.queue(place, carrying(self._bundle_id, settings, occasion))
        self.queue(place, asking(self._bundle_id, occasion))

    def queue(self, place: str, command: Command) -> None:
        """Queue one command.

        The same command again is the same command: a server that refuses it because it has it already has it.

        Raises:
            PushError: it was not queued, or that is not known.
        """
        path = f"/v1/enqueue/{quote(place, safe='')}"
        headers = {"Content-Type": "application/xml"}
        answer = self._http.call("PUT", path, body=command.content, headers=headers, also=(_NONE,))
        try:
            told = answer.json()
        except PushError:
            if answer.status == _NONE:
                raise PushError(f"{self._http.host} answered 500", where=self._http.host, cure="push again") from None
            raise
        refusal = _refusal(told, place)
        if refusal is None and answer.status != _NONE:
            return
        if refusal and "duplicate" in refusal.lower():
            return
        why = f": {refusal}" if refusal else ""
        cure = "check that the device is enrolled under this id, and push again"
        raise PushError(f"{self._http.host} did not queue the command{why}", where=place, cure=cure)


def _refusal(told: Any, place: str) -> str | None:
    """Why the command was not queued; None when it was. That a push notification failed is no reason: it waits in the queue."""
    if not isinstance(told, dict):
        return "the answer is of another form"
    if error := told.get("command_error"):
        return _short(error)
    status = told.get("status")
    mine = status.get(place) if isinstance(status, dict) else None
    if isinstance(mine, dict) and (error := mine.get("command_error")):
        return _short(error)
    return None


def _short(error: object) -> str:
    text = " ".join(str(error).split())
    return "".join(c if c.isprintable() else "?" for c in text[:200])
