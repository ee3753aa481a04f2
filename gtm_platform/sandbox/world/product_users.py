"""One person's accounts in the systems that see the use of the product: PostHog, Userflow, and the two admin panels."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from gtm_platform.sandbox.chroma_admin.store import ChromaAccount
from gtm_platform.sandbox.kit.timeline import note
from gtm_platform.sandbox.listkit_admin.store import ListKitAccount
from gtm_platform.sandbox.posthog.store import PostHogPerson
from gtm_platform.sandbox.userflow.store import UserflowGroup, UserflowUser
from gtm_platform.sandbox.world import hosts, names
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import PersonHistory, RecordHistory
from gtm_platform.sandbox.world.hubspot_file import company_spelling
from gtm_platform.sandbox.world.people import Company, Person
from gtm_platform.sandbox.world.product import HISTORY, TASKS, Product, ProductUse
from gtm_platform.sandbox.world.sessions import Usage

_CHANNELS = (
    ("newsletter", "email", "news.example"),
    ("google", "cpc", "search.example"),
    ("linkedin", "social", "social.example"),
    (None, None, "$direct"),
    (None, None, "blog.example"),
)
_USE_CASES = ("analytics", "rag", "search", "outbound", "enrichment", "agents")
_REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-1")


@dataclass(frozen=True)
class ProductStanding:
    """How somebody stands with the billing: what the admin panels show of it."""

    status: str  # trialing | active | past_due | paused | canceled
    tier: str  # free, or a paid one


class ProductUser:
    """`second` is a further address of which other systems know whose it is.

    `keeps_id` says that the product's own id of the user stands in another system for good, so that an address may be
    missing here.
    """

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        person_history: PersonHistory,
        usage: Usage,
        signed_up: datetime,
        second: str | None,
        keeps_id: bool,
        keen: bool,
    ) -> None:
        self._context = context
        self._rng = rng
        self._person = person
        self._history = person_history
        self._second = second
        self._keeps_id = keeps_id
        recorded_from = (context.start - HISTORY).date()
        key = f"{context.seed}:{person.number}"
        use = ProductUse(key, usage, signed_up, recorded_from)
        self.product = Product(user_id=f"usr_{person.number}", use=use)
        self.product.tasks = self._tasks(signed_up, keen)
        if rng.random() < 0.03 and self.product.tasks:
            self.product.reset = signed_up + timedelta(days=rng.randrange(2, 60))
        self._with_posthog, self._with_userflow = rng.random() < 0.88, rng.random() < 0.84
        roll = rng.random()
        self._with_listkit, self._with_chroma = roll < 0.6, roll > 0.5 and roll < 0.9
        self._account: ListKitAccount | None = None
        self._panel: ChromaAccount | None = None
        agenda.at(signed_up, self._sign_up)

    def _tasks(self, signed_up: datetime, keen: bool) -> list[datetime]:
        """When each task of the onboarding is done: soon, or never."""
        rng = self._rng
        done, at = [], signed_up
        for _ in range(TASKS):
            if rng.random() > (0.92 if keen else 0.6):
                break
            at += timedelta(seconds=int(86400 * rng.expovariate(1 / 4)) + 60)
            done.append(at)
        return done

    # --- Signing up ---

    def _sign_up(self, at: datetime) -> None:
        self._history.product = self.product
        no_address = self._with_userflow and self._rng.random() < 0.1
        if self._with_userflow:
            self._enter_userflow(at, self._keeps_id and self._rng.random() < 0.1)
        if self._with_posthog:
            self._enter_posthog(at, no_address and self._history.records["userflow"][0].emails != [])
        if self._with_listkit:
            self._enter_listkit(at)
        if self._with_chroma:
            self._enter_chroma(at)

    def _record(self, system: str, at: datetime, id_: str, email: str | None) -> None:
        record = RecordHistory(id_, at)
        record.add_email(at, email)
        self._history.records.setdefault(system, []).append(record)

    def _enter_userflow(self, at: datetime, without_email: bool) -> None:
        person, store = self._person, self._context.userflow
        self.product.in_userflow = True
        email = None if without_email else person.email
        group = f"ws_{person.company.number}" if person.company else None
        if person.company and group and group not in store.groups:
            store.groups[group] = _group(group, person.company)
        user_id = self.product.user_id
        store.users[user_id] = UserflowUser(
            id=user_id,
            email=email,
            name=person.name if self._rng.random() < 0.9 else None,
            created=at,
            use=self.product.use,
            group=group,
            role="admin" if person.rank == 0 else "member",
            earlier_logins=self._rng.randrange(3, 300) if at < self._context.start - HISTORY else 0,
            tasks=self.product.tasks,
            reset=self.product.reset,
        )
        self._record("userflow", at, user_id, email)

    def _enter_posthog(self, at: datetime, without_email: bool) -> None:
        person, rng = self._person, self._rng
        self.product.in_posthog = True
        uuid = str(UUID(int=rng.getrandbits(128), version=4))
        by_email = not without_email and rng.random() < 0.05  # identified by the address instead of the id
        first = person.email if by_email else self.product.user_id
        anonymous = str(UUID(int=rng.getrandbits(128), version=4))
        email = None if without_email else person.email
        late = rng.random() < 0.05
        ingested = at + timedelta(hours=rng.randrange(1, 47)) if late else at + timedelta(seconds=2)
        record = PostHogPerson(
            uuid=uuid,
            created=at - timedelta(seconds=2),
            distinct_ids=[first, anonymous],
            properties=self._properties(email),
            use=self.product.use,
            group=f"ws_{person.company.number}" if person.company else None,
        )
        if at >= self._context.start - HISTORY:
            record.signup, record.signup_ingested = self._signup_event(record.properties), ingested
        store = self._context.posthog
        store.persons[uuid] = self._history.posthog = record
        if person.company and record.group:
            store.groups.setdefault(record.group, {"name": person.company.name, "domain": person.company.domain})
        self._record("posthog", at, uuid, email)

    def _properties(self, email: str | None) -> dict[str, Any]:
        person, rng = self._person, self._rng
        country = names.COUNTRIES[person.country]
        source, medium, referrer = rng.choice(_CHANNELS)
        properties: dict[str, Any] = {
            "name": person.name,
            "use_case": rng.choice(_USE_CASES),
            "$initial_utm_source": source,
            "$initial_utm_medium": medium,
            "$initial_utm_campaign": rng.choice(("autumn", "launch", None)) if source else None,
            "$initial_referring_domain": referrer,
            "$initial_pathname": rng.choice(("/", "/pricing", "/docs")),
            "$geoip_country_code": country[1],
            "$geoip_country_name": country[0],
            "$geoip_city_name": person.city,
            "$geoip_time_zone": hosts.TIMEZONES[person.country],
        }
        if email:
            properties["email"] = email
        if person.company and rng.random() < 0.6:
            properties["company"] = company_spelling(rng, person.company)
        return properties

    def _signup_event(self, properties: dict[str, Any]) -> dict[str, Any]:
        """What the event holds; one from the backend knows no campaign."""
        named = ("email", "company", "use_case")
        event = {name: properties[name] for name in named if name in properties}
        event["plan"] = "free"
        if self._rng.random() < 0.7:
            event["utm_source"] = properties["$initial_utm_source"]
            event["$referring_domain"] = properties["$initial_referring_domain"]
            event["$lib"] = "web"
        else:
            event["$lib"] = "posthog-python"
        return event

    def _enter_listkit(self, at: datetime) -> None:
        person, rng = self._person, self._rng
        email = self._second if self._second and rng.random() < 0.3 else person.email
        self._account = ListKitAccount(
            account_id=f"acc_{1000 + person.number}",
            email=email,
            created=at,
            use=self.product.use,
            member_emails=[person.email, *([self._second] if self._second and rng.random() < 0.5 else [])],
            company_name=company_spelling(rng, person.company) if person.company else None,
            seats=rng.randrange(1, 6),
            tiers=[(at, "free")],
            statuses=[(at, "active")],
        )
        self._context.listkit_admin.accounts[self._account.account_id] = self._account
        self._history.credits = self._account
        self._record("listkit_admin", at, self._account.account_id, email)

    def _enter_chroma(self, at: datetime) -> None:
        person, rng = self._person, self._rng
        email = None if person.company and rng.random() < 0.15 else person.email
        self._panel = ChromaAccount(
            account_id=f"chr_{100 + person.number}",
            email=email,
            company_name=company_spelling(rng, person.company) if person.company else person.name,
            created=at,
            use=self.product.use,
            member_emails=[email] if email else [],
            region=rng.choice(_REGIONS),
            vectors=int(rng.lognormvariate(10, 2)),
            tiers=[(at, "free")],
            actives=[(at, True)],
        )
        self._context.chroma_admin.accounts[self._panel.account_id] = self._panel
        if email:
            self._history.vectors = self._panel
            self._record("chroma_admin", at, self._panel.account_id, email)

    # --- Billing, as the admin panels know it ---

    def bill(self, at: datetime, standing: ProductStanding, stripe_customer_id: str | None) -> None:
        """Follow what became of the contract."""
        user = self._context.userflow.users.get(self.product.user_id)
        if user:
            user.plan = standing.tier
        if self._account:
            note(self._account.tiers, at, standing.tier)
            note(self._account.statuses, at, standing.status)
            if stripe_customer_id:
                note(self._account.stripe_customer_ids, at, stripe_customer_id)
        if self._panel:
            note(self._panel.tiers, at, standing.tier)
            note(self._panel.actives, at, standing.status != "canceled")

    def close_accounts(self, at: datetime) -> None:
        """Take away the seats of the person, and of nobody else, in the products that the admin panels show."""
        for account in (self._account, self._panel):
            if account:
                account.closed = at


def _group(id_: str, company: Company) -> UserflowGroup:
    attributes = {"name": company.name, "domain": company.domain}
    return UserflowGroup(id_, company.name, company.born, attributes)
