"""How alerts read: complete, and harmless whatever customers are called."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.delivery.alerts.customer_day import CustomerDay
from gtm_platform.delivery.alerts.customer_wording import money
from gtm_platform.delivery.alerts.kinds import cancel_mention
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.policy import policy
from gtm_platform.sandbox.slack.blocks import findings
from gtm_platform.state.slack_journal import Entry
from gtm_platform_tests.delivery.composing import compose
from gtm_platform_tests.delivery.rows import DAY, customer

DROP = {"score": 55, "status": "at_risk", "from_score": 75, "from_status": "healthy"}


def entry(customer_id: str = "c1", status: str = "intent", id: int = 1) -> Entry:
    fingerprint = f"health_drop:{customer_id}:{DAY}"
    return Entry(fingerprint, "health_drop", "customer", customer_id, DAY, DROP, id=id, status=status)


def single(customer: dict[str, Any], status: str = "intent", portal: str | None = "1234567") -> Message:
    [message] = compose([entry(status=status)], {"c1": customer}, digest_above=10, portal=portal)
    return message


def test_an_alert_says_who_what_it_is_worth_why_what_to_do_and_where() -> None:
    message = single(customer())
    said = json.dumps(message.blocks)
    for part in (
        "Health drop: Ada Byron, Acme",
        "1,250.50 USD",
        "Sam Lee",
        "Health fell from 75 (healthy) to 55 (at risk).",
        "Signals: payment delinquent.",
        "Call the customer",
        "Settle the invoice",
        "<https://app.hubspot.com/contacts/1234567/record/0-1/501|Open in HubSpot>",
    ):
        assert part in said
    assert message.text.startswith("Health drop: Ada Byron, Acme. Health fell")


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    empty = dict.fromkeys(["name", "company_name", "mrr", "assigned_am", "hubspot_contact_id", "health_score"])
    bare = single(customer() | empty | {"risk_signals": None, "recommended_actions": None})
    said = json.dumps(bare.blocks)
    assert "customer c1" in said
    assert said.count("unknown") == 3
    assert "Look at what changed" in said
    assert "hubspot.com" not in said


def test_no_portal_no_link() -> None:
    assert "hubspot.com" not in json.dumps(single(customer(), portal=None).blocks)


EVIL = "<!channel> *x* & <https://evil.example|click> \u202eliam\u200b\x00\nnext"


@pytest.mark.faults("P15", "V7")
@pytest.mark.parametrize("max_a_day", [0, 10])
def test_a_hostile_name_is_only_text(max_a_day: int) -> None:
    hostile = customer(name=EVIL, company_name=EVIL, assigned_am=EVIL, recommended_actions=[EVIL], risk_signals=[EVIL])
    [message] = compose([entry()], {"c1": hostile}, max_a_day=max_a_day)
    marked = [message.text, *_mrkdwn(message.blocks)]
    assert any("&lt;!channel&gt;" in text for text in marked)
    assert all("<!" not in text and "<http" not in text for text in marked)
    said = json.dumps(message.blocks, ensure_ascii=False)
    assert not any(unseen in said for unseen in ("\u202e", "\u200b", "\\u0000"))


def _mrkdwn(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["text"]] if part.get("type") == "mrkdwn" else []
        return own + [text for value in part.values() for text in _mrkdwn(value)]
    return [text for value in part for text in _mrkdwn(value)] if isinstance(part, list | tuple) else []


@pytest.mark.parametrize("max_a_day", [0, 10])
def test_nothing_is_too_long_or_empty_for_slack(max_a_day: int) -> None:
    long = customer(name="N" * 9000, assigned_am="&" * 3000, recommended_actions=["<" * 5000])
    [message] = compose([entry()], {"c1": long}, "1", max_a_day=max_a_day)
    assert findings(list(message.blocks)) == []


def test_an_alert_that_may_be_there_already_says_so() -> None:
    assert single(customer(), status="unknown").text.startswith("(may be a repeat) Health drop")


def test_many_alerts_are_one_message_and_its_thread() -> None:
    several = [entry(f"c{n}", id=n) for n in range(60)]
    known = {f"c{n}": customer(f"c{n}", name=f"Person {n}.") for n in range(60)}

    first, *further = compose(several, known, digest_above=10, portal="1")

    assert not first.follows
    assert [page.follows for page in further] == [True, True]
    assert [len(page.entries) for page in (first, *further)] == [25, 25, 10]
    assert first.text == "60 alerts: 75,030 USD MRR at stake"
    assert further[0].text == "60 alerts: 75,030 USD MRR at stake, continued (2)"
    said = json.dumps([first.blocks, *(page.blocks for page in further)])
    assert all(f"Person {n}." in said for n in range(60))
    assert findings(list(first.blocks)) == []
    assert len({page.fingerprint for page in (first, *further)}) == 3


def test_a_digest_is_by_cause_and_by_the_mrr_at_stake() -> None:
    stakes = {"c1": 100, "c2": 5000, "c3": 900}
    people = {id: customer(id, name=id, mrr=Decimal(mrr), mrr_reporting=Decimal(mrr)) for id, mrr in stakes.items()}
    failed = Entry("p", "payment_failed", "customer", "c3", DAY, {"level": 2, "failed_payments_30d": 1}, 9, "intent")
    back = Entry(
        "b",
        "health_drop",
        "customer",
        "c1",
        DAY,
        DROP | {"score": 90, "status": "healthy", "recovered": True},
        8,
        "intent",
    )
    both = [entry("c1"), entry("c3", id=3), back, entry("c2", id=2), failed]

    [message] = compose(both, people, portal="1234567", max_a_day=0)

    assert message.text == "5 alerts: 6,000 USD MRR at stake"
    texts = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    heads = ["*Health drop*: 3 customers, 6,000 USD MRR", "*Payment overdue*: 1 customer, 900 USD MRR"]
    assert [text.split("\n")[0] for text in texts] == [*heads, "*Health recovered*: 1 customer, 100 USD MRR"]
    assert [line.split("|")[1][:2] for line in texts[0].split("\n")[1:]] == ["c2", "c3", "c1"]
    assert texts[1].split("\n")[1] == (
        "• <https://app.hubspot.com/contacts/1234567/record/0-1/501|c3, Acme> (900 USD MRR, AM Sam Lee): "
        "An invoice is past due. 1 payment failed in the last 30 days. Signals: payment delinquent."
    )
    assert message.blocks[1]["elements"][0]["text"] == "3 health drop, 1 payment overdue, 1 health recovered"


def test_money_is_at_stake_once_and_not_in_good_news() -> None:
    """A customer who pays 900 of the 1,000 of its company, which fell dormant; another company came back."""
    people = {
        "c1": customer("c1", name="c1", company_id="com1", mrr_reporting=Decimal(900)),
        "com1": company("com1", 1000),
        "com2": company("com2", 5000),
        "com3": company("com3", 0),
    }
    moves = {"com1": "Fell dormant", "com2": "Came back", "com3": "Became a partner"}
    news = [moved(id, trigger, number) for number, (id, trigger) in enumerate(moves.items(), 10)]

    [message] = compose([*news, entry("c1")], people, max_a_day=0)

    assert message.text == "4 alerts: 1,000 USD MRR at stake"
    sections = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    assert [text.split("\n")[0].partition(": ")[2] for text in sections] == [
        "1 company, 1,000 USD MRR",
        "1 customer, 900 USD MRR",
        "1 company, 5,000 USD MRR",
        "1 company",
    ]
    assert "com3 (no customer): From" in sections[-1]


def company(id: str, mrr: int) -> dict[str, Any]:
    nobody = {"assigned_am": None, "assigned_am_email": None, "risk_signals": (), "recommended_actions": ()}
    standing = {"hubspot_company_id": None, "customer_cohort": None, "churn_risk": None, "currency": "usd"}
    money = {"mrr": Decimal(mrr), "mrr_reporting": Decimal(mrr)}
    return {"company_id": id, "name": id, "company_name": None, **nobody, **standing, **money}


def moved(id: str, trigger: str, number: int) -> Entry:
    facts = {
        "trigger": trigger, "from_cohort": None, "to_cohort": None, "competitor_displaced": None, "evidence": [],
    }  # fmt: skip
    return Entry(f"m{number}", "cohort_transition", "company", id, DAY, facts, number, "intent")


def test_a_recovery_asks_for_nothing_and_comes_last() -> None:
    back = Entry(
        "b",
        "health_drop",
        "customer",
        "c2",
        DAY,
        DROP | {"score": 90, "status": "healthy", "recovered": True},
        8,
        "intent",
    )
    first, last = compose([back, entry()], {"c1": customer(), "c2": customer("c2", mrr_reporting=Decimal(9000))})
    assert last.text.startswith("Health recovered: Ada Byron, Acme. Health rose from 75")
    assert "What to do" in json.dumps(first.blocks)
    assert "What to do" not in json.dumps(last.blocks)


def test_the_dashboard_is_linked_where_it_has_an_address() -> None:
    [message] = compose([entry()], {"c1": customer()}, "1", dashboard="https://gtm.example/")
    assert "<https://gtm.example/customer?id=c1|Open in the dashboard>" in json.dumps(message.blocks)


def test_what_presses_most_comes_first() -> None:
    facts = {"mentioned_at": "2026-11-19 14:30 UTC"}
    mention = Entry("cancel_mention:c2:x", "cancel_mention", "customer", "c2", DAY, facts, id=2, status="intent")
    messages = compose([entry(), mention], {"c1": customer(), "c2": customer("c2")}, digest_above=10)
    assert [message.entries[0].kind for message in messages] == ["cancel_mention", "health_drop"]


def test_ten_alerts_are_no_digest() -> None:
    several = [entry(f"c{n}", id=n) for n in range(10)]
    assert len(compose(several, {f"c{n}": customer() for n in range(10)}, digest_above=10)) == 10


@pytest.mark.parametrize(
    ("mrr", "currency", "shown"),
    [("1250.50", "usd", "1,250.50 USD"), ("99", "jpy", "99 JPY"), ("0.00", "eur", "0 EUR"), (None, "usd", "unknown")],
)
def test_money_reads_as_money(mrr: str | None, currency: str, shown: str) -> None:
    assert money(customer(mrr=None if mrr is None else Decimal(mrr), currency=currency)) == shown


def test_who_is_back_where_the_fall_began_and_critical_still_has_not_recovered() -> None:
    back = DROP | {"from_score": 20, "score": 40, "status": "critical", "from_status": "critical", "recovered": True}
    (message,) = compose([Entry("b", "health_drop", "customer", "c1", DAY, back, 8, "intent")], {"c1": customer()})
    assert message.text.startswith(
        "Health rose again: Ada Byron, Acme. Health rose from 20 (critical) to 40 (critical)"
    )


def test_a_cancel_mention_quotes_the_sentence_without_its_markup_and_journals_none_of_it() -> None:
    at = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    spoke = customer(cancel_mentioned_at=at, cancel_sentence="please cancel *our* <!channel> plan")
    [occurrence] = cancel_mention.ALERT.detect(CustomerDay(DAY, [spoke], {}, {}, policy()))
    assert "please" not in json.dumps(occurrence.facts)
    mention = Entry("m", "cancel_mention", "customer", "c1", DAY, occurrence.facts, 7, "intent")
    (message,) = compose([mention], {"c1": spoke})
    [quote] = [block["text"]["text"] for block in message.blocks if "In their words" in json.dumps(block)]
    assert quote.startswith("*In their words*\n>please cancel")
    assert "<!channel>" not in quote
    later = spoke | {"cancel_mentioned_at": at + timedelta(hours=1)}
    assert "In their words" not in json.dumps(compose([mention], {"c1": later})[0].blocks)
