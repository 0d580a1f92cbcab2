"""The process that keeps Samba for `tests/samba.py`: starts it, forwards two free ports to it, stops it with its last user.

Samba listens on the standard ports only. Where somebody else has them (a directory server that listens on all addresses),
it gets a network of its own: the listening sockets were opened before, and still belong to everybody's.

Called with: the folder, the address, `apart` or `together`, and Samba's command.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import functools
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

PORTS = (389, 636)
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP_AND_RUNNING = 0x41


def own_network() -> None:
    """Leave everybody's network for an empty one with a loopback of its own.

    Raises:
        OSError: this process may not.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP_AND_RUNNING))


def main(folder: Path, address: str, network: str, samba: list[str]) -> None:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    if network == "apart":
        own_network()
    with (folder / "users").open() as users, (folder / "samba.out").open("w") as out:
        running = subprocess.Popen(samba, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            written = folder / "ports.new"
            written.write_text(" ".join(str(listener.getsockname()[1]) for listener in listeners))
            written.rename(folder / "ports")
            asyncio.run(_serve(listeners, address, users.fileno()))
        finally:
            running.terminate()
            running.wait()


async def _serve(listeners: list[socket.socket], address: str, users: int) -> None:
    for listener, port in zip(listeners, PORTS, strict=True):
        await asyncio.start_server(functools.partial(_forward, address, port), sock=listener)
    # Every user holds it shared: it is ours when there are none left.
    await asyncio.to_thread(fcntl.flock, users, fcntl.LOCK_EX)


async def _forward(address: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        from_samba, to_samba = await asyncio.open_connection(address, port)
    except OSError:  # not up yet
        writer.close()
        return
    with contextlib.suppress(asyncio.CancelledError):  # everything ends: asyncio would print a traceback
        await asyncio.gather(_pump(reader, to_samba), _pump(from_samba, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass  # broken, or everything ends: the other side is told by the end of the stream
    finally:
        writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
