"""What the system's manager is told: that we are ready, reload, stop, and live (sd_notify, for `Type=notify`)."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

READY: Final = "READY=1"
RELOADING: Final = "RELOADING=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"


def notify(state: str) -> bool:
    """Tell the manager something; returns whether there is one. It never keeps us from our work."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
        to.connect("\0" + path[1:] if path.startswith("@") else path)
        to.sendall(state.encode())
        return True
    return False


def watchdog_seconds() -> float | None:
    """How often the manager wants a sign of life; None: it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdigit() and int(microseconds) else None
