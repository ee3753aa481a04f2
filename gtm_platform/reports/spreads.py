"""How customers and MRR are spread: charts that several reports have."""

from gtm_platform.health.customer_health import STATUSES
from gtm_platform.reports.content import Chart
from gtm_platform.reports.drawing import HALF, TITLES, WHOLE, bars, line, money_axis, stacked_bars
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.wording import money, short_money
from gtm_platform.serving.wording import symbol

NO_MEMBER = "none"


def members_by_mrr(figures: Figures, dimension: str) -> list[str]:
    """Return the members of a dimension, the one with the most MRR first; "" are customers without."""
    mrr = figures.by("mrr", dimension)
    return sorted(mrr, key=lambda member: (-(mrr[member] or 0), member))


def mrr_by_health(figures: Figures, dimension: str, title: str, *, wide: bool = False) -> Chart:
    """Return the MRR of each member of a dimension, split by health."""
    by_status = {status: figures.by("mrr", dimension, where=f"health_status = '{status}'") for status in STATUSES}
    totals = figures.by("mrr", dimension)
    members = [member for member in members_by_mrr(figures, dimension) if totals[member]]
    points = [
        {
            "name": member or NO_MEMBER,
            "status": TITLES[status],
            "order": order,
            "value": by_status[status].get(member) or 0,
        }
        for member in members
        for order, status in enumerate(STATUSES)
    ]
    text = ", ".join(f"{member or NO_MEMBER}: {money(totals[member], figures.currency)}" for member in members)
    names = [member or NO_MEMBER for member in members]
    drawing = stacked_bars(points, names, symbol(figures.currency), width=WHOLE - 60 if wide else HALF)
    return Chart(title, drawing, text, wide)


def money_by(figures: Figures, values: dict[str, float | None], title: str) -> Chart:
    """Return amounts of the members of a dimension as bars, the largest first."""
    members = sorted(values, key=lambda member: (-(values[member] or 0), member))
    points = [
        {
            "name": member or NO_MEMBER,
            "value": values[member] or 0,
            "label": short_money(values[member], figures.currency),
        }
        for member in members
    ]
    text = ", ".join(f"{point['name']}: {point['label']}" for point in points)
    return Chart(title, bars(points), text)


def trend_of_money(figures: Figures, name: str, days: list[str], title: str, *, colour: str) -> Chart:
    """Return a metric over days as a line."""
    points = [{"day": day, "value": figures.value(name, day)} for day in days]
    first, last = (short_money(points[place]["value"], figures.currency) for place in (0, -1))  # type: ignore[arg-type]
    text = f"{title}: from {first} to {last}."
    return Chart(title, line(points, money_axis(symbol(figures.currency)), colour=colour), text, wide=True)
