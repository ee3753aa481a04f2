"""GitHub's store: what a world's developers do in public, and the repositories in which a product is imported."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.market_signals import SDKS, Developer, DeveloperAct
from gtm_platform.sandbox.world.people import Company

PERSONAL = 5  # one repository in so many belongs to a person of the company
_FILES = ("requirements.txt", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Account:
    """A person or an organisation."""

    id: int
    login: str
    type: str  # User or Organization
    name: str
    email: str | None = None
    company: str | None = None  # as they wrote it
    website: str | None = None
    organization: Company | None = None  # that lists the person as a member
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person did in a repository."""

    id: int
    user: Account
    repository: str
    at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file that imports a package."""

    id: int  # of the repository
    owner: Account
    path: str
    text: str


def slug_of(company: Company) -> str:
    """The login of a company's organisation."""
    return company.domain.removesuffix(".example")


@dataclass
class GitHubStore:
    """The market, seen by what is public of it."""

    market: Market

    def acts(self, now: datetime, repository: str, kinds: tuple[str, ...]) -> list[Act]:
        """What was done in a repository until an instant, the oldest first; somebody stars and forks it once."""
        rows: dict[object, Act] = {}
        for each in self.market.companies(now):
            for act in each.signals.acts:
                if act.repository.lower() == repository.lower() and act.kind in kinds and act.at <= now:
                    key = act.id if act.kind in ("issue", "pull_request") else (act.kind, act.developer.id)
                    earlier = rows.get(key)
                    if earlier is None or act.at < earlier.at:
                        rows[key] = _act(each.company, act)
        return sorted(rows.values(), key=lambda act: (act.at, act.id))

    def accounts(self, now: datetime) -> Iterator[Account]:
        """All people and organisations that exist by an instant."""
        for each in self.market.companies(now):
            yield organization(each.company)
            yield personal(each.company)
            for developer in each.signals.developers:
                yield person(each.company, developer)

    def files(self, now: datetime) -> Iterator[CodeFile]:
        """The files that import a competitor's package, by an instant."""
        for each in self.market.companies(now):
            for use in each.signals.competitors:
                if "github" in use.channels and use.seen <= now:
                    number = each.company.number
                    owner = (personal if number % PERSONAL == 0 else organization)(each.company)
                    text = f"{SDKS[use.competitor]}>=1.2"
                    yield CodeFile(number * 10 + 7, owner, f"api/{_FILES[number % len(_FILES)]}", text)


def person(company: Company, developer: Developer) -> Account:
    """A developer with the company that they state."""
    is_member = (developer.works_at or "").startswith("@")
    return Account(
        developer.id,
        developer.login,
        "User",
        developer.name,
        developer.email,
        developer.works_at,
        organization=company if is_member else None,
        created=company.born,
    )


def organization(company: Company) -> Account:
    """A company's organisation."""
    site = f"https://{company.domain}"
    return Account(
        company.number * 10 + 1, slug_of(company), "Organization", company.name, website=site, created=company.born
    )


def personal(company: Company) -> Account:
    """An account under which somebody of a company publishes its code."""
    login, at = f"{slug_of(company)}-dev", f"@{slug_of(company)}"
    return Account(
        company.number * 10 + 2, login, "User", company.name, company=at, organization=company, created=company.born
    )


def _act(company: Company, act: DeveloperAct) -> Act:
    return Act(act.id, person(company, act.developer), act.repository, act.at, act.kind)
