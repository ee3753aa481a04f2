"""How deals go where a competitor is, how many companies use one, and how many left one for us."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.competition.competitor_rates import CONTRACT as RATE
from gtm_platform.intelligence.competition.competitor_rates import NONE
from gtm_platform.intelligence.competition.competitor_rates import TABLE as RATES
from gtm_platform.intelligence.competition.competitor_usage import CONTRACT as USE
from gtm_platform.intelligence.competition.competitor_usage import TABLE as USAGE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

BY_COMPETITOR = {"competitor": "competitor"}
COUNTED = ("won", "lost", "prospects", "displaced")

OF_RATES = Population(
    "competitor_rates",
    "The competitors that were seen at companies, with the deals and companies of each.",
    f"select competitor, {', '.join(COUNTED)} from {{rates}} where competitor <> '{NONE}'",
    {name: RATE.columns[name] for name in ("competitor", *COUNTED)},
    {"day": TODAY, "rates": Days(RATES.key, may_be_missing=True)},
    BY_COMPETITOR,
)
OF_USE = Population(
    "competitor_usage",
    "The competitors' use in the month that the day is in.",
    "select competitor, companies from {usage} where is_current",
    {name: USE.columns[name] for name in ("competitor", "companies")},
    {"day": TODAY, "usage": Days(USAGE.key, may_be_missing=True)},
    BY_COMPETITOR,
)


def _share(part: str, *whole: str) -> Callable[[ibis.Table], ibis.Scalar]:
    def share(t: ibis.Table) -> ibis.Scalar:
        total = sum((t[name].sum() for name in whole[1:]), t[whole[0]].sum())
        return t[part].sum().cast("float64") / total.cast("float64").nullif(0)

    return share


METRICS = (
    Metric(
        "competitor_win_rate",
        "Win rate beside a competitor",
        "share",
        "won ÷ (won + lost), of deals whose company was seen to use a competitor before they were closed",
        "A deal beside two competitors counts for both. The page of competition has the intervals.",
        OF_RATES,
        _share("won", "won", "lost"),
        "rise",
        3,
    ),
    Metric(
        "displacement_rate",
        "Displacement rate",
        "share",
        "companies that came to us ÷ companies that were seen to use a competitor before they came, if they did",
        "A company with two competitors counts for both.",
        OF_RATES,
        _share("displaced", "prospects"),
        "rise",
        3,
    ),
    Metric(
        "companies_with_competitor",
        "Companies with a competitor",
        "companies",
        "count of companies that use a competitor's product in the current month",
        "By evidence that is certain enough to act upon; a company with two competitors counts for both.",
        OF_USE,
        lambda t: t["companies"].sum(),
    ),
)
