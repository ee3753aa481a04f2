"""Activity beside outcomes: what counts as done before, beside an oracle in pandas, and a planted difference."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import ibis
import pandas as pd

from gtm_platform.core.calls import BOOKINGS, RECORDINGS
from gtm_platform.intelligence.activity import activity_by_manager, activity_events, activity_outcomes, activity_rates
from gtm_platform.intelligence.activity.checks import members_are_not_the_whole
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.test_competition import deal, on
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled, rows_of

Rows = Sequence[dict[str, Any]]
RULES = policy().activity


def link(customer: str, source: str = "hubspot", record: str | None = None) -> dict[str, Any]:
    return {"source": source, "record_id": record or customer, "customer_id": customer}


def events_of(
    bookings: Rows = (), recordings: Rows = (), conversations: Rows = (), links: Rows = (), **of_log: Rows
) -> Rows:
    names = {
        "log": "hubspot/engagements",
        "associations": "hubspot/associations",
        "people": "identity/people",
        "companies": "identity/companies",
    }
    return rows_of(
        computed(
            activity_events.table,
            "intelligence/activity_events",
            links=filled("identity/links", *links),
            **{name: filled(table, *of_log.get(name, ())) for name, table in names.items()},
            bookings={feed.source: filled(feed.table, *bookings) for feed in BOOKINGS},
            recordings={feed.source: filled(feed.table, *recordings) for feed in RECORDINGS},
            conversations=filled("intercom/conversations", *conversations),
            policy=policy(),
            day=DAY,
        )
    )


def talk(name: str, days: float = 3, answered: float | None = None, **details: Any) -> dict[str, Any]:
    """A conversation that the contact `u` began, answered after some hours."""
    begun = days_ago(days)
    row = {"id": name, "contact_id": "u", "contact_ids": ["u"], "author_type": "user", "created_at": begun}
    replied = None if answered is None else begun + timedelta(hours=answered)
    return row | {"source_type": "conversation", "first_admin_reply_at": replied} | details


def test_meetings_and_conversations_by_what_became_of_them() -> None:
    def booked(name: str, days: float, **details: Any) -> dict[str, Any]:
        row = {
            "id": name,
            "email": "u@x.example",
            "is_internal": False,
            "status": "active",
            "starts_at": days_ago(days),
        }
        return row | {"ends_at": days_ago(days) + timedelta(minutes=30)} | details

    rows = events_of(
        bookings=[
            booked("held", 5),
            booked("missed", 6, no_show_at=days_ago(6)),
            booked("moved", 7, rescheduled=True),
            booked("called off", 8, status="canceled"),
            booked("to come", -2),
            booked("long ago", activity_events.days_kept(RULES)),
        ],
        conversations=[
            talk("mail", source_type="email", answered=2),
            talk("chat"),
            talk("ours", author_type="admin"),
            talk("later", days=-1),
            talk("answered later", days=0, answered=13),
        ],
        links=[link("c", "calendly", "u@x.example"), link("c", "intercom", "u")],
    )
    shown = {(row["event_id"].partition(":")[2], row["kind"], row["response_hours"]) for row in rows}
    assert shown == {
        ("held", "meeting_held", None),
        ("missed", "meeting_missed", None),
        ("mail", "email", 2.0),
        ("chat", "message", None),
        ("ours", "outreach", None),
        ("answered later", "message", None),
    }


def entry(name: str, type_: str, days: float, contacts: Sequence[str] = ("a",), **details: Any) -> dict[str, Any]:
    """An entry of the CRM's log, with a contact."""
    return {"id": name, "type": type_, "happened_at": days_ago(days), "contact_ids": [*contacts], **details}


