"""What NanoMDM tells by its webhook: devices' answers to commands. Anybody could send such a thing: it is read strictly.

Source: micromdm/nanomdm, service/microwebhook/event.go (`mdm.Connect` with an `acknowledge_event`), and Apple's
device-management (command responses). Whatever is not an answer to a command is passed over; what is no such document at
all is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final

from mdm.errors import MdmError
from mdm.model import MAX_BYTES
from mdm.push.track import Report, Said
from mdm.reading import read

MAX_BODY: Final = 4 * MAX_BYTES
"""Bytes of one call at most: base64 adds a third, and the answer tells of several apps."""
_SAID: Final = {
    "Acknowledged": Said.TAKEN,
    "NotNow": Said.NOT_NOW,
    "Error": Said.REFUSED,
    "CommandFormatError": Said.REFUSED,
}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch


def report_of(body: bytes, bundle_id: str) -> Report | None:
    """A device's answer out of one call of the webhook; None: it tells of something else (a check-in, an idle device).

    Args:
        body: of the call.
        bundle_id: the app whose config is looked for.

    Raises:
        MdmError: it is no call of NanoMDM's webhook, or what it carries contradicts itself.
    """
    event = _event(body)
    if event is None:
        return None
    status, place, command = (_text(event, name) for name in ("status", "enrollment_id", "command_uuid"))
    place = place or _text(event, "udid")
    if status == "Idle" or not command:
        return None
    if status not in _SAID or not _ID(place) or not _ID(command):
        raise MdmError("the webhook tells of no device, no command or no known status", where="webhook")
    payload = _payload(event)
    if payload.get("CommandUUID", command) != command or payload.get("Status", status) != status:
        raise MdmError("the device's answer is not the one that the webhook tells of", where="webhook")
    note = _why(payload) if _SAID[status] is Said.REFUSED else ""
    return Report(place, command, _SAID[status], _settings(payload, bundle_id), note)


def _event(body: bytes) -> dict[str, Any] | None:
    if len(body) > MAX_BODY:
        raise MdmError(f"the webhook's call is larger than {MAX_BODY >> 10} KiB", where="webhook")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise MdmError("the webhook's call is no JSON", where="webhook") from None
    if not isinstance(document, dict) or not isinstance(document.get("topic"), str):
        raise MdmError("the webhook's call has no topic", where="webhook")
    event = document.get("acknowledge_event")
    if event is None:
        return None
    if not isinstance(event, dict):
        raise MdmError("the webhook's acknowledge_event is no object", where="webhook")
    return event


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name, "")
    if not isinstance(value, str):
        raise MdmError(f"the webhook's {name} is no text", where="webhook")
    return value


def _payload(event: dict[str, Any]) -> dict[str, Any]:
    raw = _text(event, "raw_payload")
    if not raw:
        return {}
    try:
        content = base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        raise MdmError("the webhook's raw_payload is no base64", where="webhook") from None
    return read(content, "raw_payload").settings


def _settings(payload: dict[str, Any], bundle_id: str) -> dict[str, Any] | None:
    """The app's config out of an answer to ManagedApplicationConfiguration; None: it tells of none."""
    listed = payload.get("ApplicationConfigurations")
    if listed is None:
        return None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise MdmError("ApplicationConfigurations is no list of dictionaries", where="raw_payload")
    mine = [one for one in listed if one.get("Identifier") == bundle_id]
    if len(mine) > 1:
        raise MdmError(f"{bundle_id} stands twice in ApplicationConfigurations", where="raw_payload")
    settings = mine[0].get("Configuration", {}) if mine else None
    if settings is not None and not isinstance(settings, dict):
        raise MdmError("Configuration is no dictionary", where="raw_payload")
    return settings


def _why(payload: dict[str, Any]) -> str:
    chain = payload.get("ErrorChain")
    first = chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], dict) else {}
    told = first.get("USEnglishDescription") or first.get("LocalizedDescription") or ""
    text = "".join(c if c.isprintable() else "?" for c in str(told)[:200])
    code = first.get("ErrorCode")
    return "the device refused" + (f" ({code})" if isinstance(code, int) else "") + (f": {text}" if text else "")
