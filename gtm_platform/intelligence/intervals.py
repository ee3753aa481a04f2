"""Rates with their intervals as an image in Markdown, each on a line of its own, from 0 to 1."""

import base64
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, ROW, EDGE = 320, 18, 8
POINT, SPAN, TRACK = "#2e6bd6", "#6b7a99", "#e7eaee"


class Interval(NamedTuple):
    """A rate, and where the true one lies most probably."""

    rate: float
    low: float
    high: float


def markdown_intervals(rows: Sequence[Interval], about: str) -> str:
    """Return an image that Markdown shows, free of text: a table beside it has the names."""
    encoded = base64.b64encode(svg_intervals(rows).encode()).decode()
    return f"![{about}](data:image/svg+xml;base64,{encoded})"


def svg_intervals(rows: Sequence[Interval]) -> str:
    """Return the image."""
    height = ROW * len(rows) + EDGE
    shapes = [_line(EDGE, WIDTH - EDGE, _y(place), TRACK) for place in range(len(rows))]
    for place, row in enumerate(rows):
        shapes.append(_line(_x(row.low), _x(row.high), _y(place), SPAN))
        shapes.append(f'<circle cx="{_x(row.rate):.1f}" cy="{_y(place)}" r="3.5" fill="{POINT}"/>')
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(shapes)}</svg>'


def _x(share: float) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * share


def _y(place: int) -> float:
    return EDGE + ROW * place + ROW / 2 - EDGE / 2


def _line(left: float, right: float, y: float, colour: str) -> str:
    return f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>'
