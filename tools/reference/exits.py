"""Exit codes, and the errors that lead to them, from the one place that knows both."""

from __future__ import annotations

from collections.abc import Iterator

from connectors import errors as outside
from mdm.errors import MdmError
from syncd import errors
from syncd.errors import Exit, SyncdError
from tools.reference.markdown import code, sentences, table

MEANINGS = {
    Exit.DONE: "Everything that was to be done is done.",
    Exit.FAILED: "It failed; standard error says what, where, and what to do.",
    Exit.USAGE: "The call's words, or the configuration, are wrong. Nothing was done.",
    Exit.HELD: "Something waits for a person: see `syncd show`, then `syncd approve`.",
    Exit.REFUSED: "Something is refused, whoever approves: mend it in Fluix or in the directory.",
    Exit.PARTLY: "Partly applied: something failed, the rest is done. The next run tries again.",
    Exit.PENDING: "`plan --check`: changes are pending.",
    Exit.INTERRUPTED: "A signal ended it. The next run goes on where it stopped.",
}
_INTRODUCTION = """# Exit codes and errors

A script can rely on these codes. With `--json` a command that fails prints `error` (`what`, `where`, `to_do`) and `exit_code`.
"""
_BELOW = """Every error says what is wrong, where, and what to do. What is none of these is a mistake of the program: it is
shown with its traceback, and ends with 1.
"""


def page() -> str:
    """The page."""
    codes = table(("code", "name", "means"), [(code(str(one.value)), one.name, MEANINGS[one]) for one in Exit])
    rows = [(code(kind.__name__), _code(kind), _said(kind)) for kind in _kinds()]
    return "\n".join(
        [
            _INTRODUCTION,
            codes,
            "## Errors\n",
            _BELOW,
            table(("error", "exit code", "means"), rows),
        ]
    )


def _kinds() -> Iterator[type[Exception]]:
    for root, room in ((SyncdError, errors), (outside.ConnectorError, outside)):
        yield from (
            one
            for one in vars(room).values()
            if isinstance(one, type) and issubclass(one, root) and one.__module__ == room.__name__
        )
    yield MdmError


def _code(kind: type[Exception]) -> str:
    return code(str(kind.exit_code.value if issubclass(kind, SyncdError) else Exit.FAILED.value))


def _said(kind: type[Exception]) -> str:
    return sentences((kind.__doc__ or "").partition("\n\n")[0])
