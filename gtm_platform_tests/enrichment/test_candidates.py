"""Who is asked about: companies that lack what is wanted, those first that pay most."""

from datetime import timedelta

from gtm_platform.enrichment.candidates import candidates
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy
from gtm_platform_tests.enrichment.conftest import START, Home
from gtm_platform_tests.tables import filled

ANSWERED = {"id": "1", "outcome": "matched", "retrieved_at": START, "employee_count": 12, "country": "US"}


def test_they_are_ordered_by_what_they_pay(home: Home) -> None:
    listed = candidates(home.lake, policy(), ())
    assert [each.domain for each in listed[:6]] == home.domains[:6]
    assert [each.mrr for each in listed[:3]] == [1000, 900, 800]
    assert {each.domain for each in listed} == set(home.domains), "without a domain nobody can be asked about"
    assert listed[0].missing == policy().enrichment.wanted_fields


def test_who_is_known_well_enough_is_not_asked_about(home: Home) -> None:
    whole, partly, unmatched = home.domains[:3]
    rows = [
        {**ANSWERED, "domain": whole, "industry": "Software"},
        {**ANSWERED, "id": "2", "domain": partly, "industry": None},
        {**ANSWERED, "id": "3", "domain": unmatched, "industry": "Software", "outcome": "no_match"},
    ]
    stamped = [{**row, "_window": START + timedelta(days=1), "_extracted_at": START} for row in rows]
    the_lake().write("clay/companies", "2026-03-02", filled("clay/companies", *stamped).to_pyarrow(), full=True)
    listed = {each.domain: each for each in candidates(home.lake, policy(), ())}
    assert whole not in listed
    assert listed[partly].missing == ("industry",)
    assert len(listed[unmatched].missing) == 3


def test_who_was_asked_about_is_left_out(home: Home) -> None:
    assert {each.domain for each in candidates(home.lake, policy(), home.domains[1:])} == {home.domains[0]}


def test_before_the_first_day_there_is_nobody(lake: object) -> None:
    assert candidates(lake, policy(), ()) == []  # type: ignore[arg-type]
