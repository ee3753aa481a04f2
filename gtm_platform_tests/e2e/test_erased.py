"""A person erased from a home that lived three days: no byte of her is left, what is served is made anew without her,
and the same windows read again do not bring her back."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gtm_platform.privacy.seal import new_key
from gtm_platform.serving import erasure_process
from gtm_platform.serving.snapshot.files import folder_of, stamps
from gtm_platform.serving.store import CustomerQuery, Store
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.conftest import DAYS, NOW, Lived
from gtm_platform_tests.e2e.home import MARKET, environment_of, execute, failure_of, frame, gtm, windows_of
from gtm_platform_tests.privacy.bytes_of_home import places_of

DAY, WIDE = str(DAYS[2]), "core/unified_customers"
SYSTEMS = ["hubspot_contact_id", "stripe_customer_id", "intercom_contact_id", "calendly_invitee", "fathom_email"]


@dataclass(frozen=True)
class Person:
    """Somebody whom most systems know, and who shares a name with nobody."""

    id: str
    email: str
    name: str
    stripe: str

    @property
    def texts(self) -> tuple[str, ...]:
        return self.id, self.email, self.name, self.stripe


def known_to_most(home: Path) -> Person:
    people = frame(home, WIDE, DAY).sort_values("email")
    names = people["name"].value_counts()
    people = people[people["name"].map(names).eq(1) & people["stripe_customer_id"].notna()]
    row = people.loc[people[SYSTEMS].notna().sum(axis=1).idxmax()]
    return Person(row["customer_id"], row["email"], row["name"], row["stripe_customer_id"])


def test_an_erased_person_is_in_no_byte_and_does_not_come_back(copied: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    home, person, key = copied.home, known_to_most(copied.home), new_key()
    before = frame(home, WIDE, DAY)
    assert {place.split("/")[0].split(":")[0] for place in places_of(home, *person.texts)} >= {
        "lake",
        "serving",
        "state.db",
    }
    served = stamps(folder_of(home))
    variables = {**environment_of(copied.box, MARKET), "GTM_NOW": NOW.isoformat(), "GTM_PRIVACY_KEY": key}

    # As the dashboard has it done, in processes of their own.
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    plan_id = erasure_process.plan(person.email, "Request 1", "noor@example.com")
    assert places_of(home, *person.texts)
    assert erasure_process.launch(plan_id, "noor@example.com").wait(600) == 0, erasure_process.trouble_of(plan_id)
    assert places_of(home, *person.texts) == []
    assert stamps(folder_of(home))[-1] > served[-1], "what is served was made anew"
    assert not set(served) & set(stamps(folder_of(home))), "and nothing older can be read"

    settings.cache_clear()
    for job, first, last in [*windows_of(DAYS[2]), ("daily_tables", DAY, DAY)]:
        ran = execute(copied.dagster, job, first, last)
        assert ran.success, failure_of(ran)
    assert places_of(home, *person.texts) == []
    snapshot = Store(folder_of(home)).current()
    everybody = snapshot.customers(CustomerQuery(customers="all", limit=1000))
    listed = {row["customer_id"] for row in everybody.rows(personal=False)}
    assert listed == set(before["customer_id"]) - {person.id}
    assert " done " in gtm("erase", home=home, **variables).stdout
