"""Keeps processes up: starts them, starts them again when they end, hands signals on, ends what gives no sign of life.

It has no thread and no open store, so that a process can be forked from it at any time: what was imported is shared, and a
process is there in some milliseconds. Everything it does happens in `run`, one thing after the other.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from syncd.daemon import systemd

_LOOKS_EVERY: Final = 1.0
_STEADY: Final = 60.0
"""Seconds after which a process that ends is started again at once."""
_SLOWEST: Final = 30.0
_HEARD: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}


Sign = Callable[[], bool]
"""Gives a sign of life. Tells whether anybody hears it: where nobody does, a process has to end by itself."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one process does."""

    name: str
    main: Callable[[Sign], None]
    """Called in the new process, with what gives its signs of life: at first when it is ready."""
    silent_after: float
    """Seconds without a sign of life after which it is killed."""
    finishes: bool = False
    """Whether it ends what it does before it takes a new configuration, by itself (SIGHUP); else it is stopped (SIGTERM)."""


@dataclass(slots=True)
class _Child:
    role: Role
    pid: int = 0
    signs: int = -1
    """The end of the pipe on which it gives signs of life."""
    began: float = 0.0
    heard: float = 0.0
    ready: bool = False
    again_at: float | None = None
    pause: float = 1.0
    leaving: bool = field(default=False)
    """Whether it is not started again."""
    asked: bool = field(default=False)
    """Whether it was told to end."""


class Supervisor:
    """Keeps what `roles` says up.

    Args:
        roles: of the present configuration.
        reload: reads the configuration anew; tells what is wrong by itself, and returns None then.
        note: told what is worth a line.
        drain_seconds: how long a process that is stopped has.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        reload: Callable[[], Sequence[Role] | None],
        note: Callable[[str], None],
        drain_seconds: Callable[[], float],
    ) -> None:
        self._children = [_Child(role) for role in roles]
        self._reload = reload
        self._note = note
        self._drain_seconds = drain_seconds
        self._told_ready = False
        self._watchdog = systemd.watchdog_seconds()

    def run(self) -> None:
        """Until SIGTERM or SIGINT; then everything has ended."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        gc.freeze()
        try:
            self._look()
            while True:
                heard = signal.sigtimedwait(_HEARD, self._wait())
                number = heard.si_signo if heard else 0
                if number in {signal.SIGTERM, signal.SIGINT}:
                    return
                if number == signal.SIGHUP:
                    self._take_configuration()
                self._look()
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _wait(self) -> float:
        return min(_LOOKS_EVERY, self._watchdog / 3) if self._watchdog else _LOOKS_EVERY

    def _look(self) -> None:
        """Bury who ended, start who is due, listen for signs of life."""
        self._bury()
        now = time.monotonic()
        for child in list(self._children):
            if not child.pid and child.leaving:
                self._children.remove(child)
            elif not child.pid and (child.again_at is None or now >= child.again_at):
                self._start(child)
            elif child.pid:
                self._listen(child, now)
        ready = all(child.ready for child in self._children if not child.leaving)
        if ready:
            self._let_go()
        if ready and not self._told_ready:
            systemd.notify(systemd.READY)
            self._told_ready = True
        if self._watchdog:
            systemd.notify(systemd.WATCHDOG)

    def _bury(self) -> None:
        for child in self._children:
            if child.pid and (ended := os.waitpid(child.pid, os.WNOHANG))[0]:
                os.close(child.signs)
                now, code = time.monotonic(), os.waitstatus_to_exitcode(ended[1])
                child.pid, child.signs, child.ready = 0, -1, False
                if now - child.began > _STEADY:
                    child.pause = 1.0
                if child.leaving or (code == 0 and child.role.finishes):
                    child.again_at = now
                    continue
                child.again_at = now + child.pause
                child.pause = min(child.pause * 2, _SLOWEST)
                self._note(f"the process `{child.role.name}` ended (exit {code}) and is started again")

    def _start(self, child: _Child) -> None:
        reads, writes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        sys.stdout.flush()
        sys.stderr.flush()
        child.pid = os.fork()
        if child.pid == 0:
            os.close(reads)  # only the supervisor hears, so that its end is heard
            self._become(child.role, writes)
        os.close(writes)
        child.signs = reads
        child.began = child.heard = time.monotonic()
        child.again_at = None

    def _become(self, role: Role, writes: int) -> None:
        """In the new process: do what the role says, and end."""
        code = 1
        try:
            os.setpgid(0, 0)  # what a terminal sends to stop us does not stop it before us
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
            for other in self._children:
                if other.signs >= 0:
                    os.close(other.signs)
            with contextlib.suppress(OSError):
                Path("/proc/self/comm").write_text(f"syncd {role.name}", encoding="utf-8")
            role.main(lambda: _sign(writes))
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001 - it ends here, whatever it is
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                atexit._run_exitfuncs()  # noqa: SLF001 - what the process wants done at its end; `_exit` leaves it out
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _listen(self, child: _Child, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            if os.read(child.signs, 4096):
                child.heard, child.ready = now, True
        if now - child.heard > child.role.silent_after:
            self._note(
                f"the process `{child.role.name}` gave no sign of life for {now - child.heard:.0f} s and is killed"
            )
            child.heard = now
            os.kill(child.pid, signal.SIGKILL)

    def _take_configuration(self) -> None:
        """New processes with the new configuration; the old ones end as soon as these are ready: somebody always answers."""
        systemd.notify(systemd.RELOADING)
        roles = self._reload()
        if roles is not None:
            staying = {child.role.name: child for child in self._children if child.role.finishes and not child.leaving}
            for child in self._children:
                child.leaving = True
            for role in roles:
                if kept := staying.get(role.name):
                    kept.role, kept.leaving = role, False
                    if kept.pid:
                        os.kill(kept.pid, signal.SIGHUP)
                else:
                    new = _Child(role)
                    self._children.append(new)
                    self._start(new)
        self._told_ready = False

    def _let_go(self) -> None:
        """Ask those that leave to end."""
        for child in self._children:
            if child.leaving and child.pid and not child.asked:
                child.asked = True
                os.kill(child.pid, signal.SIGTERM)

    def _stop(self) -> None:
        systemd.notify(systemd.STOPPING)
        for child in self._children:
            child.leaving = True
        self._let_go()
        end = time.monotonic() + self._drain_seconds()
        while any(child.pid for child in self._children):
            left = end - time.monotonic()
            if left <= 0:
                for child in self._children:
                    if child.pid:
                        self._note(f"the process `{child.role.name}` did not end in time and is killed")
                        os.kill(child.pid, signal.SIGKILL)
                end = float("inf")
            signal.sigtimedwait({signal.SIGCHLD}, min(max(left, 0.01), _LOOKS_EVERY))
            self._bury()


def _sign(writes: int) -> bool:
    try:
        os.write(writes, b".")
    except BrokenPipeError:
        return False
    except BlockingIOError:
        pass  # it did not listen for long, but is there
    return True