def test_the_crms_log_is_with_its_contacts_else_those_of_its_deals_else_with_its_companies() -> None:
    rows = events_of(
        log=[
            entry("1", "call", 3, ["a", "b"], deal_ids=["d"], company_ids=["9"]),
            entry("2", "call", 3, [], deal_ids=["d"], company_ids=["9"]),
            entry("3", "call", 3, [], company_ids=["9"]),
            entry("4", "call", 3, ["nobody"], company_ids=["9"]),
            entry("5", "call", 3, []),
            entry("6", "note", 3),
            entry("7", "call", -1),
        ],
        links=[link("a"), link("b"), link("c")],
        associations=[contacts("d", "c")],
        people=[{"customer_id": name, "company_id": "acme"} for name in "abc"],
        companies=[{"company_id": "acme", "hubspot_company_ids": ["9", "10"]}],
    )
    with_whom: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: str(row["customer_id"])):
        number = row["event_id"].removeprefix("hubspot:call:")
        with_whom[number] = with_whom.get(number, "") + row["customer_id"]
        assert (row["kind"], row["source"], row["company_id"]) == ("call_logged", "hubspot", "acme")
        assert row["deal_ids"] == (["d"] if number in "12" else [])
    assert with_whom == {"1": "ab", "2": "c", "3": "abc", "4": "abc"}


def test_of_the_log_counts_what_came_about() -> None:
    start = days_ago(6)
    booked = {"id": "held", "email": "u@x.example", "is_internal": False, "status": "active", "starts_at": start}
    rows = events_of(
        bookings=[booked | {"ends_at": start + timedelta(minutes=30)}],
        log=[
            entry("reached", "call", 2, status="COMPLETED"),
            entry("not there", "call", 2, status="NO_ANSWER"),
            entry("held", "meeting", 3, status="COMPLETED"),
            entry("not entered", "meeting", 4, status="SCHEDULED"),
            entry("missed", "meeting", 5, status="NO_SHOW"),
            entry("off", "meeting", 5, status="CANCELED"),
            entry("booked, too", "meeting", 6, status="COMPLETED"),
            entry("bounced", "email", 2, direction="EMAIL", status="BOUNCED"),
            entry("a draft", "email", 2, direction="FORWARDED_EMAIL"),
        ],
        links=[link("c", "calendly", "u@x.example"), link("c", record="a")],
    )
    shown = {(row["event_id"].rpartition(":")[2], row["kind"], row["source"]) for row in rows}
    assert shown == {
        ("reached", "call_logged", "hubspot"),
        ("held", "meeting_held", "hubspot"),
        ("held", "meeting_held", "calendly"),
        ("not entered", "meeting_held", "hubspot"),
        ("missed", "meeting_missed", "hubspot"),
    }


def test_an_email_waits_for_the_next_one_of_ours_and_of_several_in_a_row_the_first() -> None:
    got, went = {"direction": "INCOMING_EMAIL"}, {"direction": "EMAIL"}
    rows = events_of(
        log=[
            entry("asks", "email", 9, **got),
            entry("asks again", "email", 8.5, **got),
            entry("answer", "email", 8, **went),
            entry("thanks", "email", 5, **got),
            entry("of another", "email", 4, ["b"], **went),
        ],
        links=[link("a"), link("b")],
    )
    shown = {row["event_id"].rpartition(":")[2]: (row["kind"], row["response_hours"]) for row in rows}
    assert shown == {
        "asks": ("email", 24.0),
        "answer": ("email_sent", None),
        "thanks": ("email", None),
        "of another": ("email_sent", None),
    }


def test_what_the_log_says_of_a_deal_counts_for_it_whoever_it_was_with() -> None:
    about = event("stranger", "call_logged", 20, "c1") | {"deal_ids": ["won"]}
    rows = by(
        "subject_id",
        outcomes_of(
            deals=[deal("won", 10, won=True), deal("lost", 10)],
            associations=[contacts("won", "a"), contacts("lost", "a")],
            links=[link("a")],
            events=[about, {**about, "customer_id": "a"}, event("a", "email_sent", 20, "e1")],
        ),
    )
    assert [(rows[name]["calls_logged"], rows[name]["emails_sent"]) for name in ("won", "lost")] == [(1, 1), (1, 1)]
    rows = by(
        "subject_id",
        outcomes_of(
            deals=[deal("won", 10, won=True), deal("lost", 10)],
            associations=[contacts("won", "a"), contacts("lost", "a")],
            links=[link("a")],
            events=[about, event("stranger", "call_logged", 9, "after it") | {"deal_ids": ["won"]}],
        ),
    )
    assert [rows[name]["calls_logged"] for name in ("won", "lost")] == [1, 0]


