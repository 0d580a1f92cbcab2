"""One receiver, in a process of its own (`python -m syncd.notify.sending`): it can be ended, whatever it hangs in.

What is to be sent comes on standard input, with the address, which so stands in no list of processes; what became of it goes to
standard output. apprise is imported here only.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

_SHOWN: Final = 300
_PICTURE: Final = "week.png"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent; `picture` is a PNG."""

    title: str
    text: str
    picture: bytes | None = None


def send(address: str, message: Message, timeout_seconds: float) -> str:
    """Send a message. Returns what went wrong, without the address; empty when the receiver took it."""
    picture = base64.b64encode(message.picture).decode() if message.picture else None
    told = {"to": address, "title": message.title, "text": message.text, "picture": picture, "seconds": timeout_seconds}
    # Of our environment only what libraries need to find the network and their certificates.
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.lower().endswith("_proxy")}
    call = [sys.executable, "-m", "syncd.notify.sending"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            call, input=json.dumps(told), capture_output=True, text=True, timeout=timeout_seconds, check=False, env=kept
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {timeout_seconds:g} seconds"
    try:
        return _without(str(json.loads(done.stdout)["error"]), address)
    except (ValueError, KeyError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        return _without(f"it ended: {last[0]}", address)


_KEPT: Final = frozenset(
    {"PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "TZ"}
)


def _without(text: str, address: str) -> str:
    """The words without any part of the address that could be a secret."""
    parts = {unquote(part) for part in re.split(r"[/:@?&=;,]+", address)} | set(re.split(r"[/:@?&=;,]+", address))
    for part in sorted((part for part in parts if len(part) > 3), key=len, reverse=True):  # noqa: PLR2004 - shorter ones are words
        text = text.replace(part, "…")
    return text[:_SHOWN]


def main() -> None:
    """Send what stands on standard input."""
    told = json.load(sys.stdin)
    print(json.dumps({"error": _send(told)}))  # noqa: T201 - read by `send`


def _send(told: dict[str, Any]) -> str:
    import apprise  # noqa: PLC0415 - a tenth of a second, and only in this process
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415 - as above

    heard = _Heard()
    logging.getLogger("apprise").addHandler(heard)
    asset = apprise.AppriseAsset(
        app_id="fluix-syncd", app_desc="fluix-syncd", app_url="", http_redirects=False, plugin_paths=[]
    )
    receivers = apprise.Apprise(asset=asset)
    if not receivers.add(told["to"]):
        return "the address is none that apprise understands: see its documentation for the kind of receiver"
    picture = base64.b64decode(told["picture"] or "")
    took = []
    for receiver in receivers:
        receiver.socket_connect_timeout = receiver.socket_read_timeout = told["seconds"] / 2
        words = {"title": told["title"], "body": told["text"], "body_format": "text"}
        if picture:
            words["attach"] = AttachMemory(content=picture, name=_PICTURE, mimetype="image/png")  # type: ignore[no-untyped-call]
            if hasattr(receiver, "inline"):  # mail: only as HTML the picture stands in the text
                receiver.inline = True
                words |= {"body": _html(told["text"]), "body_format": "html"}
        one = apprise.Apprise(asset=asset)
        one.add(receiver)
        took.append(one.notify(**words))
    return "" if all(took) else "; ".join(heard.said) or "the receiver did not take it"


def _html(text: str) -> str:
    lines = html.escape(text).replace("\n", "<br>\n")
    return f'<p>{lines}</p>\n<p><img src="cid:{_PICTURE}" alt="Changes of each day"></p>'


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


if __name__ == "__main__":
    main()
