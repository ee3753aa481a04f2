"""What happened to a customer: every kind of event, the newest first, filtered, bounded, and masked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.answers.timeline import _value
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.events import EVENTS_SHOWN, TEXT_SHOWN
from gtm_platform_tests.serving.server import Served, serving
from gtm_platform_tests.serving.world import ALERT, landing, settle
from gtm_platform_tests.tables import filled

CUSTOMER = "cus_002"
ADDRESS = "person2@firm0.example"


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 2, day, hour, tzinfo=UTC)


def call(id: str, begins: datetime, **more: Any) -> dict[str, Any]:
    times = {"starts_at": begins, "ends_at": begins + timedelta(hours=1), "created_at": begins, "changed_at": begins}
    return {"id": id, "event_id": id, "email": ADDRESS, "status": "active", "is_internal": False, **times, **more}


def charge(id: str, day: int, status: str = "succeeded", customer: str = "cus_s2") -> dict[str, Any]:
    amount = {"amount": 9_900, "amount_captured": 9_900 if status == "succeeded" else 0, "amount_refunded": 0}
    return {"id": id, "customer_id": customer, "currency": "usd", "status": status, "created_at": at(day), **amount}


SOURCES: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("calendly/invitees", "2026-02-20T2000"): [
        call("i1", at(3)),
        call("i2", at(5), no_show_at=at(5)),
        call("i3", at(9), status="canceled"),
        call("i4", at(25)),
    ],
    ("fathom/meetings", "2026-02-20"): [
        {
            "id": "m1",
            "starts_at": at(3),
            "ends_at": at(3, 13),
            "created_at": at(3, 14),
            "external_emails": [ADDRESS],
            "summary": "About [the price](https://evil.example). " * 20,
        }
    ],
    ("intercom/conversations", "2026-02-20T1800"): [
        {
            "id": "c1",
            "contact_id": "int_2",
            "contact_ids": ["int_2"],
            "created_at": at(6),
            "updated_at": at(6),
            "state": "closed",
            "rating": 2,
            "subject": "It does not work",
            "body": "Nobody may read this.",
        },
    ],
    ("stripe/charges", "2026-02-20"): [
        charge("ch1", 1),
        charge("ch2", 10, "failed"),
        *(charge(f"many{number}", 1 + number % 19, customer="cus_s3") for number in range(EVENTS_SHOWN + 30)),
    ],
    ("stripe/refunds", "2026-02-20"): [
        {
            "id": "re1",
            "charge_id": "ch1",
            "amount": 4_950,
            "currency": "usd",
            "status": "succeeded",
            "created_at": at(12),
        }
    ],
}
LINKS = [
    {"source": source, "record_id": record, "customer_id": customer, "match_method": "email"}
    for source, record, customer in (
        ("calendly", ADDRESS, CUSTOMER),
        ("fathom", ADDRESS, CUSTOMER),
        ("intercom", "int_2", CUSTOMER),
        ("stripe", "cus_s2", CUSTOMER),
        ("stripe", "cus_s3", "cus_003"),
    )
]
WRITE = {
    "at": "2026-02-19T08:00:00Z",
    "day": "2026-02-19",
    "run_id": "run-1",
    "object_type": "contacts",
    "object_id": "902",
    "customer_id": CUSTOMER,
    "fields": [{"property": "gtm_mrr", "before": "", "after": "50", "status": "written", "reason": ""}],
}


@pytest.fixture(scope="module")
def timeline_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("timeline")
    lake = Lake(home / "lake")
    settle(lake)
    lake.write("identity/links", "2026-02-20", engine().to_pyarrow(filled("identity/links", *LINKS)))
    for (table, partition), rows in SOURCES.items():
        lake.write(table, partition, engine().to_pyarrow(filled(table, *rows)))
    build(landing(lake, alerts=[ALERT], hubspot_writes=[WRITE]), home / "serving")
    with serving(home / "serving", home / "state.db") as served:
        yield served


def events(api: Served, query: str = "", token: str = "all", customer: str = CUSTOMER) -> Any:
    answer = api.get(f"/v1/customers/{customer}/timeline?limit=500{query}", token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def happened(api: Served, kind: str) -> list[tuple[str, str]]:
    return [(event["at"][5:10], event["title"]) for event in events(api, f"&kind={kind}")["events"]]


def test_every_kind_of_event_is_there_the_newest_first(timeline_api: Served) -> None:
    assert happened(timeline_api, "call") == [
        ("02-25", "Call booked"),
        ("02-09", "Call called off"),
        ("02-05", "Call missed by the customer"),
        ("02-03", "Call recorded"),
        ("02-03", "Call held"),
    ]
    assert happened(timeline_api, "payment") == [
        ("02-12", "Refunded $49.50"),
        ("02-10", "Payment failed"),
        ("02-01", "Paid $99.00"),
    ]
    assert happened(timeline_api, "conversation") == [("02-06", "Conversation, closed, rated 2 of 5")]
    assert happened(timeline_api, "alert") == [("02-20", "Alert: Cancel mention")]
    assert happened(timeline_api, "hubspot") == [("02-19", "Wrote 1 property to HubSpot")]
    everything = events(timeline_api)
    assert everything["total"] == sum(everything["by_kind"].values()) == len(everything["events"])
    assert {"score", "mrr", "milestone"} < set(everything["by_kind"])
    times = [event["at"] for event in everything["events"]]
    assert times == sorted(times, reverse=True)


def test_kinds_are_chosen(timeline_api: Served) -> None:
    answer = events(timeline_api, "&kind=call&kind=payment")
    assert {event["kind"] for event in answer["events"]} == {"call", "payment"}
    assert answer["total"] == 8
    assert timeline_api.get(f"/v1/customers/{CUSTOMER}/timeline?kind=transcript").status_code == 422


def test_it_is_bounded(timeline_api: Served) -> None:
    answer = events(timeline_api, "&kind=payment", customer="cus_003")
    assert answer["total"] == len(answer["events"]) == EVENTS_SHOWN
    [summary] = [event["text"] for event in events(timeline_api, "&kind=call")["events"] if event["text"]]
    assert len(summary) == TEXT_SHOWN


def test_outsiders_words_need_a_scope_and_messages_are_never_there(timeline_api: Served) -> None:
    whole, masked = str(events(timeline_api)), str(events(timeline_api, token="masked"))
    assert "It does not work" in whole
    assert "MRR: empty → 50" in whole
    assert "Nobody may read this." not in whole
    for words in ("It does not work", "the price", "MRR: empty → 50", "@"):
        assert words not in masked
    assert events(timeline_api)["total"] == events(timeline_api, token="masked")["total"]


def test_a_subscription_that_turned_is_an_event(timeline_api: Served) -> None:
    answer = events(timeline_api, "&kind=status", customer="cus_022")
    assert [event["title"] for event in answer["events"]] == ["Subscription active → churned"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("low_csat;negative_tone", "low CSAT, negative tone"),
        ("", "empty"),
        ("GBP", "GBP"),
        ("2026-11-29", "2026-11-29"),
    ],
)
def test_a_written_value_is_shown_as_words(value: str, shown: str) -> None:
    assert _value(value) == shown
