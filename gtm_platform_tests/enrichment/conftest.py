"""A home with some companies and customers, and a sandbox that plays the providers."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.enrichment.candidates import COMPANIES, CUSTOMERS
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.state import open_state, spend
from gtm_platform.state.spend import MonthSpend
from gtm_platform_tests.tables import filled

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = "2026-03-01"
PROVIDERS = {"clay": "CLAY", "zoominfo": "ZOOMINFO"}


@dataclass
class Home:
    """A home of the test's own."""

    box: Sandbox
    domains: list[str]

    @property
    def lake(self) -> Lake:
        return the_lake()

    def month(self, provider: str) -> MonthSpend:
        with closing(open_state(settings().state_url)) as state, state.reading() as tx:
            return spend.spent_in(tx, provider, "2026-03")

    def answers(self, provider: str) -> list[dict[str, Any]]:
        """The answers as the lake has them."""
        rows: list[dict[str, Any]] = self.lake.as_of(f"{provider}/companies", "9999").to_pyarrow().to_pylist()
        return rows


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(40, 3, START) as box:
        yield box


@pytest.fixture
def home(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    for name, value in box.env.items():
        if name.startswith(tuple(PROVIDERS.values())):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("GTM_NOW", START.isoformat())
    settings.cache_clear()
    policy.cache_clear()
    domains = [each.company.domain for each in box.world.market.companies(START)][:12]
    write_companies(domains)
    yield Home(box, domains)
    settings.cache_clear()
    policy.cache_clear()


def write_companies(domains: list[str]) -> None:
    """Companies that nobody knows more of than the domain; the first ones pay most, the last ones nothing."""
    companies = [
        {
            "company_id": f"com_{n}",
            "domain": domain,
            "domains": [domain],
            "name": domain.title(),
            "match_method": "domain",
        }
        for n, domain in enumerate(domains)
    ]
    nameless = {"company_id": "com_none", "domain": None, "match_method": "alone"}
    free_mail = {"company_id": "com_mail", "domain": "gmail.com", "domains": ["gmail.com"], "match_method": "domain"}
    customers = [
        {
            "customer_id": f"c{n}",
            "company_id": f"com_{n}",
            "mrr_reporting": 1000 - 100 * n,
            "is_customer": n < 6,
            "customer_status": "active",
        }
        for n in range(len(domains))
    ]
    the_lake().write(COMPANIES, DAY, filled(COMPANIES, *companies, nameless, free_mail).to_pyarrow())
    the_lake().write(CUSTOMERS, DAY, filled(CUSTOMERS, *customers).to_pyarrow())


@pytest.fixture
def caps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the monthly caps of the policy."""

    def set_caps(clay: float = 1000, zoominfo: float = 500) -> None:
        packaged = (Path(__file__).parents[2] / "gtm_platform/policy/policy.toml").read_text()
        mine = tmp_path / "mine.toml"
        text = packaged.replace("clay = 1000", f"clay = {clay}").replace("zoominfo = 500", f"zoominfo = {zoominfo}")
        mine.write_text(text)
        monkeypatch.setenv("GTM_POLICY", str(mine))
        settings.cache_clear()
        policy.cache_clear()

    return set_caps
