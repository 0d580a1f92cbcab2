"""Lines in a plane, as SVG that stands inside a page: both axes in powers of ten, colours by the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 12, 30

Points = Sequence[tuple[float, float]]


def lines(series: Mapping[str, Points], unit: str) -> str:
    """A chart of several lines.

    Args:
        series: name -> points (how many, how much), both above 0.
        unit: of the upright axis.
    """
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    across, up = _axis(xs), _axis(ys)

    def at(x: float, y: float) -> str:
        return f"{LEFT + _part(x, across) * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - _part(y, up) * (HEIGHT - TOP - BOTTOM):.1f}"

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(", ".join(series))}, {escape(unit)}">'
    ]
    for power in range(across[0], across[1] + 1):
        x, y = at(10.0**power, 10.0 ** up[0]).split(",")
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP}" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{HEIGHT - 10}" text-anchor="middle">{_short(10.0**power)}</text>')
    for power in range(up[0], up[1] + 1):
        x, y = at(10.0 ** across[0], 10.0**power).split(",")
        parts.append(f'<line class="grid" x1="{x}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{_short(10.0**power)} {escape(unit)}</text>'
        )
    for number, points in enumerate(series.values()):
        places = " ".join(at(x, y) for x, y in sorted(points))
        parts.append(f'<polyline class="line of{number % 4}" points="{places}"/>')
        parts += [
            f'<circle class="dot of{number % 4}" cx="{x}" cy="{y}" r="3.5"/>'
            for x, y in (p.split(",") for p in places.split())
        ]
    return "".join([*parts, "</svg>"])


def _axis(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around all of them."""
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return low, max(high, low + 1)


def _part(value: float, axis: tuple[int, int]) -> float:
    return (math.log10(value) - axis[0]) / (axis[1] - axis[0])


def _short(value: float) -> str:
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
