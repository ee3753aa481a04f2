"""Charts as SVG and PNG, drawn in this process with the fonts of the layout; and how they look.

Every process of the platform loads this with the definitions, but only one that makes a report draws: altair, a tenth
of their loading, is imported by what draws.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtm_platform.health.customer_health import STATUSES
from gtm_platform.reports.content import Chart
from gtm_platform.serving.wording import words

if TYPE_CHECKING:
    import altair as alt

FONTS = Path(__file__).parent / "layout" / "fonts"
FAMILY = "Report Sans"  # exactly that of the files: text of any other family is not drawn at all
COLOURS = dict(zip(STATUSES, ("#2b8a5e", "#e0a100", "#e8590c", "#c92a2a"), strict=True))
TITLES = {status: words(status) for status in STATUSES}
INK, MUTED, RULE, ACCENT, LOSS = "#1f2124", "#6f757c", "#e4e5e2", "#2f6f8f", "#c92a2a"
HALF, WHOLE = 290, 735  # pixels of a drawing's plot, labels not counted
PICTURE_SCALE = 2.0
LOOK = {
    "font": FAMILY,
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelFont": FAMILY,
        "titleFont": FAMILY,
        "labelFontSize": 11,
        "labelColor": MUTED,
        "gridColor": RULE,
        "domainColor": RULE,
        "tickColor": RULE,
        "title": None,
        "labelPadding": 6,
    },
    "legend": {
        "labelFont": FAMILY,
        "labelFontSize": 11,
        "labelColor": INK,
        "title": None,
        "orient": "top",
        "direction": "horizontal",
        "symbolType": "circle",
        "offset": 4,
    },
    "text": {"font": FAMILY, "fontSize": 11, "color": INK},
}

Points = Sequence[Mapping[str, Any]]
Drawing = Any  # of altair


def svg(chart: Chart) -> str:
    """Return a chart as SVG that scales with its place, with its words for who cannot see it."""
    drawn = _svg(_specification(chart))
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', drawn)
    assert size
    return drawn.replace(size[0], f'role="img" style="max-width:{size[1]}px"', 1)


def png(chart: Chart) -> bytes:
    """Return a chart as a picture on white."""
    import vl_convert

    specification = _specification(chart)
    specification["config"] = {**specification["config"], "background": "#ffffff", "padding": 16}
    _register_fonts()
    return vl_convert.vegalite_to_png(specification, scale=PICTURE_SCALE)


def _svg(specification: dict[str, Any]) -> str:
    import vl_convert

    _register_fonts()
    return vl_convert.vegalite_to_svg(specification)


def _specification(chart: Chart) -> dict[str, Any]:
    specification: dict[str, Any] = chart.drawing.to_dict()
    return {**specification, "config": LOOK}


@cache
def _register_fonts() -> None:
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))


def status_scale() -> alt.Scale:
    """Return the colours of the health statuses, from healthy on."""
    import altair as alt

    return alt.Scale(domain=[TITLES[status] for status in STATUSES], range=list(COLOURS.values()))


def _chart(points: Points, width: int, height: int | alt.Step) -> Any:
    """Return an empty chart of points; what altair makes of one is typed loosely."""
    import altair as alt

    return alt.Chart(alt.Data(values=list(points)), width=width, height=height)  # type: ignore[no-untyped-call]


def bars(points: Points, *, width: int = HALF, colour: str = ACCENT, colours: alt.Scale | None = None) -> Drawing:
    """Return horizontal bars in the order of the points: `name`, `value`, and `label` at the end of each."""
    import altair as alt

    names = [point["name"] for point in points]
    most = max((point["value"] for point in points), default=0) or 1
    place = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.32]))
    row = alt.Y("name:N", sort=names, axis=alt.Axis(ticks=False, domain=False, labelLimit=150, labelColor=INK))
    fill = alt.Color("name:N", scale=colours, legend=None) if colours else alt.value(colour)
    base = _chart(points, width, alt.Step(26))
    drawn = base.mark_bar(height=14, cornerRadiusEnd=3).encode(x=place, y=row, color=fill)
    return drawn + base.mark_text(align="left", dx=6).encode(x=place, y=row, text="label:N")


def stacked_bars(points: Points, names: Sequence[str], currency: str, *, width: int = HALF) -> Drawing:
    """Return bars of money by status: points have `name`, `status`, `order`, `value`."""
    import altair as alt

    return (
        _chart(points, width, alt.Step(26))
        .mark_bar(height=14)
        .encode(
            x=alt.X("value:Q", axis=money_axis(currency)),
            y=alt.Y(
                "name:N", sort=list(names), axis=alt.Axis(ticks=False, domain=False, labelLimit=150, labelColor=INK)
            ),
            color=alt.Color("status:N", scale=status_scale(), legend=None),
            order=alt.Order("order:Q"),
        )
    )


def shares(points: Points, *, width: int = WHOLE, height: int = 130) -> Drawing:
    """Return the shares of the statuses day by day: points have `day`, `status`, `order`, `value`."""
    import altair as alt

    return (
        _chart(points, width, height)
        .mark_area(interpolate="linear", opacity=0.9)
        .encode(
            x=_days(points),
            y=alt.Y("value:Q", stack="normalize", axis=alt.Axis(format="%", tickCount=4)),
            color=alt.Color("status:N", scale=status_scale()),
            order=alt.Order("order:Q"),
        )
    )


def money_axis(symbol: str) -> alt.Axis:
    """Return an axis of amounts: $0, $40k, $1.2M."""
    import altair as alt

    return alt.Axis(tickCount=4, labelExpr=f"'{symbol}' + format(datum.value, '.4~s')")


def line(
    points: Points, axis: alt.Axis, *, width: int = WHOLE, height: int = 130, zero: bool = False, colour: str = ACCENT
) -> Drawing:
    """Return a line over days: points have `day` and `value`."""
    import altair as alt

    values = alt.Y("value:Q", scale=alt.Scale(zero=zero, nice=True), axis=axis)
    base = _chart(points, width, height).encode(x=_days(points), y=values)
    return base.mark_line(interpolate="linear", color=colour, strokeWidth=2) + base.mark_point(
        filled=True, size=18, color=colour, opacity=1
    )


def _days(points: Points) -> alt.X:
    import altair as alt

    count = len({point["day"] for point in points})
    return alt.X(
        "day:T",
        scale=alt.Scale(type="utc", nice=False),
        axis=alt.Axis(format="%-d %b", tickCount=min(count, 7), grid=False, labelFlush=True),
    )


def steps(points: Points, currency: str, *, width: int = WHOLE, height: int = 190) -> Drawing:
    """Return a waterfall: points have `name`, `begin`, `end`, `label`, `colour`."""
    import altair as alt

    names = [point["name"] for point in points]
    base = _chart(points, width, height)
    lowest = min(min(point["begin"], point["end"]) for point in points[1:-1]) if len(points) > 2 else 0
    highest = max(max(point["begin"], point["end"]) for point in points)
    floor = max(0.0, lowest - (highest - lowest) * 0.6)
    scale = alt.Scale(domain=[floor, highest + (highest - floor) * 0.12], clamp=True, nice=False, zero=False)
    place = alt.X("name:N", sort=names, axis=alt.Axis(labelAngle=0, ticks=False, labelColor=INK))
    axis = money_axis(currency)
    drawn = base.mark_bar(size=56, cornerRadius=2).encode(
        x=place,
        y=alt.Y("begin:Q", scale=scale, axis=axis),
        y2="end:Q",
        color=alt.Color("colour:N", scale=None),
    )
    top = base.transform_calculate(top="max(datum.begin, datum.end)")
    return drawn + top.mark_text(dy=-8).encode(x=place, y=alt.Y("top:Q", scale=scale), text="label:N")
