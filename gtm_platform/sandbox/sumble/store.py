"""Sumble's store: the job posts that are open in a world's market, and the credits of the account."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.market_signals import CompetitorUse, JobPost
from gtm_platform.sandbox.world.people import Company

_RENEWED = timedelta(days=60)  # so often who runs a competitor's product looks for somebody who knows it
_SEARCHES = 900  # the place of such posts among the numbers of a company


@dataclass(frozen=True, slots=True)
class Post:
    """A job post and who posts it."""

    company: Company
    job: JobPost


@dataclass
class SumbleStore:
    """The market, and how many credits are left."""

    market: Market
    credits: int = 1_000_000

    def posts(self, now: datetime) -> Iterator[Post]:
        """All posts that are open at an instant, always in the same order."""
        for each in self.market.companies(now):
            for job in each.signals.jobs:
                if job.posted <= now < job.closed:
                    yield Post(each.company, job)
            for use in each.signals.competitors:
                if "job_posting" in use.channels and use.seen <= now:
                    yield Post(each.company, _search(each.company, use, now))


def _search(company: Company, use: CompetitorUse, now: datetime) -> JobPost:
    """The search for somebody who runs the competitor's product: no position in AI."""
    turn = (now - use.seen) // _RENEWED
    posted = use.seen + turn * _RENEWED
    id_ = company.number * 1000 + _SEARCHES + turn
    technologies = ((use.competitor, True),)
    return JobPost(id_, "data engineer", "Data Engineer", technologies, company.city, posted, posted + _RENEWED)
