"""Competitors: who uses them, how deals and companies go where one is, and what hurts, with evidence."""

import pandas as pd
import streamlit as st

from gtm_platform.dashboard.charts import draw
from gtm_platform.dashboard.customer_table import money_column, show_clickable
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.metric_cards import Figures, cards
from gtm_platform.dashboard.rate_charts import Rate, by_month, rates
from gtm_platform.dashboard.tables import short_height, show_rows
from gtm_platform.dashboard.wording import plain
from gtm_platform.serving.answers.competition import NO_COMPETITOR, CompetitionAnswer, CompetitorRates, competition
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import NOTHING, counted, share_with_interval, words

METRICS = ("companies_with_competitor", "competitor_win_rate", "displacement_rate")
SIDES = {"theirs": "Their users say", "for_us": "Why we won", "against_us": "Why we lost"}
CAVEAT = (
    "A deal counts where its company was seen to use the competitor before the deal was closed; lines are where the "
    "true rate lies with {interval:.0%} confidence. It is association: companies with a competitor differ in more."
)


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    st.title("Competition")
    answer, figures = competition(snapshot, personal=True), Figures(snapshot)
    cards(figures, METRICS)
    with st.container(border=True):
        _usage(answer)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _rates(answer, "Deals won", "win_rate", "won", "lost")
        st.caption(plain(CAVEAT.format(interval=answer.interval)))
    with right.container(border=True, height="stretch"):
        _rates(answer, "Came to us", "displacement_rate", "displaced", "prospects")
        st.caption(plain("Of companies that were seen to use it before they came to us, or that did not come."))
    with st.container(border=True):
        _table(answer, figures.currency)
    with st.container(border=True):
        _pains(answer)
    with st.container(border=True):
        _evidence(answer)


def _usage(answer: CompetitionAnswer) -> None:
    st.subheader("Companies that use them", anchor=False)
    if not answer.usage:
        st.caption("No company was seen to use a competitor's product.")
        return
    rows = [(f"{each.month}", words(each.competitor), float(each.companies)) for each in answer.usage]
    draw(by_month(rows, "Companies"), "Companies that use each competitor's product, by month")
    st.caption(
        plain(
            f"By the dates of the evidence, as far as it was read. A product is in use for {answer.in_use_days} days "
            "after it was last seen."
        )
    )


def _rates(answer: CompetitionAnswer, title: str, rate: str, part: str, rest: str) -> None:
    st.subheader(title, anchor=False)
    rows = []
    for each in answer.rates:
        value, low, high = (getattr(each, f"{rate}{end}") for end in ("", "_low", "_high"))
        if value is None or low is None or high is None:
            continue
        count, other = getattr(each, part), getattr(each, rest)
        total = count + other if rate == "win_rate" else other
        rows.append(Rate(_name(each), value, low, high, f"{count:,} of {total:,}"))
    if not rows:
        st.caption("Nothing to count yet.")
        return
    draw(rates(rows), f"{title} by competitor, with intervals")


def _name(row: CompetitorRates) -> str:
    return "No competitor known" if row.competitor == NO_COMPETITOR else words(row.competitor)


def _table(answer: CompetitionAnswer, currency: str) -> None:
    st.subheader("By competitor", anchor=False)
    if not answer.rates:
        st.caption("Nothing to count yet.")
        return
    rows = [
        {
            "competitor": _name(each),
            "open": each.open_deals,
            "won": share_with_interval(each.win_rate, each.win_rate_low, each.win_rate_high),
            "deals": each.won + each.lost,
            "won_amount": each.won_amount,
            "lost_amount": each.lost_amount,
            "named": f"{each.named_where_won:,} won, {each.named_where_lost:,} lost",
            "displaced": share_with_interval(
                each.displacement_rate, each.displacement_rate_low, each.displacement_rate_high
            ),
            "displaced_mrr": each.displaced_mrr,
            "left": share_with_interval(each.departure_rate, each.departure_rate_low, each.departure_rate_high),
            "exposed": each.exposed,
        }
        for each in answer.rates
    ]
    columns = st.column_config
    show_rows(
        rows,
        {
            "competitor": columns.TextColumn("Competitor", width=150),
            "open": columns.NumberColumn("Open deals", width=85),
            "won": columns.TextColumn("Won", width=140),
            "deals": columns.NumberColumn("Closed", width=70),
            "won_amount": money_column("Won", currency, 90),
            "lost_amount": money_column("Lost", currency, 90),
            "named": columns.TextColumn("Named in the reason", width=140),
            "displaced": columns.TextColumn("Came to us", width=140),
            "displaced_mrr": money_column("Their MRR", currency, 90),
            "left": columns.TextColumn("Left us", width=140),
            "exposed": columns.NumberColumn("Customers with it", width=120),
        },
        "Deals, displacements and departures by competitor",
    )
    st.caption(
        plain(
            f"Deals that were closed in {answer.deal_days} days. What sales wrote afterwards names one far more "
            "often where the deal was lost, and counts for no rate."
        )
    )


def _pains(answer: CompetitionAnswer) -> None:
    st.subheader("What hurts", anchor=False)
    if not answer.pains:
        st.caption("No pain point was read.")
        return
    for column, (side, title) in zip(st.columns(len(SIDES)), SIDES.items(), strict=True):
        rows = [
            {
                "pain": words(each.pain),
                "competitor": words(each.competitor),
                "companies": each.companies,
                "pieces": each.pieces,
            }
            for each in answer.pains
            if each.side == side
        ]
        with column:
            st.markdown(f"**{title}**")
            if not rows:
                st.caption("Nothing was read.")
                continue
            show_rows(
                rows,
                {
                    "pain": st.column_config.TextColumn("Pain point", width=90),
                    "competitor": st.column_config.TextColumn("Competitor", width=85),
                    "companies": st.column_config.NumberColumn("Companies", width=80),
                    "pieces": st.column_config.NumberColumn("Pieces", width=65),
                },
                f"{title}, by pain point and competitor",
            )


def _evidence(answer: CompetitionAnswer) -> None:
    st.subheader("Evidence", anchor=False)
    if not answer.evidence:
        st.caption("No pain point was read.")
        return
    rows = [
        {
            "company": each.company or each.company_id or NOTHING,
            "day": each.day,
            "competitor": words(each.competitor),
            "side": SIDES[each.side],
            "pain": words(each.pain),
            "channel": words(each.channel),
            "excerpt": each.excerpt,
            "link": each.link,
        }
        for each in answer.evidence
    ]
    st.caption(plain(f"{counted(len(rows), 'piece')}, the newest of each pain point first"))
    columns = st.column_config
    show_clickable(
        pd.DataFrame(rows),
        "evidence",
        "company",
        [{"id": each.company_id or ""} for each in answer.evidence],
        {
            "company": columns.TextColumn("Company", width=150),
            "day": columns.DateColumn("Day", width=95, format="D MMM YYYY"),
            "competitor": columns.TextColumn("Competitor", width=100),
            "side": columns.TextColumn("Says", width=115),
            "pain": columns.TextColumn("Pain point", width=105),
            "channel": columns.TextColumn("Where", width=110),
            "excerpt": columns.TextColumn("What was written", width=270),
            "link": columns.LinkColumn("Read it", display_text="open", width=70),
        },
        "Pieces of evidence of pain points",
        height=short_height(len(rows)),
    )


PAGE = Page("competition", "Competition", ":material/swords:", 54, show)
