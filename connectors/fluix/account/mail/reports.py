"""What a message says of mails that did not arrive (RFC 3464).

Pure, and ready for anything: whoever likes can write to a mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Literal

from connectors.fluix.account.mail.texts import clean

MAX_BYTES = 1 << 20
"""Of a message so much is read: a report stands at its beginning, before what it returns."""
_SAID_MAX = 500

_FAILED = re.compile(r"\s*5\.\d{1,3}\.\d{1,3}(?!\d)")
_REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class Report:
    """What one message is."""

    kind: Literal["failed", "other", "junk"]
    """`other`: a report, but not of a mail that failed for good (delayed, delivered)."""
    message_id: str = ""
    said: str = ""


def read_report(content: bytes) -> Report:
    """What a message says; `junk` when it is no delivery report, whatever else it may be."""
    try:
        # The headers alone first: what is no report is not taken apart, however it is nested.
        if BytesHeaderParser().parsebytes(content[:MAX_BYTES]).get_content_type() != "multipart/report":
            return Report("junk")
        return _report(message_from_bytes(content[:MAX_BYTES]))
    except Exception:  # noqa: BLE001 - the parser knows more ways to fail on a hostile message than it tells
        return Report("junk")


def _report(message: Message) -> Report:
    kind = message.get_param("report-type")
    if (
        not message.is_multipart()
        or not isinstance(kind, str)
        or kind.lower() not in {"delivery-status", "global-delivery-status"}
    ):
        return Report("junk")
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    blocks = [block for part in parts if part.get_content_type() in _REPORTS for block in _blocks(part)]
    ids = [found for part in parts if part.get_content_type() in _RETURNED if (found := _message_id(part))]
    if not blocks or not ids:
        return Report("junk")
    for block in blocks:
        status = str(block.get("Status", ""))
        if str(block.get("Action", "")).strip().lower() == "failed" and _FAILED.match(status):
            said = clean(str(block.get("Diagnostic-Code", "")).partition(";")[2]) or f"status {clean(status)}"
            return Report("failed", ids[0], said[:_SAID_MAX])
    return Report("other", ids[0])


def _blocks(part: Message) -> Iterator[Message]:
    """One for the message, and one for each recipient."""
    payload = part.get_payload()
    if part.get_content_type() == "message/delivery-status" and isinstance(payload, list):
        yield from (block for block in payload if isinstance(block, Message))
        return
    text = part.as_string().partition("\n\n")[2]
    for block in _BLANK_LINE.split(text):
        yield message_from_string(block.strip())


def _message_id(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        returned = payload[0]
    else:
        decoded = part.get_payload(decode=True)
        returned = message_from_bytes(decoded if isinstance(decoded, bytes) else str(payload).encode())
    assert isinstance(returned, Message)
    return str(returned.get("Message-ID", "")).strip()
