"""Whether the figures can be trusted this morning: how fresh sources are, what is odd in their tables, what checks say.

What is odd, and which fields changed, is drawn in `table_news`, HubSpot in `hubspot`, webhooks in `triggers`.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import streamlit as st

from gtm_platform.dashboard.actions import show_actions
from gtm_platform.dashboard.canaries import show_canaries
from gtm_platform.dashboard.costs import show_costs
from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.hooks import show_hooks
from gtm_platform.dashboard.hot_path import show_hot_path
from gtm_platform.dashboard.hubspot import show_hubspot
from gtm_platform.dashboard.links import asset_link, run_link
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.table_news import show_odd_figures, show_schema_changes
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.triggers import show_triggers
from gtm_platform.dashboard.wording import ago, moment, parsed
from gtm_platform.serving.answers.freshness import DataFreshness, TableState, freshness
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.wording import counted, words
from gtm_platform.settings import settings

FACTS = (
    *("checks", "quarantine", "anomalies", "schema_changes", "hubspot", "triggers", "hooks"),
    *("canaries", "actions", "costs"),
)
RUNS_SHOWN = 100
STATES = {"Fresh": "#bfe3d0", "Silent": "#f5d477", "Late": "#f7c5c5", "Never read": "#f7c5c5"}
VERDICTS = {"Passed": "#bfe3d0", "Warning": "#f5d477", "Failed": "#f7c5c5"}
OUTCOMES = {"Success": "#bfe3d0", "Failure": "#f7c5c5", "Started": "#cfd8f7", "Canceled": "#e7e7e4"}
NAMES = {"passed": "Passed", "warn": "Warning", "error": "Failed"}


def show(snapshot: Snapshot) -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title("Data health", width="content")
        st.link_button("Dagster", settings().gtm_ui_url, icon=":material/open_in_new:")
    facts = {name: orjson.loads(snapshot.fact(name)) for name in FACTS}
    runs = [orjson.loads(body) for body, _ in snapshot.sync_runs(RUNS_SHOWN)]
    state = freshness(snapshot, settings().now())
    _cards(snapshot, facts, runs, state)
    with st.container(border=True):
        show_odd_figures(facts["anomalies"])
    with st.container(border=True):
        _freshness(state)
    with st.container(border=True):
        show_hooks(facts["hooks"])
    with st.container(border=True):
        show_hot_path(facts["hooks"])
    with st.container(border=True):
        show_canaries(facts["canaries"])
    with st.container(border=True):
        show_schema_changes(facts["schema_changes"])
    with st.container(border=True):
        _checks(facts["checks"])
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        show_hubspot(facts["hubspot"])
    with right.container(border=True, height="stretch"):
        _quarantine(facts["quarantine"])
    with st.container(border=True):
        show_triggers(facts["triggers"])
    with st.container(border=True):
        show_actions(facts["actions"])
    with st.container(border=True):
        show_costs(facts["costs"], {source.source: source.title for source in state.sources})
    with st.container(border=True):
        _runs(runs)


def _cards(snapshot: Snapshot, facts: Mapping[str, Any], runs: list[dict[str, Any]], state: DataFreshness) -> None:
    now = settings().now()
    checks, failed = facts["checks"], [run for run in runs if run["status"] == "failure"]
    records = sum(stream["records"] for stream in facts["quarantine"]["streams"])
    cards = {
        "Late sources": (
            f"{len(state.late)} of {len(state.sources)}",
            "One is late once it was not read for longer than its interval and some hours of grace.",
        ),
        "Odd figures": (
            f"{facts['anomalies']['now']:,}",
            "Daily figures of tables that are unlike those of the weeks before.",
        ),
        "Checks passed": (f"{checks['passed']} of {checks['total']}", "The last verdict of each check."),
        "Quarantined records": (f"{records:,}", f"In {facts['quarantine']['days']} days."),
        "Failed runs": (f"{len(failed)} of {len(runs)}", "Of the newest runs."),
        "Figures made": (ago(snapshot.made_at, now), f"At {moment(snapshot.made_at)}."),
    }
    with card_row():
        for title, (value, about) in cards.items():
            plain_card(title, value, about)


def _state(table: TableState) -> str:
    """Late where it was not read in time; silent where nothing in it has changed for unusually long."""
    return "Late" if table.is_late else "Silent" if table.is_silent else "Fresh"


def _never_read(table: str) -> dict[str, Any]:
    source, _, stream = table.partition("/")
    unknown = dict.fromkeys(("read", "changed", "until", "due"))
    return {"source": words(source), "table": stream, "state": ["Never read"], **unknown, "page": asset_link(table)}


def _freshness(state: DataFreshness) -> None:
    st.subheader("Sources", anchor=False)
    if not state.sources and not state.never_read:
        st.caption("No source was read yet.")
        return
    now = settings().now()
    rows = [
        {
            "source": source.title,
            "table": table.table.split("/")[1],
            "state": [_state(table)],
            "read": ago(table.synced_at, now),
            "changed": ago(table.newest_event_at, now) if table.newest_event_at else None,
            "until": moment(table.synced_at),
            "due": moment(table.late_after),
            "page": asset_link(table.table),
        }
        for source in state.sources
        for table in source.tables
    ]
    rows += [_never_read(table) for table in state.never_read]
    columns = st.column_config
    show_rows(
        sorted(rows, key=lambda row: row["state"] == ["Fresh"]),
        {
            "source": columns.TextColumn("Source", width=110),
            "table": columns.TextColumn("Table", width=170),
            "state": columns.MultiselectColumn("State", options=list(STATES), color=list(STATES.values()), width=80),
            "read": columns.TextColumn("Read", width=90),
            "changed": columns.TextColumn("Last change", width=90),
            "until": columns.TextColumn("Has everything until", width=170),
            "due": columns.TextColumn("Late after", width=170),
            "page": columns.LinkColumn("Dagster", display_text="open", width=80),
        },
        "When each table was read and last changed, and when it counts as late",
    )


def _checks(checks: Mapping[str, Any]) -> None:
    wrong = [check for check in checks["checks"] if check["status"] != "passed"]
    st.subheader("Checks", anchor=False)
    if not checks["total"]:
        st.caption("No check was evaluated yet.")
        return
    if wrong:
        warned = sum(check["status"] == "warn" for check in wrong)
        failed = len(wrong) - warned
        parts = [f":red[{counted(failed, 'check')} failed]"] if failed else []
        parts += [f":orange[{counted(warned, 'check')} warned]"] if warned else []
        st.markdown(", ".join(parts))
        _check_table(wrong, "Checks that did not pass")
    else:
        st.markdown(f":green[:material/check_circle:] All {checks['total']} passed.")
    with st.expander("All checks"):
        _check_table(checks["checks"], "All checks")


def _check_table(checks: list[dict[str, Any]], about: str) -> None:
    columns = st.column_config
    show_rows(
        [
            {
                "table": check["asset"],
                "check": words(check["check"]),
                "verdict": [NAMES[check["status"]]],
                "about": check["about"],
                "run": run_link(check["run_id"]),
            }
            for check in checks
        ],
        {
            "table": columns.TextColumn("Table", width=190),
            "check": columns.TextColumn("Check", width=190),
            "verdict": columns.MultiselectColumn(
                "Verdict", options=list(VERDICTS), color=list(VERDICTS.values()), width=85
            ),
            "about": columns.TextColumn("What it says", width=470),
            "run": columns.LinkColumn("Run", display_text="open", width=60),
        },
        about,
    )


def _quarantine(quarantine: Mapping[str, Any]) -> None:
    st.subheader("Quarantine", anchor=False)
    if not quarantine["streams"]:
        st.markdown(f":green[:material/check_circle:] Every record of {quarantine['days']} days was what it should be.")
        return
    rows = [
        {"table": stream["table"], "reason": reason["reason"], "records": reason["records"]}
        for stream in quarantine["streams"]
        for reason in stream["reasons"]
    ]
    show_rows(
        rows,
        {
            "table": st.column_config.TextColumn("Stream", width=160),
            "reason": st.column_config.TextColumn("Why", width=300),
            "records": st.column_config.NumberColumn("Records", width=80),
        },
        "Records in quarantine by stream and reason",
    )
    st.caption("Nothing is lost: records are kept as received, and read again at the next full refresh.")


def _runs(runs: list[dict[str, Any]]) -> None:
    st.subheader("Runs", anchor=False)
    if not runs:
        st.caption("There was no run yet.")
        return
    columns = st.column_config
    show_rows(
        [_run_row(run) for run in runs],
        {
            "job": columns.TextColumn("Job", width=170),
            "outcome": columns.MultiselectColumn(
                "Outcome", options=list(OUTCOMES), color=list(OUTCOMES.values()), width=90
            ),
            "windows": columns.TextColumn("Windows", width=260),
            "began": columns.TextColumn("Began", width=170),
            "seconds": columns.NumberColumn("Took, s", format="%.0f", width=75),
            "run": columns.LinkColumn("Dagster", display_text="open", width=80),
        },
        "The newest runs",
    )


def _run_row(run: Mapping[str, Any]) -> dict[str, Any]:
    first, last = run["first_partition"], run["last_partition"]
    ended, began = run["ended_at"], run["began_at"]
    return {
        "job": words(run["job"].strip("_")),
        "outcome": [words(run["status"])],
        "windows": first if first == last else f"{first} to {last}",
        "began": moment(began),
        "seconds": (parsed(ended) - parsed(began)).total_seconds() if ended and began else None,
        "run": run_link(run["run_id"]),
    }


PAGE = Page("data_health", "Data health", ":material/verified:", 60, show, area="operations")
