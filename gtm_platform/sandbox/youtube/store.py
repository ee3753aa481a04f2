"""YouTube's store: the videos in which companies of a world's market tell what they use, and some that tell nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gtm_platform.sandbox.world.market import Market, MarketCompany
from gtm_platform.sandbox.world.market_signals import COMPETITORS, CompetitorUse

TALKS = "UCvectortalks00000000000"
_TITLES = (
    "How {company} built RAG search with {product}",
    "{company} x {product}: vector search in production",
    "Customer story: {company} on {product} & beyond",
)
_LINKED = 3  # of so many videos about companies that are with us one names no address
_TAUGHT = timedelta(days=400)  # before the start of the world


@dataclass(frozen=True, slots=True)
class Video:
    """A public video."""

    id: str
    title: str
    description: str
    channel_id: str
    channel: str
    published: datetime
    views: int


def channel_of(product: str) -> str:
    """The channel of a product's makers."""
    return f"UC{product:0<22}"


@dataclass
class YouTubeStore:
    """The market, seen by the videos about it."""

    market: Market

    def videos(self, now: datetime) -> list[Video]:
        """All videos that are public by an instant, the newest first."""
        rows = [_tutorial(slug, name, self.market.start) for slug, name in COMPETITORS.items()]
        for each in self.market.companies(now):
            for use in each.signals.competitors:
                if "youtube" in use.channels and use.seen <= now:
                    rows.append(_story(each, use))
        return sorted(rows, key=lambda video: (video.published, video.id), reverse=True)


def names_address(each: MarketCompany) -> bool:
    """Whether a video about a company names its address: a stranger is known to nobody by its name alone."""
    return each.is_stranger or each.company.number % _LINKED != 0


def _story(each: MarketCompany, use: CompetitorUse) -> Video:
    company, product, number = each.company, COMPETITORS[use.competitor], each.company.number
    title = _TITLES[number % len(_TITLES)].format(company=company.name, product=product)
    pains = f" They talk about {', '.join(use.pain_points)}." if use.pain_points else ""
    link = f" More: https://www.{company.domain}/blog" if names_address(each) else ""
    description = f"{company.name}'s platform team tells how they run {product}.{pains}{link}"
    at_talks = number % 2 == 0
    channel_id = TALKS if at_talks else channel_of(use.competitor)
    channel = "Vector Talks" if at_talks else product
    return Video(f"v{number:010d}", title, description, channel_id, channel, use.seen, 100 + number % 900)


def _tutorial(slug: str, name: str, start: datetime) -> Video:
    title, description = f"{name} in ten minutes", f"What {name} is, and how a vector database works."
    id_ = f"t_{slug:_<9}"[:11]
    return Video(id_, title, description, channel_of(slug), name, start - _TAUGHT, 12_000)
