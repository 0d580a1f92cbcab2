"""Secrets: named in the configuration, kept elsewhere, read at the moment of use and never shown.

May not: hold a secret's value in any attribute. What was never stored cannot be printed, dumped or logged.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from syncd.config_file import Located, faults
from syncd.errors import UsageError

if TYPE_CHECKING:
    from typing import Self

MAX_BYTES = 1 << 16
CURE = "write `{env: NAME}` (an environment variable) or `{file: PATH}` (a file that only the daemon's user can read)"


class SecretError(UsageError):
    """A secret cannot be read. The message says why and what to do, and never what the secret is."""


class Secret(Located):
    """Where a secret is kept: in an environment variable or in a file, exactly one of them."""

    env: str | None = Field(
        default=None,
        description="Name of the environment variable that holds the secret, read each time it is needed.",
    )
    file: str | None = Field(
        default=None,
        description="Path of the file that holds the secret, relative to the configuration file; one line-end at its "
        "end is ignored. Refused when its group or others may read it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _only_by_name(cls, value: Any) -> Any:
        # Whatever stands here may be the secret itself: no message of this class repeats it.
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise faults(f"a secret does not stand in the configuration itself: {CURE}")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise faults(f"a secret needs one of `env` and `file`: {CURE}")
        if self.env is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.env):
            raise faults(
                "`env` is not the name of an environment variable (letters, digits and _): give the variable's name"
            )
        if self.file is not None and not self.file.strip():
            raise faults("`file` is empty: give the path of the file that holds the secret")
        return self

    def reveal(self) -> str:
        """The secret, read now.

        Raises:
            SecretError: it is missing, empty, unreadable, or readable by people it is not meant for.
        """
        return (
            self._from_environment(self.env) if self.env is not None else self._from_file(self._base / str(self.file))
        )

    def problems(self) -> list[str]:
        """Why the secret could not be read at this moment, as sentences with a cure; empty when all is well."""
        try:
            self.reveal()
        except SecretError as error:
            return [str(error)]
        return []

    @staticmethod
    def _from_environment(name: str) -> str:
        value = os.environ.get(name)
        if not value:
            how = "is not set" if value is None else "is empty"
            raise SecretError(f"the environment variable {name} {how}: set it where syncd is started")
        return value

    @staticmethod
    def _from_file(path: Path) -> str:
        try:
            with path.open("rb") as file:
                # Asked of the open file, so that what was checked is what is read.
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    raise SecretError(f"the secret file {path} is not a plain file: give the path of one")
                if state.st_mode & 0o077:
                    mode = stat.S_IMODE(state.st_mode)
                    raise SecretError(f"the secret file {path} is open to others (mode {mode:04o}): chmod 600 '{path}'")
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SecretError(f"the secret file {path} cannot be read ({why}): check the path and its owner") from None
        return _secret_text(content, path)


def _secret_text(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(content) > MAX_BYTES:
        raise SecretError(f"the secret file {path} is not a text file with a secret: write the secret into it as UTF-8")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretError(f"the secret file {path} is empty: write the secret into it")
    return text
