"""Companies that HubSpot makes of its contacts' addresses by itself: whenever it does, there is one in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest.mock import Mock

import pytest

from gtm_platform.delivery.hubspot.associate import Associator, Pair
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.links import LINK_TYPES, connect
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import State, audit
from gtm_platform_tests.delivery.hubspot_delivery import (
    CONTACTS,
    company,
    contact,
    journal,
    live,
    objects,
    put,
    untrue,
)
from gtm_platform_tests.delivery.world import NOW, Call, Watched, served

LAG = timedelta(seconds=10)
ACME = "acme.example"


@dataclass
class Moment:
    """What time it is in HubSpot and here."""

    now: datetime = NOW

    def run(self, number: int) -> Run:
        return Run(f"run-{number}", "2026-11-20", lambda: self.now)


@dataclass
class Account:
    """A HubSpot that makes companies of addresses some seconds after the contacts."""

    portal: HubSpotStore
    moment: Moment = field(default_factory=Moment)


@pytest.fixture
def account(portal: HubSpotStore) -> Account:
    portal.companies_of_contacts = "on"
    return Account(portal)


@pytest.fixture
def api(account: Account) -> Iterator[Watched]:
    limits = Limits(burst=Limit(100_000, 10), search=Limit(100_000, 10))
    clock = lambda: account.moment.now  # noqa: E731
    app = hubspot.app(account.portal, clock, limits=limits, search_lag=LAG / 2, company_lag=LAG)
    with served(app) as watched:
        yield watched


def test_a_company_that_hubspot_made_first_is_taken(account: Account, api: Watched, state: State) -> None:
    moment = account.moment
    deliver([contact(1, "", f"ada@{ACME}")], objects(api.url, CONTACTS), state, moment.run(1))
    moment.now += 2 * LAG
    objects(api.url).read(["1"])  # any call: by now HubSpot has made it
    [made] = live(account.portal, "companies", domain=ACME)
    moment.now += 2 * LAG

    report = deliver([company(1, domain=ACME)], objects(api.url), state, moment.run(2))

    assert (report.written, report.created) == (1, 0)
    assert live(account.portal, "companies") == [made]
    assert made.properties["customer_cohort"] == "cohort_2_in_market"


def test_a_contact_of_a_company_that_we_made_first_is_associated_with_it(
    account: Account, api: Watched, state: State
) -> None:
    moment = account.moment
    with_alias = company(1, domain=ACME, aliases=["acme.test"])
    deliver([with_alias], objects(api.url), state, moment.run(1))
    two = [contact(1, "", f"ada@{ACME}"), contact(2, "", "eve@acme.test")]
    deliver(two, objects(api.url, CONTACTS), state, moment.run(1))
    moment.now += 2 * LAG
    objects(api.url).read(["1"])
    [made] = live(account.portal, "companies")
    assert len(made.links["contacts"]) == 2


@pytest.mark.faults("D9")
def test_a_company_that_hubspot_makes_between_our_look_and_our_call_is_the_one_that_stays(
    account: Account, api: Watched, state: State
) -> None:
    def meanwhile(call: Call) -> None:
        if call.path.endswith("companies/batch/create"):
            account.moment.now += LAG  # what HubSpot does by itself is due before our call is answered
        elif call.path.endswith("companies/search"):
            account.moment.now += LAG / 2

    portal, moment = account.portal, account.moment
    deliver([contact(1, "", f"ada@{ACME}")], objects(api.url, CONTACTS), state, moment.run(1))
    api.fault = meanwhile
    two = [company(1, domain=ACME), company(2, domain="bolt.example")]
    report = deliver(two, objects(api.url), state, moment.run(2))

    [theirs] = live(portal, "companies", domain=ACME)
    assert theirs.source == "AUTO_ASSOCIATE_BY_DOMAIN"
    assert (theirs.properties["customer_cohort"], len(theirs.links["contacts"])) == ("cohort_2_in_market", 1)
    assert (report.written, report.created, report.lost) == (2, 1, 0)
    assert untrue(state, portal) == []
    api.fault = None
    assert deliver(two, objects(api.url), state, moment.run(3)).unchanged == 2
    assert len(live(portal, "companies")) == 2


@pytest.mark.faults("D9")
def test_one_that_the_search_shows_only_later_is_taken_by_the_next_run(
    account: Account, api: Watched, state: State
) -> None:
    portal, moment = account.portal, account.moment
    desired = [company(1, domain=ACME)]
    deliver(desired, objects(api.url), state, moment.run(1))
    [ours] = live(portal, "companies", domain=ACME)
    theirs = put(portal, "companies", domain=ACME)  # at the same moment
    linked = put(portal, "contacts", email=f"ada@{ACME}")
    pair = Pair("cus-1", linked, "com-1", ours.id, frozenset({ours.id}))
    Associator(objects(api.url).client, state, moment.run(1), CONTACTS, "companies").associate([pair], dry_run=False)
    moment.now += timedelta(hours=12)

    report = deliver(desired, objects(api.url), state, moment.run(2))

    assert [each.id for each in live(portal, "companies", domain=ACME)] == [theirs]
    assert (report.written, report.created) == (1, 0)
    with state.reading() as tx:
        [entry] = audit.entries(tx, "hubspot.archive")
    assert entry["subject"] == f"companies {ours.id}"
    [row] = journal(state, property="hs_object_id")
    assert (row["object_id"], row["status"]) == (theirs, "unchanged")
    assert deliver(desired, objects(api.url), state, moment.run(3)).unchanged == 1


THEIRS = {"contacts": {"email": f"ada@{ACME}"}, "deals": {"dealname": "Renewal"}}


@pytest.mark.faults("D9")
def test_a_run_that_dies_after_it_archived_ours_leaves_theirs_to_the_next(
    account: Account, api: Watched, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal, moment = account.portal, account.moment
    desired = [company(1, domain=ACME)]
    deliver(desired, objects(api.url), state, moment.run(1))
    theirs = put(portal, "companies", domain=ACME)
    moment.now += timedelta(hours=12)
    with monkeypatch.context() as patch:
        patch.setattr(audit, "note", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliver(desired, objects(api.url), state, moment.run(2))
    assert [each.id for each in live(portal, "companies", domain=ACME)] == [theirs]

    report = deliver(desired, objects(api.url), state, moment.run(3))
    assert (report.written, report.created, report.lost) == (1, 0, 0)
    assert portal.objects["companies"][theirs].properties["customer_cohort"] == "cohort_2_in_market"
    assert deliver(desired, objects(api.url), state, moment.run(4)).unchanged == 1


# By HubSpot's numbers: a contact to its company, a deal to its company.
@pytest.mark.parametrize(("kind", "link"), [("contacts", 279), ("deals", 341)])
def test_a_company_on_which_others_hung_something_is_left_to_people(
    account: Account, api: Watched, state: State, kind: str, link: int
) -> None:
    portal, moment = account.portal, account.moment
    desired = [company(1, domain=ACME)]
    deliver(desired, objects(api.url), state, moment.run(1))
    [ours] = live(portal, "companies", domain=ACME)
    put(portal, "companies", domain=ACME)
    made = put(portal, kind, **THEIRS[kind])
    theirs = portal.objects[kind][made]
    connect(LINK_TYPES[link], theirs, ours, portal.objects["companies"])
    moment.now += timedelta(hours=12)

    assert deliver(desired, objects(api.url), state, moment.run(2)).unchanged == 1
    assert len(live(portal, "companies", domain=ACME)) == 2
