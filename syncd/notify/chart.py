"""The picture in the weekly digest: changes a day, by kind. A PNG of a few kilobytes, which every mail reader shows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_SIZE: Final = (640, 260)
_LEFT, _TOP, _BOTTOM = 56, 44, 222
_COLOURS: Final = {
    "create": ("#2f7d4f", "new"),
    "update": ("#4c78a8", "changed"),
    "email_change": ("#8a6fb3", "email"),
    "remove_member": ("#c9a227", "out of groups"),
    "delete": ("#c0392b", "deleted"),
}
"""In the order in which they are stacked; they differ in brightness as well."""


def chart(days: Mapping[str, Mapping[str, int]]) -> bytes:
    """A stacked bar for each day."""
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    small = ImageFont.load_default(13)
    most = max((sum(kinds.values()) for kinds in days.values()), default=0) or 1
    right = _SIZE[0] - 16
    for part in sorted({0, most // 2, most}):
        y = _BOTTOM - (_BOTTOM - _TOP) * part / most
        draw.line([(_LEFT, y), (right, y)], fill="#dddddd")
        draw.text((_LEFT - 8, y), f"{part}", fill="#555555", font=small, anchor="rm")
    step = (right - _LEFT) / max(len(days), 1)
    for place, (day, kinds) in enumerate(days.items()):
        middle, y = _LEFT + step * (place + 0.5), float(_BOTTOM)
        for kind, (colour, _) in _COLOURS.items():
            height = (_BOTTOM - _TOP) * kinds.get(kind, 0) / most
            if height:
                draw.rectangle([(middle - step * 0.3, y - height), (middle + step * 0.3, y)], fill=colour)
            y -= height
        draw.text((middle, _BOTTOM + 14), day, fill="#333333", font=small, anchor="mm")
    _legend(draw, small)
    stream = io.BytesIO()
    image.quantize(32).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _legend(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> None:
    x = float(_LEFT)
    for colour, name in _COLOURS.values():
        draw.rectangle([(x, 14), (x + 11, 25)], fill=colour)
        draw.text((x + 17, 20), name, fill="#333333", font=font, anchor="lm")
        x += 17 + font.getlength(name) + 22
