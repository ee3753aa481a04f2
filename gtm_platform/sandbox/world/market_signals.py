"""What a company in the market does before it buys: it hires, stars, visits, uses somebody else's product, partners.

All of it belongs to the number of the company: it is drawn at once, and an emulator shows what is past by its clock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.world import names
from gtm_platform.sandbox.world.addresses import plain
from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.people import Company

COMPETITORS = {
    "pinecone": "Pinecone",
    "weaviate": "Weaviate",
    "qdrant": "Qdrant",
    "milvus": "Milvus",
    "elasticsearch": "Elasticsearch",
    "pgvector": "pgvector",
}
SDKS = {
    "pinecone": "pinecone-client",
    "weaviate": "weaviate-client",
    "qdrant": "qdrant-client",
    "milvus": "pymilvus",
    "elasticsearch": "elasticsearch",
    "pgvector": "pgvector",
}
TOPICS = {"langchain": "LangChain", "llamaindex": "LlamaIndex", "rag": "RAG", "llm": "LLM", "pytorch": "PyTorch"}
AI_TITLES = {
    "machine learning engineer": "Machine Learning Engineer",
    "senior ai engineer": "AI Engineer",
    "llm engineer": "AI Engineer",
    "applied scientist, search": "Machine Learning Engineer",
}
OTHER_TITLES = {"backend engineer": "Software Engineer", "account executive": "Sales"}
REPOSITORIES = ("chroma-core/chroma", "langchain-ai/langchain", "run-llama/llama_index", "crewAIInc/crewAI")
PAGES = ("/", "/blog/rag", "/docs", "/docs/getting-started", "/compare/pinecone", "/pricing", "/customers")
REFERRERS = ("google", "direct", "linkedin", "github", "newsletter")
PAIN_POINTS = ("cost", "latency", "scale", "filtering", "lock-in", "migration")
CHANNELS = ("youtube", "github", "job_posting", "manual_research")
PARTNER_TYPES = ("si", "si", "consultancy", "technology", "referral")
TIERS = ("registered", "silver", "gold", "platinum", "strategic")
STATUSES = ("active", "active", "active", "onboarding", "prospect", "paused", "inactive")
SKILLS = ("rag", "vector_search", "llm_ops", "data_engineering", "agents")


@dataclass(frozen=True, slots=True)
class JobPost:
    """An open position, until it is closed."""

    id: int
    title: str
    function: str
    technologies: tuple[tuple[str, bool], ...]  # slug, and whether it is used and not only wished for
    location: str
    posted: datetime
    closed: datetime

    @property
    def is_ai(self) -> bool:
        return self.title in AI_TITLES


@dataclass(frozen=True, slots=True)
class Developer:
    """Somebody of the company on GitHub."""

    id: int
    login: str
    name: str
    email: str | None  # where it is public
    works_at: str | None  # as they wrote it


@dataclass(frozen=True, slots=True)
class DeveloperAct:
    """A star, fork, issue or pull_request of a developer."""

    id: int
    developer: Developer
    repository: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """A session on the website by somebody of the company."""

    id: int
    at: datetime
    pages: tuple[str, ...]
    seconds: int
    referrer: str


@dataclass(frozen=True, slots=True)
class CompetitorUse:
    """A competitor's product in use, and where that can be seen from when on."""

    competitor: str
    channels: tuple[str, ...]
    pain_points: tuple[str, ...]
    seen: datetime


@dataclass(frozen=True, slots=True)
class Partnership:
    """What the company is as a partner."""

    partner_type: str
    status: str
    tier: str
    specializations: tuple[str, ...]
    since: datetime
    entered_tier: str | None = None  # what somebody noted by hand, which no portal has


@dataclass(slots=True)
class MarketSignals:
    """All that a company shows, past and to come."""

    jobs: list[JobPost] = field(default_factory=list)
    developers: list[Developer] = field(default_factory=list)
    acts: list[DeveloperAct] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    competitors: list[CompetitorUse] = field(default_factory=list)
    partnership: Partnership | None = None
    listed: datetime | None = None  # put on a list of target accounts


# How often a company of each kind shows what: its own customers seldom, strangers according to what they are.
_INSIDER = {"jobs": 0.25, "acts": 0.2, "visits": 0.3, "competitor": 0.12, "partner": 0.02, "listed": 0.05}
_STRANGERS: tuple[tuple[float, dict[str, float]], ...] = (
    (0.40, {"jobs": 0.8, "acts": 0.5, "visits": 0.6, "competitor": 0.25, "listed": 0.2}),  # in the market
    (0.65, {"competitor": 1.0}),  # with a competitor
    (0.80, {"competitor": 1.0, "turning": 1.0}),  # with a competitor, and soon in the market
    (0.90, {"partner": 1.0, "visits": 0.4}),
    (1.00, {"listed": 1.0}),
)


def signals_of(seed: int, company: Company, start: datetime, stranger: bool) -> MarketSignals:
    """Draw all that a company shows, from 200 days before the start of the world to 400 days after it."""
    rng = Random(f"{seed}:market:{company.number}")
    odds = _odds(rng.random()) if stranger else _INSIDER
    ids = iter(range(company.number * 1000, company.number * 1000 + 1000))
    signals = MarketSignals()
    for name, draw in _DRAWS.items():
        if rng.random() < odds.get(name, 0.0):
            draw(rng, company, signals, ids, start)
    return signals


