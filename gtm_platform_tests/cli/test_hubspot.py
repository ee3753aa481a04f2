"""`gtm hubspot …` over a small account that was delivered to, changed by a person, and compared."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gtm_platform.sandbox.hubspot.store import BY_PEOPLE
from gtm_platform.settings import settings
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.delivery.rows import customer, health
from gtm_platform_tests.delivery.test_assets import CUSTOMERS, DAYS, HEALTH, World, values_in_hubspot, world
from gtm_platform_tests.delivery.test_hubspot_assets import deliver, edit
from gtm_platform_tests.delivery.world import Call

__all__ = ["world"]
Answering = Callable[..., str]


@pytest.fixture
def answer_of(command: Command, world: World, tmp_path: Path) -> Answering:
    """What a command says over the home of the world; the world comes first, as it sets the account."""
    assert world

    def of(*arguments: str, code: int = 0) -> str:
        result = command("hubspot", *arguments, "--home", str(tmp_path))
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    return of


def test_the_truth_is_a_share_and_a_line_for_each_type(world: World, answer_of: Answering) -> None:
    assert "Nothing was compared with HubSpot yet." in answer_of("truth")
    world.land_day(DAYS[1], score=55)
    deliver(world)
    text = answer_of("truth")
    assert f"100.00% of what is wanted on {DAYS[1]} is true in HubSpot." in text
    assert f"contacts of {DAYS[1]}, all 5 compared in 1 calls: 100.00% of 35 values are true (35 true)." in text


def test_what_hubspot_refuses_is_listed_dismissed_and_sent_again(world: World, answer_of: Answering) -> None:
    def refuses(call: Call) -> tuple[int, dict[str, str]] | None:
        guilty = call.path.endswith("batch/update") and any(each["id"] == "3" for each in call.body["inputs"])
        return (400, {"message": "Property values were not valid: too long."}) if guilty else None

    world.hubspot_api.fault = refuses
    world.land_day(DAYS[1], score=55)
    deliver(world)

    listed = answer_of("rejected")
    assert "contacts:3" in listed
    assert "Property values were not valid: too long." in listed
    assert (
        answer_of("rejected", "--dismiss", "1", "--by", "Noor")
        == "contacts 3 is not sent again until its values change.\n"
    )
    assert "dismissed by Noor" in answer_of("rejected")
    world.hubspot_api.fault = None
    deliver(world)
    assert world.portal.objects["contacts"]["3"].properties == {}

    assert "sent again by the next delivery" in answer_of("rejected", "--retry", "1")
    deliver(world)
    assert world.portal.objects["contacts"]["3"].properties["gtm_health_score"] == "55"
    assert "contacts:3" not in answer_of("rejected")
    assert "has the number 9" in answer_of("rejected", "--retry", "9", code=1)
    answer_of("rejected", "--retry", "1", "--dismiss", "1", code=2)


def test_why_tells_the_rule_the_day_and_the_story_of_a_value(world: World, answer_of: Answering) -> None:
    world.land_day(DAYS[0], score=80)
    deliver(world)
    edit(world, 2, BY_PEOPLE, gtm_health_score="99")
    world.land_day(DAYS[1], score=55)
    deliver(world)

    text = answer_of("why", "contacts:2", "gtm_health_score")

    assert "Wanted: '55'" in text
    assert f"of c2 on {DAYS[1]}: health/customer_health.health_score, by policy_hash" in text
    assert "In HubSpot: '99', set by a person (user 4242) on 2026-11-20 06:00 UTC" in text
    first, second = [line for line in text.splitlines() if " run " in line]
    assert f"health/customer_health of {DAYS[0]}: written: '' -> '80'" in first
    assert "held: '99' -> '55', '99' was set by person user 4242 on 2026-11-20 06:00" in second
    assert "names no object: write one as" in answer_of("why", "c2", "gtm_health_score", code=1)
    assert "gtm_mood is not delivered to contacts" in answer_of("why", "contacts:2", "gtm_mood", code=1)


def land(world: World, score: int) -> None:
    """Five customers with contacts, and one without."""
    world.portal.next_id = 100
    people = [customer(f"c{n}", hubspot_contact_id=str(n)) for n in range(1, 6)]
    people.append(customer("c6", hubspot_contact_id=None, email="new@acme.example", all_emails=["new@acme.example"]))
    world.land(HEALTH, DAYS[1], [health(row["customer_id"], score) for row in people])
    world.land(CUSTOMERS, DAYS[1], people)


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_the_plan_shows_each_field_whether_or_not_writing_is_enabled(
    world: World, answer_of: Answering, monkeypatch: pytest.MonkeyPatch, enabled: str
) -> None:
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", enabled)
    settings.cache_clear()
    land(world, score=80)

    text = answer_of("plan", "--object", "contacts", "--limit", "0")

    assert f"contacts, {DAYS[1]}" in text
    assert "  contact 3 (c3)" in text
    source = f"[health/customer_health.health_score, rule abc, {DAYS[1]}]"
    assert f"    gtm_health_score   '' → '80'  {source}" in text
    assert "  contact new (c6)" in text
    assert "6 contacts: 0 written (0 fields), 0 unchanged, 0 held, 0 rejected, 6 waiting; 1 of them new" in text
    assert "… and 32 lines more; --limit 0 prints all." in answer_of("plan", "--object", "contacts", "--limit", "10")
    assert values_in_hubspot(world, "gtm_health_score") == {None}
    assert not world.hubspot_api.calls_to("batch/update")
    assert "how HubSpot's tickets are delivered" in answer_of("plan", "--object", "tickets", code=1)


def test_applying_goes_through_the_gate(world: World, answer_of: Answering) -> None:
    land(world, score=80)
    assert "Nothing is delivered: the check" in answer_of("apply", "--object", "contacts", code=1)
    assert values_in_hubspot(world, "gtm_health_score") == {None}


@pytest.mark.parametrize("words", [("hubspot", "undo"), ("undo",)])
def test_undo_says_what_stays(world: World, command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    land(world, score=80)
    run_id = deliver(world).run_id
    assert len(world.portal.objects["contacts"]) == 6

    result = command(*words, run_id[:8], "--home", str(tmp_path))

    assert "6 contacts: 6 written" in result.stdout
    assert "1 contacts that the run created stay in HubSpot, without our values" in result.stdout
    assert values_in_hubspot(world, "gtm_health_score") == {None}
    assert len(world.portal.objects["contacts"]) == 6
