"""Small plots of a daily figure: an image within Markdown, and a line of text for a cell of a table."""

import base64
from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 320, 72, 6
BARS = "▁▂▃▄▅▆▇█"
LINE, EXPECTED, ODD = "#6b7a99", "#2e9e6b", "#d64545"


def text_plot(values: Sequence[float | None]) -> str:
    """Return a bar for each value, from nothing to the largest; a day without one is a blank."""
    top = max((value for value in values if value is not None), default=0) or 1
    bars = (" " if value is None else BARS[int(max(value, 0) / top * (len(BARS) - 1))] for value in values)
    return "".join(bars)


def markdown_plot(values: Sequence[float | None], expected: float, about: str) -> str:
    """Return an image that Markdown shows; a gap in the line is a day without a value."""
    encoded = base64.b64encode(svg_plot(values, expected).encode()).decode()
    return f"![{about}](data:image/svg+xml;base64,{encoded})"


def svg_plot(values: Sequence[float | None], expected: float) -> str:
    """Return the image: text free, so that it says nothing that the table beside it does not."""
    present = [value for value in values if value is not None]
    low, high = min([*present, expected]), max([*present, expected])
    steps, span = max(len(values) - 1, 1), (high - low) or 1

    def place(number: int, value: float) -> tuple[float, float]:
        x = EDGE + (WIDTH - 2 * EDGE) * number / steps
        return round(x, 1), round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / span, 1)

    points = [None if value is None else place(number, value) for number, value in enumerate(values)]
    shapes = [_line(run) for run in _runs(points)]
    shapes.append(_dot(place(len(values) - 1, expected), EXPECTED))
    if points and points[-1]:
        shapes.append(_dot(points[-1], ODD))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(shapes)}</svg>'


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The points between two gaps, those of each together."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _line(points: Sequence[tuple[float, float]]) -> str:
    joined = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{LINE}" stroke-width="1.5"/>'


def _dot(place: tuple[float, float], color: str) -> str:
    return f'<circle cx="{place[0]}" cy="{place[1]}" r="3.5" fill="{color}"/>'
