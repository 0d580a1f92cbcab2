"""docs/mdm-admins.md, whose part about each product is made from `mdm.steps`: what the ZIP says and the page says is one text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mdm.steps import FILES, INTERFACES, steps
from mdm.vendors import VENDORS, Vendor

FILE = Path(__file__).parent.parent.parent / "docs/mdm-admins.md"
BEGIN = "<!-- made from mdm/steps.py: UPDATE_GOLDEN=1 make test ARGS=tests/mdm -->\n"


def made() -> str:
    """The made part."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| product | name here | form | variable for the email |"
    yield "| --- | --- | --- | --- |"
    for vendor in VENDORS.values():
        yield f"| [{vendor.title}](#{vendor.name}) | `{vendor.name}` | {_form(vendor)} | {_token(vendor)} |"
    for vendor in VENDORS.values():
        yield from _section(vendor)


def _section(vendor: Vendor) -> Iterator[str]:
    yield from ("", f'<a id="{vendor.name}"></a>', f"### {vendor.title}")
    yield f"Form: {_form(vendor)}. Variable: {_token(vendor)}, seen in: {vendor.source}."
    if vendor.note:
        yield vendor.note
    if not vendor.per_device and not vendor.offered:
        yield f"So it is used only with a variable of yours: `tokens: {{{vendor.name}: …}}`. Look it up in the product's documentation."
    if files := FILES[vendor.form]:
        yield f"Files: {', '.join(f'`vendors/{vendor.name}/{name}`' for name in files)}."
    yield ""
    for number, step in enumerate(steps(vendor, vendor.token), 1):
        yield f"{number}. {step}"
    if vendor.name in INTERFACES:
        name, call = INTERFACES[vendor.name]
        yield from ("", f"For those who script it: `{name}` is the body of {call}.")


def _form(vendor: Vendor) -> str:
    form = vendor.form.value.replace("<dict>…</dict>", "`<dict>…</dict>`")
    return form + ("" if vendor.form_verified else " (**not verified**)")


def _token(vendor: Vendor) -> str:
    if vendor.per_device:
        return "none: a file for each device"
    if not vendor.token:
        return "**not verified**, none is known"
    others = "".join(f" or `{other}`" for other in vendor.other_tokens)
    return f"`{vendor.token}`{others}" + ("" if vendor.token_verified else " (**not verified**)")
