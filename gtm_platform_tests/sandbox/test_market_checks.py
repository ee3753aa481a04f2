"""The demo's comparison of the market with the sandbox: true of what is shown, and false of anything else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from gtm_platform.demo.market_checks import market
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.sandbox.server import running
from gtm_platform_tests.tables import filled

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = START.date()
Row = dict[str, Any]
Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with running(300, 7, START) as sandbox:
        box = Box(sandbox.url)
        box.set_clock(START + timedelta(days=1))
        yield box


@pytest.fixture(scope="module")
def recorded(box: Box) -> Tables:
    """All that is shown for sure, as the platform's tables have it."""
    truth = box.ask("truth", day=DAY.isoformat())
    shown = truth["shown"]["market"]
    tables: Tables = {
        "identity/companies": [{"company_id": row["domain"], "domain": row["domain"]} for row in shown],
        "market/signals": [],
        "competitor_intel/usage": [],
        "market/partners": [],
        "core/unified_companies": [
            {"company_id": row["domain"], "domain": row["domain"], "introducers": row["introducers"]}
            for row in truth["market"]
            if "introducers" in row
        ],
        "market/web_traffic": [{"host": "www.ours.example", "sessions": truth["shown"]["sessions"]}],
    }
    for row in shown:
        company = {"company_id": row["domain"]}
        for source, kinds in row["signals"].items():
            for kind, (least, _) in kinds.items():
                about = {"kind": kind, "is_active": True, "sources": [source]}
                signs = [{**company, **about, "signal_id": f"{source}:{kind}:{number}"} for number in range(least)]
                tables["market/signals"] += signs
        for product, channels in row["competitors"].items():
            sure = [channel for channel, is_sure in channels.items() if is_sure]
            use = {"vector_db": product, "channels": sure, "newest_channel": "github"}
            tables["competitor_intel/usage"].append({**company, **use})
        if row["partner"]:
            first = next(row["partner"][each] for each in PRECEDENCE if each in row["partner"])
            partner = {"status": first["status"], "tier": row["entered_tier"] or first["tier"]}
            tables["market/partners"].append({**company, **partner})
    return tables


PRECEDENCE = ("partners_csv", "partnerstack", "crossbeam")


def differences(box: Box, tables: Tables) -> list[str]:
    for name, rows in tables.items():
        the_lake().write(name, DAY.isoformat(), filled(name, *rows).to_pyarrow())
    return list(market(box, DAY).wrong)


def test_what_is_shown_for_sure_is_true(box: Box, recorded: Tables) -> None:
    assert differences(box, recorded) == []
    claim = market(box, DAY).claim
    for sign in ("open AI jobs", "stars", "visits", "places on lists", "uses of competitors", "partners", "sessions"):
        assert sign in claim


def without_first(table: str, of: Callable[[Row], bool] = lambda _: True) -> Callable[[Tables], Tables]:
    def spoil(recorded: Tables) -> Tables:
        gone = next(row for row in recorded[table] if of(row))
        return {**recorded, table: [row for row in recorded[table] if row is not gone]}

    return spoil


def with_changed(table: str, **values: Any) -> Callable[[Tables], Tables]:
    return lambda recorded: {**recorded, table: [{**recorded[table][0], **values}, *recorded[table][1:]]}


def is_by(source: str, row: Row) -> bool:
    return bool(row["sources"] == [source])


SOURCES = ("sumble", "github", "reodev", "factors", "linkedin_sales_nav")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        *(
            (
                without_first("market/signals", partial(is_by, source)),
                f" by {source}, in truth ",
            )
            for source in SOURCES
        ),
        (without_first("identity/companies"), " is no company"),
        (without_first("competitor_intel/usage"), " by [], in truth by "),
        (with_changed("competitor_intel/usage", channels=["conversation"]), " uses "),
        (without_first("market/partners"), " is a partner: False, in truth True"),
        (with_changed("market/partners", tier="bronze"), " is a partner of tier bronze, in truth "),
        (with_changed("market/partners", status="gone"), " is a partner of status gone, in truth "),
        (without_first("core/unified_companies"), " could be introduced by [], in truth by "),
        (with_changed("market/web_traffic", sessions=99), "99 sessions of the web site, in truth "),
    ],
)
def test_whatever_is_missing_or_wrong_is_named(
    box: Box, recorded: Tables, spoil: Callable[[Tables], Tables], sentence: str
) -> None:
    spoilt = spoil(recorded)
    gone = {row["company_id"] for row in recorded["identity/companies"]} - {
        row["company_id"] for row in spoilt["identity/companies"]
    }
    kept = {
        name: [row for row in rows if row.get("company_id") not in gone]
        if name.startswith(("market/s", "market/p", "comp"))
        else rows
        for name, rows in spoilt.items()
    }
    wrong = differences(box, kept)
    assert any(sentence in each for each in wrong), wrong


def test_a_sign_that_no_system_shows_is_named(box: Box, recorded: Tables) -> None:
    further = {**recorded["market/signals"][0], "signal_id": "further"}
    wrong = differences(box, {**recorded, "market/signals": [*recorded["market/signals"], further]})
    assert len(wrong) == 1
