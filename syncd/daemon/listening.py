"""The socket of the web side. It is the starter's: a request that comes while a worker is started again waits."""

from __future__ import annotations

import socket
from typing import Final

from syncd.errors import UsageError

_BACKLOG: Final = 512


def listen(address: str) -> socket.socket:
    """The socket of the web side.

    Args:
        address: HOST:PORT; port 0 takes a free one.

    Raises:
        UsageError: it cannot be had.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        cure = "end what listens there, or name another address in `serve.listen`"
        raise UsageError(f"{address} cannot be listened on: {reason}", where="serve.listen", cure=cure) from None


def shown(listener: socket.socket) -> str:
    """HOST:PORT, as it stands in an address."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
