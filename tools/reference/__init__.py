"""Pages of the documentation that are made from the code, so that they cannot say anything else: file -> text, as Markdown."""

from __future__ import annotations

from pathlib import Path

from tools.reference import api, commands, configuration, exits


def pages() -> dict[str, str]:
    """All of them, by their places below `reference/`."""
    return {
        "configuration.md": configuration.page(),
        "example.md": _example(),
        "commands.md": commands.page(),
        "api.md": api.page(),
        "exit-codes.md": exits.page(),
    }


def _example() -> str:
    text = (Path(__file__).parents[2] / "config.example.yaml").read_text(encoding="utf-8")
    return f"# The example configuration\n\nEach key is told of in the [reference](configuration.md).\n\n```yaml\n{text}```\n"
