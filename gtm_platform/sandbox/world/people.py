"""Who lives in the world: companies and the people who work there, before anything happens to them.

People are drawn in blocks of 25 who share five companies, so that nobody depends on how many others there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.world import names
from gtm_platform.sandbox.world.addresses import plain
from gtm_platform.sandbox.world.agenda import DAY

_BLOCK_PEOPLE, _BLOCK_COMPANIES = 25, 5
_NEWCOMER = 10_000_000  # newcomers are numbered from here, their companies too
_PAYS_BY_RANK = (0.85, 0.55, 0.22)
_PAYS_OTHERWISE = 0.08


@dataclass(slots=True)
class Company:
    """A company as it is in the world, whatever the systems know of it."""

    number: int
    name: str
    domain: str
    industry: str
    size: int
    country: int  # index into names.COUNTRIES
    city: str
    born: datetime

    @property
    def currency(self) -> str:
        return names.COUNTRIES[self.country][3]


@dataclass(slots=True)
class Person:
    """A person as they are in the world, whatever the systems know of them."""

    number: int
    first: str
    last: str
    email: str  # lower case, without tags
    company: Company | None
    country: int
    city: str
    job: str
    free_mail: bool
    born: datetime
    pays: float  # how likely they are to become a customer
    rank: int  # place among the people of the company, 0 is the first
    signs_up: datetime | None = None  # where that is settled beforehand

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def currency(self) -> str:
        return names.COUNTRIES[self.country][3]


def residents(seed: int, people: int, start: datetime) -> Iterator[tuple[Company, list[Person]]]:
    """The companies that exist at the start, each with its people."""
    number = company_number = 0
    while number < people:
        for size in _sizes(Random(f"{seed}:block:{company_number}")):
            if number < people:
                rng = Random(f"{seed}:company:{company_number}")
                company = _company(rng, seed, company_number, start)
                yield company, _staff(rng, company, number, min(size, people - number), start)
            number += size
            company_number += 1


def _sizes(rng: Random) -> list[int]:
    """Company sizes of one block: each has somebody, a few have many."""
    sizes = [1] * _BLOCK_COMPANIES
    for _ in range(_BLOCK_PEOPLE - _BLOCK_COMPANIES):
        sizes[min(rng.randrange(_BLOCK_COMPANIES), rng.randrange(_BLOCK_COMPANIES))] += 1
    rng.shuffle(sizes)
    return sizes


def _company(rng: Random, seed: int, number: int, start: datetime, born: datetime | None = None) -> Company:
    name, industry = _company_name(seed, number)
    days = rng.uniform(60, 540) if rng.random() < 0.85 else rng.uniform(540, 1095)
    country = rng.randrange(len(names.COUNTRIES))
    return Company(
        number=number,
        name=name,
        domain=f"{'-'.join(plain(word) for word in name.split())}.example",
        industry=industry,
        size=int(rng.lognormvariate(3.6, 1.2)) + 3,
        country=country,
        city=rng.choice(names.COUNTRIES[country][4]),
        born=born or start - timedelta(seconds=int(days * 86400)),
    )


def _company_name(seed: int, number: int) -> tuple[str, str]:
    """Each number has its own name: a step prime to their count spreads the numbers over all combinations of words."""
    firsts, seconds = names.COMPANY_FIRST, list(names.COMPANY_SECOND)
    thirds = names.COMPANY_THIRD
    round_, place = divmod(number % _NEWCOMER, len(firsts) * len(seconds))
    place = (place * 1979 + seed * 7919) % (len(firsts) * len(seconds))
    first, second = firsts[place % len(firsts)], seconds[place // len(firsts)]
    third = thirds[round_] if round_ < len(thirds) else f"Nr {round_}"
    if number >= _NEWCOMER:
        third = str(number - _NEWCOMER + 1)
    return f"{first} {second} {third}".strip(), names.COMPANY_SECOND[second]


def _staff(rng: Random, company: Company, number: int, size: int, start: datetime) -> list[Person]:
    taken: set[str] = set()
    free_shape = rng.random() < 0.25
    staff = []
    for rank in range(size):
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        while _local(first, last, free_shape) in taken:
            first = rng.choice(names.FIRST)
        taken.add(_local(first, last, free_shape))
        age = (start - company.born).total_seconds() * (0.98 if rank == 0 else rng.uniform(0.02, 0.95))
        born = start - timedelta(seconds=int(age))
        email = f"{_local(first, last, free_shape)}@{company.domain}"
        staff.append(_person(rng, number + rank, (first, last), email, company, born, rank))
    return staff


def _local(first: str, last: str, short: bool) -> str:
    return f"{plain(first)[0]}{plain(last)}" if short and len(last) > 4 else f"{plain(first)}.{plain(last)}"


def _person(
    rng: Random, number: int, name: tuple[str, str], email: str, company: Company, born: datetime, rank: int
) -> Person:
    first, last = name
    free_mail = rng.random() < 0.08
    if free_mail:
        email = f"{plain(first)}.{plain(last)}{number}@{rng.choice(names.FREE_MAIL)}"
    away = rng.random() < 0.1
    country = rng.randrange(len(names.COUNTRIES)) if away else company.country
    return Person(
        number=number,
        first=first,
        last=last,
        email=email,
        company=None if free_mail and rng.random() < 0.5 else company,
        country=country,
        city=rng.choice(names.COUNTRIES[country][4]) if away else company.city,
        job=rng.choice(names.JOBS[:4] if rank == 0 else names.JOBS[3:]),
        free_mail=free_mail,
        born=born,
        pays=_PAYS_BY_RANK[rank] if rank < len(_PAYS_BY_RANK) else _PAYS_OTHERWISE,
        rank=rank,
    )


def newcomer(seed: int, ordinal: int, companies: list[Company], at: datetime) -> tuple[Person, Company | None]:
    """Somebody who turns up later: a colleague at a known company, or the first one of a new company."""
    rng = Random(f"{seed}:newcomer:{ordinal}")
    founded = None
    if rng.random() < 0.6:
        company, rank = companies[int(rng.random() * len(companies))], 1
    else:
        company = founded = _company(rng, seed, _NEWCOMER + ordinal, at, born=at)
        rank = 0
    first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
    # Residents have no digits in their addresses at work, so nobody is mistaken for a colleague.
    email = f"{plain(first)}.{plain(last)}{ordinal + 1}@{company.domain}"
    person = _person(rng, _NEWCOMER + ordinal, (first, last), email, company, at, rank)
    return person, founded if person.company else None


def stranger(
    rng: Random, seed: int, first_number: int, ordinal: int, start: datetime, thirds: Sequence[str]
) -> Company:
    """A company that nobody of ours works with; `thirds` are words that no other company has in its name."""
    firsts, seconds = names.COMPANY_FIRST, list(names.COMPANY_SECOND)
    round_, place = divmod(ordinal, len(firsts) * len(seconds))
    place = (place * 1979 + seed * 7919) % (len(firsts) * len(seconds))
    second = seconds[place // len(firsts)]
    third = thirds[round_ % len(thirds)] + (str(round_ // len(thirds) + 1) if round_ >= len(thirds) else "")
    name = f"{firsts[place % len(firsts)]} {second} {third}"
    country = rng.randrange(len(names.COUNTRIES))
    return Company(
        number=first_number + ordinal,
        name=name,
        domain=f"{'-'.join(plain(word) for word in name.split())}.example",
        industry=names.COMPANY_SECOND[second],
        size=int(rng.lognormvariate(4.2, 1.3)) + 3,
        country=country,
        city=rng.choice(names.COUNTRIES[country][4]),
        born=start - rng.randrange(400, 4000) * DAY,
    )
