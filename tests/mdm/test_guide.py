"""docs/mdm-admins.md says what the ZIP says."""

from __future__ import annotations

import os

from mdm.vendors import VENDORS
from tests.mdm import guide


def test_the_page_is_made_from_the_same_texts_as_the_instructions() -> None:
    head, _, written = guide.FILE.read_text(encoding="utf-8").partition(guide.BEGIN)
    if os.environ.get("UPDATE_GOLDEN"):
        guide.FILE.write_text(head + guide.BEGIN + guide.made(), encoding="utf-8")
        return
    assert written == guide.made()


def test_every_product_has_a_page_and_unverified_things_are_marked() -> None:
    text = guide.FILE.read_text(encoding="utf-8")
    for vendor in VENDORS.values():
        section = text[text.index(f'<a id="{vendor.name}">') :].partition("\n<a id")[0]
        assert ("**not verified**" in section) == (not (vendor.token_verified and vendor.form_verified))
        assert "1. " in section
