"""What is news for a subscription, what it says, and that who keeps the newest of it has the table."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm_platform.delivery.triggers.changes import new_messages, standing, subjects_of
from gtm_platform.delivery.triggers.kinds import KINDS, matches, parse_filters
from gtm_platform.delivery.triggers.payload import body_of, schema
from gtm_platform.delivery.triggers.subjects import Subjects
from gtm_platform.policy import Triggers
from gtm_platform.state.trigger_outbox import LastSent, Message, NewMessage
from gtm_platform.state.trigger_subscriptions import Subscription
from gtm_platform_tests.delivery.triggers.conftest import DAY, day_of, firm, person
from gtm_platform_tests.delivery.world import NOW

RULES = Triggers()
SCHEMA = Path(__file__).parents[3] / "docs" / "triggers.schema.json"


def subscribed(*kinds: str, where: tuple[str, ...] = (), **more: Any) -> Subscription:
    chosen = kinds or tuple(KINDS)
    filters = parse_filters(where)
    return Subscription("sub_1", "https://x.example", chosen, filters, False, True, (), NOW, "Noor", NOW, **more)


class Known:
    """What a subscription was last sent, as the state keeps it."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, LastSent]] = {"customer": {}, "company": {}}

    def take(self, subscription: Subscription, day: Subjects, rules: Triggers = RULES) -> list[NewMessage]:
        """What is news on a day, which is known afterwards."""
        known: Any = {subject: self.values[subject] for subject in subjects_of(subscription)}
        new = new_messages(subscription, day, known, rules)
        for each in new:
            content = json.loads(json.dumps(each.after.content))
            self.values[each.subject_kind][each.subject_id] = LastSent(content, each.after.sequence)
        return new


def contents(new: list[NewMessage]) -> list[tuple[str, str, list[str]]]:
    return [(each.type, each.subject_id, each.content["changed"]) for each in new]


def test_of_each_change_there_is_one_message_with_all_that_is_known() -> None:
    known, who = Known(), subscribed("health_status", "risk_signals")
    assert contents(known.take(who, day_of(person("c1"), person("c2")))) == [
        ("customer.changed", "c1", ["health_status", "risk_signals"]),
        ("customer.changed", "c2", ["health_status", "risk_signals"]),
    ]
    assert known.take(who, day_of(person("c1"), person("c2"))) == []
    [message] = known.take(who, day_of(person("c1", health_status="at_risk"), person("c2", health_score=1)))
    assert message.content == {
        "customer_id": "c1",
        "as_of": DAY,
        "sequence": 2,
        "changed": ["health_status"],
        "before": {"health_status": "healthy", "risk_signals": []},
        "after": {"health_status": "at_risk", "risk_signals": []},
    }


def test_small_moves_of_a_score_are_news_once_they_add_up() -> None:
    known, who = Known(), subscribed("health_score", "churn_risk")
    known.take(who, day_of(person("c1", health_score=80)))
    for score in (78, 76, 80, 76):
        assert known.take(who, day_of(person("c1", health_score=score))) == []
    [message] = known.take(who, day_of(person("c1", health_score=75, churn_risk=19)))
    assert message.content["changed"] == ["health_score"]
    assert message.content["after"] == {"health_score": 75, "churn_risk": 19}, "all that is known goes along"
    assert contents(known.take(who, day_of(person("c1", health_score=None, churn_risk=None))))


def test_who_leaves_the_filter_or_is_gone_is_told_once_and_may_come_back() -> None:
    known, who = Known(), subscribed("health_status", where=("mrr>=300",))
    known.take(who, day_of(person("c1", mrr=500), person("c2", mrr=500), person("c3", mrr=100)))
    left = known.take(who, day_of(person("c1", mrr=200), person("c3", mrr=100)))
    assert [(each.type, each.subject_id, each.content["reason"]) for each in left] == [
        ("customer.left", "c1", "filter"),
        ("customer.left", "c2", "gone"),
    ]
    assert known.take(who, day_of(person("c1", mrr=200))) == []
    [back] = known.take(who, day_of(person("c1", mrr=301)))
    assert (back.type, back.content["sequence"], back.content["before"]) == ("customer.changed", 3, None)


def test_companies_have_messages_of_their_own() -> None:
    known, who = Known(), subscribed("cohort", "market_signals")
    assert contents(known.take(who, day_of(person("c1"), firm("f1")))) == [
        ("company.changed", "f1", ["cohort", "market_signals"])
    ]
    assert known.take(who, day_of(firm("f1", in_market_signals=["hiring"]))) == []
    [message] = known.take(who, day_of(firm("f1", customer_cohort="cohort_1_customers")))
    assert message.content["changed"] == ["cohort"]


def test_an_id_is_the_same_for_the_same_message_and_another_for_any_other() -> None:
    first = Known().take(subscribed(), day_of(person("c1"), person("c2"), firm("c1")))
    again = Known().take(subscribed(), day_of(person("c1"), person("c2"), firm("c1")))
    assert [each.message_id for each in first] == [each.message_id for each in again]
    assert len({each.message_id for each in first}) == 3


