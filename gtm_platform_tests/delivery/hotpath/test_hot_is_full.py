"""What the hot path computes for some customers is what the computation of everything says of them, to the byte.

So is what it would say of them: their values to who subscribed, and the alerts that their own rows decide.
"""

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from gtm_platform.delivery.alerts import customer_alerts
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hotpath.alerting import alerts_of
from gtm_platform.delivery.hotpath.computing import HotRows, LeftToTables
from gtm_platform.delivery.hotpath.delivering import shown_rows
from gtm_platform.delivery.triggers.kinds import KINDS
from gtm_platform.delivery.triggers.subjects import read_subjects, values_of
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TODAY, HotHome, Record, differences, keyed
from gtm_platform_tests.delivery.hotpath.random_histories import KINDS as HAPPENS
from gtm_platform_tests.delivery.hotpath.random_histories import OF_IDENTITY, change, first

pytestmark = pytest.mark.soak

PEOPLE, CHANGES, ROUNDS = 24, 7, 2
OF_CUSTOMERS = [name for name, kind in KINDS.items() if kind.subject == "customer"]


@pytest.fixture(autouse=True)
def slack_is_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_ALERT_CHANNEL": "C1", "SLACK_SEND_ENABLED": "true"}
    for name, value in {**variables, "GTM_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def differing_news(home: HotHome, hot: HotRows, full: Lake) -> list[str]:
    """List what would be said of customers that everything, computed anew, would not say, and the other way round."""
    if CUSTOMERS not in hot.tables:
        return []
    stale = {column for table, column in hot.stale if table == CUSTOMERS}
    kinds = [name for name in OF_CUSTOMERS if KINDS[name].column not in stale]
    own, every = (read_subjects(lake, DAY).customers for lake in (shown_rows(hot, home.lake), full))
    wrong = []
    for customer in sorted(hot.ready):
        values = [rows.get(customer) and values_of(rows[customer], kinds, "customer") for rows in (own, every)]
        if values[0] != values[1]:
            wrong.append(f"{customer}: {values[0]} is not {values[1]}")
    return wrong + _alerted_otherwise(home, hot, full, stale)


def _alerted_otherwise(home: HotHome, hot: HotRows, full: Lake, stale: set[str]) -> list[str]:
    alerts = customer_alerts.routed("customers")
    with closing(open_state(settings().state_url)) as state:
        own = {fact.fingerprint: fact.facts for fact in alerts_of(hot, home.lake, state)}
        due = customer_alerts._due(full, state, DAY).facts
    table = home.lake.partition(CUSTOMERS, DAY)
    current = set(table.filter(table["is_customer"]).to_pandas()["customer_id"])
    every = {
        fact.fingerprint: fact.facts
        for fact in due
        if fact.subject_id in hot.ready & current and stale.isdisjoint(alerts[fact.kind].columns)
    }
    return [f"alert {name}" for name in own.keys() | every.keys() if own.get(name) != every.get(name)]


def live_and_compare(root: Path, seed: int, kinds: tuple[str, ...]) -> tuple[int, int, set[str]]:
    """Let a home live; return how many customers were compared, how often nothing was said, and which tables made."""
    random, home = Random(seed), HotHome(root)
    home.begin(first(random, PEOPLE))
    yesterday = home.lake.read_day(CUSTOMERS, DAY).to_pyarrow()
    home.lake.write(CUSTOMERS, str(TODAY - timedelta(days=1)), yesterday.to_reader())
    compared, left, made = 0, 0, set[str]()
    for nth in range(ROUNDS):
        changes: dict[str, dict[str, Record]] = {}
        for _ in range(random.randrange(1, CHANGES)):
            for table, rows in change(random, home, PEOPLE, kinds).items():
                changes.setdefault(table, {}).update(keyed(table, rows))
        home.change({table: list(rows.values()) for table, rows in changes.items()}, hot_only=random.random() < 0.7)
        try:
            hot = home.hot(f"hot{nth}")
        except LeftToTables:
            left += 1
            continue
        full = home.full(f"full{nth}")
        wrong = differences(hot, full) + differing_news(home, hot, full)
        assert not wrong, f"seed {seed}, round {nth}: {wrong[0]}"
        compared += len(hot.ready)
        made |= set(hot.tables)
    return compared, left, made


@pytest.mark.parametrize("seed", range(1))
def test_random_histories_are_the_same_hot_and_full(tmp_path: Path, seed: int) -> None:
    compared, _, made = live_and_compare(tmp_path, seed, HAPPENS)
    assert compared
    assert "core/unified_customers" in made


def test_random_histories_in_which_people_change(tmp_path: Path) -> None:
    live_and_compare(tmp_path, 7, (*HAPPENS, *OF_IDENTITY))


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(100))
def test_thousands_of_histories_are_the_same_hot_and_full(tmp_path: Path, hundred: int) -> None:
    """Each customer of each home is a history: of 24 in 5 homes, 12,000."""
    for seed in range(1_000 + hundred * 5, 1_005 + hundred * 5):
        live_and_compare(tmp_path / str(seed), seed, (*HAPPENS, *HAPPENS, *OF_IDENTITY) if seed % 2 else HAPPENS)
