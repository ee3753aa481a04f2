"""The ideal customer as a section of reports: who is won, pays and stays, by what companies are."""

from gtm_platform.intelligence.icp.groups import ALL
from gtm_platform.intelligence.icp.groups import TABLE as GROUPS
from gtm_platform.reports.content import Column, Table
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.wording import money, number
from gtm_platform.serving.wording import NOTHING, share_with_interval, words

LISTED = 12
FURTHEST = f"""select * from days where trait <> '{ALL}' and won + lost > 0
    order by abs(win_rate_drawn - (select max(win_rate) from days where trait = '{ALL}')) desc, trait, value"""


def ideal_customer(figures: Figures) -> list[Table]:
    """Return the groups of companies whose win rate is furthest from that of all; none without any."""
    rows = figures.newest_rows_of(GROUPS.key, FURTHEST)
    everybody = figures.newest_rows_of(GROUPS.key, f"from days where trait = '{ALL}'")
    if not rows or not everybody:
        return []
    more = len(rows) - LISTED
    table = Table(
        "Who is won, pays and stays",
        [
            Column("Companies"), Column("Won", "right"), Column("Lost", "right"), Column("Win rate", "right"),
            Column("LTV", "right"), Column("Churn in the first year", "right"),
        ],
        [
            [
                "All" if row["trait"] == ALL else f"{words(row['trait'])}: {row['value']}",
                number(row["won"]),
                number(row["lost"]),
                share_with_interval(row["win_rate"], row["win_rate_low"], row["win_rate_high"]),
                NOTHING if row["ltv"] is None else money(row["ltv"], figures.currency),
                share_with_interval(row["churn_rate"], row["churn_rate_low"], row["churn_rate_high"]),
            ]
            for row in (*everybody, *rows[:LISTED])
        ],
        note="Those whose win rate is furthest from that of all, drawn to it where they are few."
        + (f" {number(more)} more are on the page Ideal customer." if more > 0 else ""),
    )  # fmt: skip
    return [table]
