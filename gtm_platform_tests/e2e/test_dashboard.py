"""The dashboard of a home in which days were lived shows what its lake, its state and Dagster hold."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.dashboard.frame.page import discover
from gtm_platform.dashboard.wording import money
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.dashboard.conftest import opener
from gtm_platform_tests.dashboard.test_pages import cards, listed, texts
from gtm_platform_tests.e2e.conftest import Lived
from gtm_platform_tests.e2e.home import queried

AT_RISK = "is_customer and health_status <> 'healthy'"


@pytest.mark.parametrize("page", list(discover()))
def test_every_page_of_a_lived_home_is_drawn(at_home: Lived, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    assert opener(at_home.home, monkeypatch)(page).title[0].value


def test_the_figures_are_those_of_the_catalogue(at_home: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    [(customers, mrr, risk, health)] = queried(
        at_home.home,
        f"""select count(*), sum(mrr_reporting)::double, coalesce(sum(mrr_reporting) filter ({AT_RISK}), 0)::double,
            avg(health_score) from latest.unified_customers where is_customer""",
    )
    figures = cards(opener(at_home.home, monkeypatch)("overview"))
    assert (figures["Customers"], figures["MRR"]) == (str(customers), money(mrr, "usd"))
    assert (figures["MRR at risk"], figures["Mean health"]) == (money(risk, "usd"), f"{health:.1f}")


def test_every_customer_at_risk_is_listed_and_explained(at_home: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page = opener(at_home.home, monkeypatch)
    query = f"select customer_id, name, health_score from latest.unified_customers where {AT_RISK}"
    at_risk = queried(at_home.home, query)
    assert sorted(row["name"] for row in listed(open_page("at_risk"))) == sorted(name for _, name, _ in at_risk)
    for id, _, score in at_risk[:2]:
        app = open_page("customer", id=id)
        assert cards(app)["Health"] == str(score)
        assert "to HubSpot" in texts(app)
        assert {"HubSpot"} <= links_of(app)


def test_checks_and_runs_are_those_of_dagster(at_home: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = cards(opener(at_home.home, monkeypatch)("data_health"))
    passed, total = map(int, figures["Checks passed"].split(" of "))
    assert 0 < passed <= total
    assert figures["Late sources"] == f"0 of {len(SCHEDULED)}"
    assert figures["Failed runs"].startswith("0 of ")


def links_of(app: AppTest) -> set[Any]:
    return {button.proto.label for button in app.get("link_button")}
