"""A figure's past, its forecast with the interval, and the naive one, as an image in Markdown."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 480, 140, 8
PAST, AHEAD, NAIVE, BAND = "#6b7a99", "#2e6bd6", "#d98a2b", "#2e6bd6"

Value = float | int | None


@dataclass(frozen=True)
class Plot:
    """What is drawn: the past, and for each step to come the forecast, its interval and the naive one."""

    past: Sequence[float]
    forecast: Sequence[Value]
    low: Sequence[Value]
    high: Sequence[Value]
    naive: Sequence[Value]

    def markdown(self, about: str) -> str:
        """Return an image that Markdown shows."""
        encoded = base64.b64encode(self.svg().encode()).decode()
        return f"![{about}](data:image/svg+xml;base64,{encoded})"

    def svg(self) -> str:
        """Return the image: free of text, so that it says nothing that the table beside it does not."""
        last = self.past[-1] if self.past else None
        first = len(self.past) - 1
        shapes = [
            self._band(first),
            self._line([*enumerate(self.past)], PAST),
            self._line([(first, last), *enumerate(self.naive, first + 1)], NAIVE, "5 4"),
            self._line([(first, last), *enumerate(self.forecast, first + 1)], AHEAD),
        ]
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(shapes)}</svg>'

    def _place(self, number: int, value: float) -> str:
        values = [each for each in (*self.past, *self.forecast, *self.low, *self.high, *self.naive) if each is not None]
        low, high = min(values), max(values)
        steps = max(len(self.past) + len(self.forecast) - 1, 1)
        x = EDGE + (WIDTH - 2 * EDGE) * number / steps
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / ((high - low) or 1)
        return f"{x:.1f},{y:.1f}"

    def _line(self, points: Sequence[tuple[int, Value]], colour: str, dashes: str = "") -> str:
        joined = " ".join(self._place(number, value) for number, value in points if value is not None)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.6"{dashed}/>'

    def _band(self, first: int) -> str:
        upper = [(first + step, high) for step, high in enumerate(self.high, 1) if high is not None]
        lower = [(first + step, low) for step, low in enumerate(self.low, 1) if low is not None]
        if not upper or not lower:
            return ""
        last = [(first, self.past[-1])] if self.past else []
        joined = " ".join(self._place(number, value) for number, value in (*last, *upper, *reversed(lower)))
        return f'<polygon points="{joined}" fill="{BAND}" fill-opacity="0.15"/>'