def event(customer: str, kind: str, days: int, name: str = "e", hours: float | None = None) -> dict[str, Any]:
    at = days_ago(days)
    answered = None if hours is None else at + timedelta(hours=hours)
    row = {"customer_id": customer, "event_id": name, "kind": kind, "at": at}
    return row | {"answered_at": answered, "response_hours": hours, "source": "s"}


def outcomes_of(**tables: Any) -> ibis.Table:
    names = {
        "deals": "intelligence/pipeline_deals",
        "deals_before": "intelligence/pipeline_deals",
        "records": "hubspot/deals",
        "owners": "hubspot/owners",
        "stages": "hubspot/pipelines",
        "associations": "hubspot/associations",
        "links": "identity/links",
        "revenue": "core/revenue",
        "revenue_before": "core/revenue",
        "profile": "core/profile",
        "profile_before": "core/profile",
        "events": "intelligence/activity_events",
    }
    inputs = {name: filled(table, *tables.get(name, ())) for name, table in names.items()}
    return computed(activity_outcomes.table, "intelligence/activity_outcomes", **inputs, policy=policy(), day=DAY)


def contacts(deal_id: str, *customers: str) -> dict[str, Any]:
    links = [{"to_id": name, "type_id": 3, "label": None, "category": None} for name in customers]
    return {"from_type": "deals", "from_id": deal_id, "to_type": "contacts", "links": links}


def test_of_a_deal_counts_what_its_contacts_did_before_it_was_closed() -> None:
    table = outcomes_of(
        deals=[
            deal("won", 10, won=True),
            deal("young", 10, created_on=on(20)),
            deal("old", RULES.outcome_days),
            deal("without a contact", 10),
        ],
        records=[{"id": "won", "owner_id": "7"}],
        owners=[{"id": "7", "first_name": "Noor", "last_name": "Haddad"}],
        associations=[contacts("won", "a", "b"), contacts("young", "a"), contacts("old", "a")],
        links=[link("a"), link("b")],
        events=[
            event("a", "meeting_held", 11, "m1"),
            event("b", "meeting_held", 11, "m1"),
            event("a", "meeting_held", 10, "on the day"),
            event("a", "email", 10 + RULES.before_days, "e1", hours=1),
            event("a", "email", 11 + RULES.before_days, "too early"),
            event("b", "message", 30, "slow", hours=30),
            event("c", "meeting_held", 20, "not of the deal"),
        ],
    )
    rows = by("subject_id", table)
    assert rows.keys() == {"won", "young"}
    won = rows["won"]
    assert (won["meetings_held"], won["emails"], won["messages"]) == (1, 1, 1)
    assert (won["quick_answers"], won["slow_answers"], won["account_manager"]) == (1, 1, "Noor Haddad")
    assert (rows["young"]["meetings_held"], rows["young"]["emails"], rows["young"]["is_good"]) == (1, 0, False)


def test_a_deal_moved_on_where_its_stage_is_later_now_or_it_was_won() -> None:
    stages = [
        {"pipeline_id": "p", "stage_id": f"s{place}", "stage_label": name, "position": place}
        for place, name in enumerate(("Lead", "Offer", "Contract"))
    ]
    names = ("on", "back", "same", "won", "lost", "closed before")
    then = [deal(name, None, stage="Offer") for name in names[:-1]] + [deal("closed before", 50, stage="Offer")]
    now = [
        deal("on", None, stage="Contract"),
        deal("back", None, stage="Lead"),
        deal("same", None, stage="Offer"),
        deal("won", 5, won=True, stage="Won"),
        deal("lost", 5, stage="Lost"),
        deal("closed before", 50, stage="Lost"),
    ]
    table = outcomes_of(
        deals=now,
        deals_before=then,
        records=[{"id": name, "pipeline_id": "p"} for name in names],
        stages=stages,
        associations=[contacts(name, "a" if name == "on" else "b") for name in names],
        links=[link("a"), link("b")],
        events=[event("a", "meeting_held", 30, "before"), event("a", "email", 29, "while it was watched")],
    )
    rows = {row["subject_id"]: row for row in rows_of(table) if row["outcome"] == "stage_moved"}
    good = {name: row["is_good"] for name, row in rows.items()}
    assert good == {"on": True, "back": False, "same": False, "won": True, "lost": False}
    assert (rows["on"]["meetings_held"], rows["on"]["emails"], rows["on"]["stage"]) == (1, 0, "Offer")


