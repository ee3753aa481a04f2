"""What the hot path computes for some customers and companies is what the computation of everything says, to the byte.

So is what it would say of them: their values to who subscribed, and the alerts that their own rows decide.
"""

from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from gtm_platform.delivery.alerts import customer_alerts
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hotpath.alerting import alerts_of
from gtm_platform.delivery.hotpath.computing import HotRows
from gtm_platform.delivery.hotpath.delivering import shown_rows
from gtm_platform.delivery.hotpath.hot_tables import LeftToTables
from gtm_platform.delivery.triggers.kinds import KINDS, SubjectKind
from gtm_platform.delivery.triggers.subjects import COMPANIES, read_subjects, values_of
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TODAY, HotHome, Record, differences, keyed
from gtm_platform_tests.delivery.hotpath.random_histories import KINDS as HAPPENS
from gtm_platform_tests.delivery.hotpath.random_histories import (
    OF_COMPANIES,
    OF_EVERYBODY,
    OF_IDENTITY,
    change,
    contact,
    first,
    subscription,
)

pytestmark = pytest.mark.soak

PEOPLE, CHANGES, ROUNDS = 24, 7, 2
COHORTS = "cohorts/company_cohorts"
CUSTOMER: SubjectKind = "customer"
COMPANY: SubjectKind = "company"


@pytest.fixture(autouse=True)
def slack_is_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_ALERT_CHANNEL": "C1", "SLACK_SEND_ENABLED": "true"}
    for name, value in {**variables, "GTM_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def differing_news(home: HotHome, hot: HotRows, full: Lake) -> list[str]:
    """List what would be said of anybody that everything, computed anew, would not say, and the other way round."""
    own, every = (read_subjects(lake, DAY) for lake in (shown_rows(hot, home.lake), full))
    wrong = []
    for part, table, subject in ((hot.customers, CUSTOMERS, CUSTOMER), (hot.companies, COMPANIES, COMPANY)):
        kinds = [
            name for name, kind in KINDS.items() if kind.subject == subject and (table, kind.column) not in part.stale
        ]
        for id in sorted(part.ready) if table in part.tables else ():
            values = [
                rows.get(id) and values_of(rows[id], kinds, subject) for rows in (own.of(subject), every.of(subject))
            ]
            if values[0] != values[1]:
                wrong.append(f"{id}: {values[0]} is not {values[1]}")
    return wrong + _alerted_otherwise(home, hot, full)


def _alerted_otherwise(home: HotHome, hot: HotRows, full: Lake) -> list[str]:
    alerts = customer_alerts.routed("customers")
    with closing(open_state(settings().state_url)) as state:
        own = {fact.fingerprint: fact.facts for fact in alerts_of(hot, home.lake, state)}
        due = customer_alerts._due(full, state, DAY).facts
    table = home.lake.partition(CUSTOMERS, DAY)
    current = set(table.filter(table["is_customer"]).to_pandas()["customer_id"])
    stale = {column for table, column in hot.stale if table == CUSTOMERS}
    decided = {kind for kind, alert in alerts.items() if stale.isdisjoint(alert.columns) and CUSTOMERS in hot.tables}
    moved = {"cohort_transition", "competitor_displacement"} if "cohorts/transitions" in hot.companies.tables else set()
    every = {
        fact.fingerprint: fact.facts
        for fact in due
        if (fact.subject_id in hot.ready & current and fact.kind in decided)
        or (fact.subject_id in hot.companies.ready and fact.kind in moved)
    }
    return [f"alert {name}" for name in own.keys() | every.keys() if own.get(name) != every.get(name)]


@dataclass
class Lived:
    """How many customers and companies were compared, how often nothing was said, and which tables were made."""

    customers: int = 0
    companies: int = 0
    left: int = 0
    made: set[str] = field(default_factory=set)


def live_and_compare(
    root: Path, seed: int, kinds: tuple[str, ...], people: int = PEOPLE, changes_at_once: int = CHANGES
) -> Lived:
    """Let a home live, and compare what is computed hot with what everything comes to."""
    random, home = Random(seed), HotHome(root)
    home.begin(first(random, people))
    for table in (CUSTOMERS, COHORTS):
        yesterday = home.lake.read_day(table, DAY).to_pyarrow()
        home.lake.write(table, str(TODAY - timedelta(days=1)), yesterday.to_reader())
    lived = Lived()
    for nth in range(ROUNDS):
        changes: dict[str, dict[str, Record]] = {}
        for _ in range(random.randrange(changes_at_once // 2, changes_at_once)):
            for table, rows in change(random, home, people, kinds).items():
                changes.setdefault(table, {}).update(keyed(table, rows))
        home.change({table: list(rows.values()) for table, rows in changes.items()}, hot_only=random.random() < 0.7)
        try:
            hot = home.hot(f"hot{nth}")
        except LeftToTables:
            lived.left += 1
            continue
        full = home.full(f"full{nth}")
        wrong = differences(hot, full) + differing_news(home, hot, full)
        assert not wrong, f"seed {seed}, round {nth}: {wrong[0]}"
        lived.customers += len(hot.ready)
        lived.companies += len(hot.companies.ready)
        lived.made |= {*hot.tables, *hot.companies.tables}
    return lived


@pytest.mark.parametrize("seed", range(1))
def test_random_histories_are_the_same_hot_and_full(tmp_path: Path, seed: int) -> None:
    lived = live_and_compare(tmp_path, seed, HAPPENS)
    assert lived.customers
    assert lived.companies
    assert {"core/unified_customers", "core/unified_companies"} <= lived.made


def test_whoever_carries_the_id_of_a_payer_that_is_not_listed_is_undecided(tmp_path: Path) -> None:
    random, home = Random(5), HotHome(tmp_path)
    carrier = {**contact(random, 0), "stripe_id": "s0"}
    home.begin({"intercom/contacts": [carrier, {**contact(random, 3), "stripe_id": None}]})
    seen = {**contact(random, 3), "last_seen_at": carrier["last_seen_at"], "stripe_id": None}
    home.change({"stripe/subscriptions": [subscription(random, 0)], "intercom/contacts": [seen]})
    hot = home.hot()
    assert hot.left["identity"] == 1
    assert not differences(hot, home.full())


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_random_histories_of_companies_are_the_same_hot_and_full(tmp_path: Path, seed: int) -> None:
    lived = live_and_compare(tmp_path, seed, OF_COMPANIES)
    assert lived.companies
    assert {"market/signals", "market/firmographics", "cohorts/company_accounts"} <= lived.made


@pytest.mark.long
def test_random_histories_in_which_people_change(tmp_path: Path) -> None:
    live_and_compare(tmp_path, 7, (*HAPPENS, *OF_IDENTITY))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_020))
def test_histories_in_which_anything_happens(tmp_path: Path, seed: int) -> None:
    live_and_compare(tmp_path, seed, ((*HAPPENS, *HAPPENS, *OF_IDENTITY), (*HAPPENS, *OF_COMPANIES))[seed % 2])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2_000, 2_030))
def test_ten_thousand_histories_are_the_same_hot_and_full(tmp_path: Path, seed: int) -> None:
    """Each customer is a history, of 18,000; what all decide together, such as health, is made in the homes above."""
    kinds = tuple(kind for kind in (*HAPPENS, *OF_COMPANIES) if kind not in OF_EVERYBODY)
    lived = live_and_compare(tmp_path, seed, kinds, people=600, changes_at_once=600)
    assert lived.left == 0
    assert lived.customers >= 250
    assert {"core/unified_customers", "core/unified_companies"} <= lived.made
