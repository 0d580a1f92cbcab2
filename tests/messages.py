"""Brings the catalogues of the console up to date with what its templates say, and compiles them: `make messages`.

What is new stands there untranslated until somebody translates it; a test fails until then.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SYNCD = Path(__file__).parent.parent / "syncd"
WEB = SYNCD / "web"
LANGUAGES = ("de",)
METHODS = [
    ("*.py", "python"),
    ("store/**.py", "python"),
    ("web/**.py", "python"),
    ("web/templates/**.html", "jinja2.ext.babel_extract"),
]
"""The console, and what it shares with commands: what that raises is shown in the console, too."""
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "word": None, "Said": None, "ngettext": (1, 2)}


def said() -> Catalog:
    """Everything that is said."""
    catalog = Catalog()
    options = {"web/templates/**.html": {"silent": "false"}}
    for _, _, message, _, _ in extract_from_dir(SYNCD, METHODS, options, keywords=KEYWORDS):
        catalog.add(message)
    return catalog


def file_of(language: str, ending: str = "po") -> Path:
    """A language's catalogue."""
    return WEB / f"translations/{language}/LC_MESSAGES/messages.{ending}"


def kept(language: str) -> Catalog:
    """A language's catalogue, as it is kept."""
    with file_of(language).open("rb") as stream:
        return read_po(stream, locale=language)


def main() -> None:
    """Update and compile."""
    for language in LANGUAGES:
        catalog = kept(language)
        catalog.update(said(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        with file_of(language).open("wb") as stream:
            write_po(stream, catalog, omit_header=False, sort_output=True, no_location=True, width=120)
        with file_of(language, "mo").open("wb") as stream:
            write_mo(stream, catalog)


if __name__ == "__main__":
    main()