def test_who_paid_and_was_not_leaving_stayed_or_left() -> None:
    names = ("stays", "left", "leaving", "free", "merged")
    table = outcomes_of(
        revenue=[{"customer_id": name, "mrr": Decimal(name == "stays")} for name in names if name != "merged"],
        revenue_before=[{"customer_id": name, "mrr": Decimal(name != "free")} for name in names],
        profile_before=[
            {"customer_id": name, "is_customer": True, "assigned_am": "Sam"}
            | {"customer_status": "leaving" if name == "leaving" else "active"}
            for name in names
        ],
        events=[event("left", "meeting_missed", 90, "before"), event("left", "message", 89, "after")],
    )
    rows = by("subject_id", table)
    assert {name: row["is_good"] for name, row in rows.items()} == {"stays": True, "left": False}
    assert (rows["left"]["meetings_missed"], rows["left"]["messages"], rows["left"]["account_manager"]) == (1, 0, "Sam")


def outcomes(seed: int, rows: int, met: float, unmet: float) -> Rows:
    """Outcomes of deals that are good at one rate with a meeting, at another without; all else is chance."""
    dice = Random(seed)
    made = []
    for place in range(rows):
        has_met = dice.random() < 0.5
        made.append(
            {
                "outcome": "deal_won",
                "subject_id": f"{place}",
                "is_good": dice.random() < (met if has_met else unmet),
                "account_manager": dice.choice(("Noor", "Sam", None)),
                "meetings_held": dice.randrange(1, 4) if has_met else 0,
                "meetings_missed": int(dice.random() < 0.3),
                "emails": int(dice.random() < 0.4),
                "messages": int(dice.random() < 0.4),
                "calls_recorded": int(dice.random() < 0.4),
                "outreach": int(dice.random() < 0.4),
                "quick_answers": int(dice.random() < 0.5),
                "slow_answers": 0,
                "calls_logged": int(dice.random() < 0.4),
                "emails_sent": int(dice.random() < 0.4),
            }
        )
    return made


def rates_of(rows: Rows) -> ibis.Table:
    table = filled("intelligence/activity_outcomes", *rows)
    return computed(activity_rates.table, "intelligence/activity_rates", outcomes=table, policy=policy())


def test_rates_are_those_of_pandas() -> None:
    rows = outcomes(2, 800, 0.6, 0.4)
    frame = pd.DataFrame(rows)
    frame["account_manager"] = frame["account_manager"].fillna("")
    frame["answered"] = frame["quick_answers"] > frame["slow_answers"]
    wrote, meetings = frame["emails"] + frame["messages"] > 0, frame["meetings_held"] + frame["meetings_missed"] > 0
    expected = {}
    for activity, of, done in (
        ("met", meetings | True, frame["meetings_held"] > 0),
        ("missed", meetings, frame["meetings_missed"] > 0),
        ("recorded", meetings | True, frame["calls_recorded"] > 0),
        ("wrote", meetings | True, wrote),
        ("reached_out", meetings | True, frame["outreach"] > 0),
        ("called", meetings | True, frame["calls_logged"] > 0),
        ("mailed", meetings | True, frame["emails_sent"] > 0),
        ("answered_quickly", wrote, frame["answered"]),
    ):
        part = frame[of].assign(done=done[of])
        members = {("all", ""): part, ("stage", ""): part}
        members |= {("account_manager", name): rows for name, rows in part.groupby("account_manager")}
        for (grouping, member), of_member in members.items():
            sides = of_member.groupby("done")["is_good"].agg(["size", "sum"])
            expected[activity, grouping, member] = tuple(
                int(sides.loc[side, name]) for side in (True, False) for name in ("size", "sum")
            )
    shown = {
        (row["activity"], row["split"], row["member"]): tuple(
            row[name] for name in ("outcomes_with", "good_with", "outcomes_without", "good_without")
        )
        for row in rows_of(rates_of(rows))
    }
    assert shown == expected