@pytest.mark.parametrize(
    ("where", "is_asked_for"),
    [
        ((), True),
        (("tier=scale",), True),
        (("tier=Scale", "tier=pro"), True),
        (("tier=pro",), False),
        (("am=sam lee",), True),
        (("am=sam@acme.example",), True),
        (("am=noor",), False),
        (("mrr>=500",), True),
        (("mrr>=500.01",), False),
        (("min_mrr=100", "tier=pro"), False),
        (("cohort=cohort_1_customers",), False),
    ],
)
def test_a_subscription_gets_whom_it_asks_for(where: tuple[str, ...], is_asked_for: bool) -> None:
    assert matches(person("c1"), parse_filters(where)) is is_asked_for


@pytest.mark.parametrize("wish", ["mrr>5", "plan=pro", "tier", "tier=", "=pro", "mrr>=much"])
def test_a_filter_that_is_none_is_a_sentence(wish: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        parse_filters((wish,))


def message_of(new: NewMessage) -> Message:
    common: Any = {"day": DAY, "run_id": "r", "status": "waiting", "attempts": 0, "due_at": NOW, "at": NOW}
    named = {name: getattr(new, name) for name in ("message_id", "type", "subject_kind", "subject_id", "content")}
    return Message(id=1, subscription_id="sub_1", settled_at=None, error=None, **common, **named)


def test_every_payload_is_as_documented_and_says_no_more_than_it_may() -> None:
    documented = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(documented, format_checker=jsonschema.FormatChecker())
    known, who = Known(), subscribed(where=("mrr>=300",))
    new = known.take(who, day_of(person("c1"), person("c2"), firm("f1", mrr=900)))
    new += known.take(who, day_of(person("c1", health_status="critical"), person("c2", mrr=1)))
    assert {each.type for each in new} == {"customer.changed", "customer.left", "company.changed", "company.left"}
    for each in new:
        plain, named = (
            json.loads(body_of(message_of(each), {"name": "Ada", "email": "ada@acme.example"}, personal=personal))
            for personal in (False, True)
        )
        validator.validate(plain)
        validator.validate(named)
        assert "person" not in plain["data"]
        assert ("person" in named["data"]) is (each.type == "customer.changed")
        assert "ada" not in json.dumps(plain).lower()
        assert plain["timestamp"] == "2026-11-20T06:00:00Z"
    [erased] = [message_of(each) for each in new if each.type == "customer.changed"][:1]
    assert json.loads(body_of(erased, None, personal=True))["data"]["person"] is None


def test_the_documented_schema_is_that_of_the_models() -> None:
    text = json.dumps(schema(), indent=2) + "\n"
    if os.environ.get("GTM_ACCEPT"):
        SCHEMA.write_text(text)
    assert SCHEMA.read_text() == text


# --- random histories --------------------------------------------------------------------------------------------

SCORES = st.one_of(st.none(), st.integers(0, 100))
STATUS = st.sampled_from(["active", "leaving", "churned"])
CUSTOMER = st.builds(
    lambda status, health, score, risk, signals, mrr: {
        "customer_status": status,
        "health_status": health,
        "health_score": score,
        "churn_risk": risk,
        "risk_signals": signals,
        "mrr": mrr,
    },
    STATUS,
    st.sampled_from(["healthy", "at_risk", None]),
    SCORES,
    SCORES,
    st.lists(st.sampled_from(["low_csat", "inactive_30d"]), unique=True),
    st.sampled_from([0, 299, 300, 900]),
)
DAYS = st.lists(st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), CUSTOMER), min_size=1, max_size=8)


def _as_sent(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


@settings(deadline=None, max_examples=150)
@given(history=DAYS, order=st.randoms(use_true_random=False), whole=st.booleans())
def test_who_keeps_the_newest_of_each_has_the_table(history: list[dict[str, Any]], order: Any, whole: bool) -> None:
    """In whatever order and however often messages arrive; without a beginning, of all that changed since."""
    exact, known = Triggers(score_points=1, risk_points=1), Known()
    who = subscribed(
        "customer_status", "health_status", "health_score", "churn_risk", "risk_signals", where=("mrr>=300",)
    )
    days = [day_of(*(person(id, **row) for id, row in rows.items())) for rows in history]
    untold: dict[str, Any] = {}
    if not whole:
        for (subject, id), last in standing(who, days[0]).items():
            known.values[subject][id] = last
            untold[id] = last.content
    arrived = [each for day in days for each in known.take(who, day, exact)]
    again = arrived * 2
    order.shuffle(again)
    newest: dict[str, Any] = {}
    for each in again:
        if each.content["sequence"] > newest.get(each.subject_id, {"sequence": 0})["sequence"]:
            newest[each.subject_id] = each.content
    has = untold | {id: content["after"] for id, content in newest.items()}
    wanted = {
        id: {name: _as_sent(row[KINDS[name].column]) for name in who.kinds}
        for id, row in days[-1].customers.items()
        if row["mrr"] >= 300
    }
    assert {id: after for id, after in has.items() if after is not None} == wanted
    assert len({each.message_id for each in arrived}) == len(arrived)
