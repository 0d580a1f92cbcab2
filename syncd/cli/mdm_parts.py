"""What the commands of `mdm` share: the section of the configuration, and differences between configs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.markup import escape

from mdm.merge import Difference
from mdm.model import Value
from syncd.bootstrap import App
from syncd.cli.common import out
from syncd.config_mdm import MdmConfig
from syncd.errors import UsageError

_SIGN = {"added": "[green]+[/]", "changed": "[yellow]~[/]", "kept": "[dim]=[/]"}


def config_of(app: App) -> MdmConfig:
    """The section.

    Raises:
        UsageError: there is none.
    """
    if app.config.mdm is None:
        cure = "add `mdm: {bundle_id: …, vendors: […]}`; see config.example.yaml"
        raise UsageError("the configuration has no `mdm`", cure=cure)
    return app.config.mdm


def difference(one: Difference) -> dict[str, Any]:
    """As a program reads it."""
    return {"key": one.key, "what": one.what, "before": _plain(one.before), "after": _plain(one.after)}


def _plain(value: Value) -> Any:
    """As JSON has it; dates and data as text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _sides(one: Difference) -> list[str]:
    return [str(_plain(value)) for value in ([one.after] if one.what == "added" else [one.before, one.after])]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"  # noqa: PLR2004 - a screen's width is no constant of ours


def show_differences(differences: Iterable[Difference], indent: str = "") -> None:
    """One line a key."""
    for one in differences:
        values = " → ".join(escape(_short(value)) for value in dict.fromkeys(_sides(one)))
        out.print(f"{indent}{_SIGN[one.what]} {escape(one.key)}: {values}", soft_wrap=not out.is_terminal)
