"""Erasures: who asked for which, a plan that is confirmed, and the receipt. The page names nobody who is erased."""

import streamlit as st

from gtm_platform.dashboard.frame.page import Page
from gtm_platform.dashboard.frame.visitor import VIEWER
from gtm_platform.dashboard.metric_cards import card_row, plain_card
from gtm_platform.dashboard.tables import show_rows
from gtm_platform.dashboard.wording import ago
from gtm_platform.serving import erasure_process
from gtm_platform.serving.answers.erasures import ErasureSummary, erasures_here, places_here, receipt_here
from gtm_platform.serving.erasure_process import ErasureRefused
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.viewer import TRUSTED
from gtm_platform.serving.wording import counted
from gtm_platform.settings import settings

OUTCOME = "erasure_outcome"  # of the session: what the last click came to
STATES = {"planned": "Waits", "begun": "Begun", "done": "Done"}
COLOURS = {"Waits": "#f5d477", "Begun": "#f3b3a6", "Done": "#bfe3d0"}


def show(_: Snapshot) -> None:
    """Draw the page."""
    st.title("Erasures")
    listed = erasures_here()
    if outcome := st.session_state.pop(OUTCOME, ""):
        st.info(outcome)
    with card_row():
        for status, about in (
            ("planned", "Plans of which nothing is done before somebody confirms them."),
            ("begun", "At work, or broken off and to be finished."),
            ("done", "People who are erased, and do not come back with the next sync."),
        ):
            count = sum(each.status == status for each in listed.erasures)
            plain_card(STATES[status], f"{count:,}", about)
    may_erase = st.session_state[VIEWER] != TRUSTED
    if may_erase:
        _plan_form()
    else:
        st.caption(
            "Nobody signs in to this dashboard, so that it could not say who erased somebody: `gtm erase` does it, "
            "and docs/access.md says how people sign in."
        )
    for erasure in listed.erasures:
        if erasure.status != "done":
            _open_erasure(erasure, may_erase=may_erase)
    _table(listed.erasures)
    _receipts([each for each in listed.erasures if each.status == "done"])


def _plan_form() -> None:
    with st.form("plan", clear_on_submit=True):
        st.subheader("Plan an erasure", anchor=False)
        person = st.text_input("Person", help="An address, a customer's id, or a record as source:id.")
        reason = st.text_input("Reason", help="For the record: such as the number of the request.")
        planned = st.form_submit_button("Make a plan", help="Nothing is erased before the plan is confirmed.")
    if not planned:
        return
    if not person.strip() or not reason.strip():
        st.warning("Say whom, and why.")
        return
    try:
        with st.spinner("Looking through every file of the home."):
            id = erasure_process.plan(person.strip(), reason.strip(), st.session_state[VIEWER].actor)
    except ErasureRefused as refused:
        st.error(str(refused))
        return
    _draw_again(f"Plan {id} is made. Nothing is erased before it is confirmed below.")


def _open_erasure(erasure: ErasureSummary, *, may_erase: bool) -> None:
    with st.container(border=True):
        st.subheader(f"{STATES[erasure.status]}: {erasure.id}", anchor=False)
        st.caption(f"Asked for {ago(erasure.requested_at, settings().now())} by {erasure.requested_by}.")
        st.text(f"Reason: {erasure.reason}")
        rows = [{"place": place, "count": count} for place, count in sorted(places_here(erasure.id).items())]
        columns = st.column_config
        show_rows(
            rows,
            {
                "place": columns.TextColumn("Where the person is named", width=420),
                "count": columns.NumberColumn("Rows or files", width=110),
            },
            "Where the person is named, and in how many rows or files",
        )
        for system, what in sorted(erasure.outside.items()):
            st.text(f"{system}, by the policy: {what}")
        if erasure_process.is_at_work(erasure.id):
            st.info("It is being carried out: look here again in a minute.")
            return
        if trouble := erasure_process.trouble_of(erasure.id):
            st.error(trouble)
        if may_erase:
            _confirm_form(erasure)


def _confirm_form(erasure: ErasureSummary) -> None:
    begun = erasure.status == "begun"
    with st.form(f"confirm {erasure.id}", clear_on_submit=True):
        typed = st.text_input("To erase the person for good, type the id of the plan", key=f"typed {erasure.id}")
        confirmed = st.form_submit_button("Finish it" if begun else "Erase for good", type="primary")
    if not confirmed:
        return
    if typed.strip() != erasure.id:
        st.warning("That is not the id of this plan. Nothing was erased.")
        return
    try:
        erasure_process.launch(erasure.id, st.session_state[VIEWER].actor)
    except ErasureRefused as refused:
        st.error(str(refused))
        return
    _draw_again(f"Erasure {erasure.id} was handed on. How it ended is said here.")


def _draw_again(outcome: str) -> None:
    st.session_state[OUTCOME] = outcome
    st.rerun()


def _table(erasures: list[ErasureSummary]) -> None:
    if not erasures:
        st.markdown("Nobody was erased in this home, and no plan waits.")
        return
    columns = st.column_config
    show_rows(
        [
            {
                "id": each.id,
                "state": [STATES[each.status]],
                "requested": each.requested_at,
                "by": each.requested_by,
                "reason": each.reason,
                "rows": each.rows,
                "files": each.files,
                "finished": each.finished_at,
            }
            for each in erasures
        ],
        {
            "id": columns.TextColumn("Plan", width=120),
            "state": columns.MultiselectColumn("State", options=list(COLOURS), color=list(COLOURS.values()), width=80),
            "requested": columns.DatetimeColumn("Asked for", width=150),
            "by": columns.TextColumn("By", width=170),
            "reason": columns.TextColumn("Reason", width=240),
            "rows": columns.NumberColumn("Rows", width=70),
            "files": columns.NumberColumn("Files", width=70),
            "finished": columns.DatetimeColumn("Done", width=150),
        },
        "Every erasure, the newest first",
    )


def _receipts(done: list[ErasureSummary]) -> None:
    if not done:
        return
    st.subheader("Receipts", anchor=False)
    chosen = st.selectbox("Of which erasure", [each.id for each in done])
    [erasure] = [each for each in done if each.id == chosen]
    st.download_button("Signed receipt", receipt_here(erasure.id), f"erasure-{erasure.id}.json", "application/json")
    if erasure.others_must:
        st.markdown(f"What others still have to do ({counted(len(erasure.others_must), 'duty', 'duties')}):")
        for duty in erasure.others_must:
            st.text(f"- {duty}")


PAGE = Page("erasures", "Erasures", ":material/person_off:", 95, show, area="operations")