def _odds(place: float) -> dict[str, float]:
    return next(odds for least, odds in _STRANGERS if place < least)


def _some_time(rng: Random, company: Company, start: datetime) -> datetime:
    """An instant that is mostly recent, and never before the company was."""
    days = rng.uniform(-20, 20) if rng.random() < 0.6 else rng.uniform(-200, 400)
    return max((start + timedelta(days=days)).replace(microsecond=0), company.born)


def _post_jobs(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], start: datetime) -> None:
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 6, 9))):
        titles = AI_TITLES if rng.random() < 0.75 else OTHER_TITLES
        title = rng.choice(sorted(titles))
        named = rng.sample(sorted(TOPICS), rng.randrange(1, 4)) if titles is AI_TITLES else []
        posted = _some_time(rng, company, start)
        closed = posted + rng.randrange(10, 70) * DAY
        technologies = tuple((slug, rng.random() < 0.6) for slug in named)
        place = rng.choice(names.COUNTRIES[company.country][4])
        signals.jobs.append(JobPost(next(ids), title, titles[title], technologies, place, posted, closed))


def _develop(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], start: datetime) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        number = next(ids)
        email = f"{plain(first)}.{plain(last)}@{company.domain}" if rng.random() < 0.4 else None
        stated = (company.name, f"@{company.domain.removesuffix('.example')}", None)
        login = f"{plain(first)}{plain(last)}{number % 100_000}"
        developer = Developer(number, login, f"{first} {last}", email, rng.choice(stated))
        signals.developers.append(developer)
        for kind in rng.choices(("star", "fork", "issue", "pull_request"), (60, 15, 15, 10), k=rng.randrange(1, 5)):
            at = _some_time(rng, company, start)
            signals.acts.append(DeveloperAct(next(ids), developer, rng.choice(REPOSITORIES), kind, at))


def _browse(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], start: datetime) -> None:
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
        pages = tuple(rng.choice(PAGES) for _ in range(rng.randrange(1, 7)))
        seconds = rng.randrange(15, 90) * len(pages)
        visit = Visit(next(ids), _some_time(rng, company, start), pages, seconds, rng.choice(REFERRERS))
        signals.visits.append(visit)


def _use_competitor(
    rng: Random, company: Company, signals: MarketSignals, _ids: Iterator[int], start: datetime
) -> None:
    channels = tuple(sorted(rng.sample(CHANNELS, rng.choice((1, 1, 2)))))
    pains = tuple(sorted(rng.sample(PAIN_POINTS, rng.randrange(0, 3))))
    seen = max(start - rng.randrange(2, 200) * DAY, company.born)
    signals.competitors.append(CompetitorUse(rng.choice(sorted(COMPETITORS)), channels, pains, seen))


def _turn(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], start: datetime) -> None:
    """Come into the market within the first days of the world."""
    turn(rng, company, signals, ids, start + timedelta(hours=rng.randrange(20, 160)))


def turn(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], at: datetime) -> None:
    """Come into the market at an instant, by a job or by a visit of the website."""
    if rng.random() < 0.5:
        hire(rng, company, signals, ids, at)
    else:
        pages = ("/compare/pinecone", "/pricing", "/docs")
        signals.visits.append(Visit(next(ids), at, pages, 240, "google"))


def hire(rng: Random, company: Company, signals: MarketSignals, ids: Iterator[int], at: datetime) -> None:
    """Look for an AI engineer from an instant on."""
    technologies = (("rag", True), ("langchain", True))
    place = rng.choice(names.COUNTRIES[company.country][4])
    job = JobPost(next(ids), "senior ai engineer", "AI Engineer", technologies, place, at, at + 40 * DAY)
    signals.jobs.append(job)


def _partner(rng: Random, company: Company, signals: MarketSignals, _ids: Iterator[int], start: datetime) -> None:
    skills = tuple(sorted(rng.sample(SKILLS, rng.randrange(1, 4))))
    since = max(start - rng.randrange(-10, 500) * DAY, company.born)
    kind, status, tier = rng.choice(PARTNER_TYPES), rng.choice(STATUSES), rng.choice(TIERS)
    entered = TIERS[(TIERS.index(tier) + 1) % len(TIERS)] if company.number % 3 == 0 else None
    signals.partnership = Partnership(kind, status, tier, skills, since, entered)


def become_partner(rng: Random, signals: MarketSignals, at: datetime) -> None:
    """Join as an active partner at an instant."""
    skills = tuple(sorted(rng.sample(SKILLS, rng.randrange(1, 4))))
    signals.partnership = Partnership(rng.choice(PARTNER_TYPES), "active", TIERS[0], skills, at)


def _list(rng: Random, company: Company, signals: MarketSignals, _ids: Iterator[int], start: datetime) -> None:
    signals.listed = max(start - rng.randrange(-8, 60) * DAY, company.born)


_DRAWS: dict[str, Callable[[Random, Company, MarketSignals, Iterator[int], datetime], None]] = {
    "jobs": _post_jobs,
    "acts": _develop,
    "visits": _browse,
    "competitor": _use_competitor,
    "turning": _turn,
    "partner": _partner,
    "listed": _list,
}
