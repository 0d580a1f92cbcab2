"""The documentation as a site that needs no network: `python -m tools.site [FOLDER]`.

The pages are those of the repository, at their own places, so that links between them are the same here and there; beside
them stand those of `reference/`, which are made from the code. A link that leads nowhere ends the build.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from mkdocs.commands.build import build
from mkdocs.config import load_config

from tools import reference

ROOT: Final = Path(__file__).parent.parent
ALSO: Final = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "config.example.yaml",
    "examples/README.md",
    "deploy/alerts.yaml",
    "deploy/grafana-dashboard.json",
)
"""What pages lead to, beside those in docs/."""

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "For you": ("it-teams", "identity-providers", "mdm-admins"),
    "The real Fluix": ("portal", "scim", "guide"),
    "Operations": ("operations", "console", "watching", "scaling"),
    "Safety": ("safety", "faults", "security"),
}
"""Which of docs/ stand together, in this order; what is not there is left out, what is in none stands under *More*."""

REFERENCE: Final = ("configuration", "example", "commands", "exit-codes", "api")
MADE: Final = ("metrics", "events")
"""Reference that stands in docs/."""


def site(folder: Path, root: Path = ROOT) -> None:
    """Build it.

    Args:
        folder: where to; what is in it goes.
        root: the repository.

    Raises:
        mkdocs.exceptions.Abort: a link leads nowhere, or a page is in no part.
    """
    with tempfile.TemporaryDirectory(prefix="syncd-site-") as scratch:
        pages = Path(scratch) / "pages"
        gather(pages, root)
        config = load_config(
            str(Path(__file__).with_name("mkdocs.yml")),
            docs_dir=str(pages),
            site_dir=str(folder.resolve()),
            nav=navigation(pages),
        )
        config.plugins.on_startup(command="build", dirty=False)
        try:
            build(config)
        finally:
            config.plugins.on_shutdown()


def gather(pages: Path, root: Path) -> None:
    """Put every page at its place below `pages`."""
    shutil.copytree(root / "docs", pages / "docs")
    for name in ALSO:
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, pages / name)
    (pages / "reference").mkdir()
    for name, text in reference.pages().items():
        (pages / "reference" / name).write_text(text, encoding="utf-8")
    (pages / "assets").mkdir()
    shutil.copyfile(Path(__file__).with_name("site.css"), pages / "assets/site.css")


def navigation(pages: Path) -> list[dict[str, Any]]:
    """Whom it is for first; then how to run it, what it promises, what is in it, and how it is built."""
    there = {file.stem for file in (pages / "docs").glob("*.md")}
    named = {name for names in PARTS.values() for name in names} | set(MADE)
    parts: list[dict[str, Any]] = [{"Start": "README.md"}]
    for title, names in PARTS.items():
        parts.append({title: [f"docs/{name}.md" for name in names if name in there]})
    parts.append({"Reference": [f"reference/{name}.md" for name in REFERENCE] + [f"docs/{name}.md" for name in MADE]})
    if others := sorted(there - named):
        parts.append({"More": [f"docs/{name}.md" for name in others]})
    decisions = [f"docs/decisions/{file.name}" for file in sorted((pages / "docs/decisions").glob("*.md"))]
    own = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"]
    return [*parts, {"How it is built": [*own, {"Decisions": decisions}]}]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    site(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site"))