def test_a_planted_difference_is_called_and_chance_is_not() -> None:
    called = 0
    for seed in range(12):
        rows = [row for row in rows_of(rates_of(outcomes(seed, 600, 0.6, 0.35))) if row["split"] == "all"]
        of = {row["activity"]: row for row in rows}
        assert of["met"]["verdict"] == "more often"
        assert of["met"]["difference_low"] < 0.25 < of["met"]["difference_high"]
        # Who missed one of its meetings met us more seldom, so that `missed` goes with the planted difference.
        chance = [row for row in rows if row["activity"] not in ("met", "missed")]
        called += sum(row["verdict"] in ("more often", "less often") for row in chance)
    assert called <= 2  # of 72; the intervals let one of 160 be called


def test_few_outcomes_are_no_verdict_and_members_are_not_judged() -> None:
    rows = rows_of(rates_of(outcomes(1, RULES.least_outcomes, 1.0, 0.0)))
    assert {row["verdict"] for row in rows if row["split"] == "all"} == {"too little data"}
    assert {row["verdict"] for row in rows if row["split"] != "all"} == {"not judged"}


def test_the_check_sees_a_member_that_is_missing() -> None:
    table = rates_of(outcomes(1, 100, 0.5, 0.5))
    assert not rows_of(members_are_not_the_whole(table))
    assert rows_of(members_are_not_the_whole(table.filter(table["member"] != "Noor")))


def test_account_managers_with_their_answers_and_their_log() -> None:
    profile = [{"customer_id": name, "is_customer": True, "assigned_am": "Noor Haddad"} for name in ("a", "b")]
    profile += [{"customer_id": "c", "is_customer": True}, {"customer_id": "gone", "assigned_am": "Noor Haddad"}]
    events = [
        event("a", "meeting_held", 1, "m"),
        event("b", "meeting_held", 1, "m"),
        event("a", "email", 2, "e1", hours=1),
        event("b", "message", 2, "e2", hours=9),
        event("b", "message", 2, "e3"),
        event("a", "email", RULES.before_days, "too early", hours=1),
        event("gone", "email", 1, "of nobody's customer", hours=1),
    ]
    log = [
        {"type": kind, "id": f"{place}", "happened_at": days_ago(3), "owner_id": "7"}
        for place, kind in enumerate(("call", "call", "email", "note"))
    ]
    rows = by(
        "account_manager",
        computed(
            activity_by_manager.table,
            "intelligence/activity_by_manager",
            events=filled("intelligence/activity_events", *events),
            profile=filled("core/profile", *profile),
            log=filled("hubspot/engagements", *log),
            owners=filled("hubspot/owners", {"id": "7", "first_name": "Noor", "last_name": "Haddad"}),
            policy=policy(),
            day=DAY,
        ),
    )
    assert rows.keys() == {"Noor Haddad", ""}
    noor = rows["Noor Haddad"]
    assert (noor["customers"], noor["customers_met"], noor["meetings_held"], noor["written"]) == (2, 2, 1, 3)
    assert (noor["answered"], noor["answered_quickly"], noor["median_response_hours"]) == (2, 1, 5.0)
    assert (noor["logged_calls"], noor["logged_emails"], noor["logged_meetings"]) == (2, 1, 0)
    assert rows[""]["customers"] == 1


def test_what_comes_after_an_outcome_changes_nothing() -> None:
    deals = [deal("a", 10, won=True), deal("b", 20)]
    tables = {"deals": deals, "associations": [contacts("a", "x"), contacts("b", "x")], "links": [link("x")]}
    before = [event("x", "meeting_held", 40, "m"), event("x", "email", 40, "e", hours=2)]
    later = [event("x", "meeting_held", days, f"later{days}") for days in range(10)]
    late_answer = [event("x", "email", 40, "e", hours=2), event("x", "email", 41, "f", hours=24 * 39)]
    rows = rows_of(outcomes_of(**tables, events=before))
    same = rows_of(outcomes_of(**tables, events=[*before, *later]))
    assert sorted(rows, key=lambda row: row["subject_id"]) == sorted(same, key=lambda row: row["subject_id"])
    unanswered = by("subject_id", outcomes_of(**tables, events=late_answer))
    assert unanswered["a"]["slow_answers"] == 1
