"""Customers and companies that may be the same though no rule ties them: by what their records say, and by their names.

The matching is that of `matching`; here is what it is asked, and which of its answers are worth a person's look.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa

from gtm_platform.identity import person_records
from gtm_platform.identity.matching.company_names import similar_names
from gtm_platform.identity.matching.linker import link
from gtm_platform.identity.matching.roles import Role
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import feed_rows, read

ROLES = {"name": Role.NAME, "email": Role.EMAIL, "company": Role.COMPANY, "city": Role.PLACE, "country": Role.CATEGORY}
SAMPLE = 40_000  # pairs to learn from: enough for few columns, and quick, as this is done every day
LEARNT_FROM = 15_000  # of all customers or companies, from whom it is learnt what is rare and what speaks for a match
COMMON = 200  # who share a word; a word that more share leads nowhere
MIN_LETTERS = 3  # of a word by which two may be compared
STATED = {"name": "name", "company": "company_name", "city": "city", "country": "country"}  # by the fields of feeds


@dataclass(frozen=True, order=True)
class Likeness:
    """Two ids, the lesser first, and how sure it is that they are the same: 0 to 1."""

    first: str
    second: str
    score: float


def stated_by_records(links: ibis.Table, records: person_records.Tables, companies: ibis.Table) -> ibis.Table:
    """Return [customer_id, name, email, company, city, country]: each different thing that a record says.

    A record that goes by a company's name, as customers of billing systems do, says nothing about a person.
    """
    parts = []
    for feed in FEEDS:
        rows = feed_rows(feed, records[feed.source])
        stated = {column: read(rows, getattr(feed, name)).cast("string") for column, name in STATED.items()}
        parts.append(rows.select(source=ibis.literal(feed.source), record_id=read(rows, feed.id), **stated))
    every = ibis.union(*parts).filter(lambda t: t["name"].notnull()).mutate(letters=lambda t: _letters(t["name"]))
    firms = companies.select(letters=_letters(companies["name"])).union(
        every.filter(every["company"].notnull()).select(letters=_letters(every["company"]))
    )
    every = every.anti_join(firms.distinct(), "letters")
    linked = links.select("source", "record_id", "customer_id", "email")
    return every.join(linked, ["source", "record_id"]).select("customer_id", *ROLES).distinct()


def _letters(name: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return name.lower().re_replace(r"[^\p{L}\p{N}]", "")


def neighbourhood(rows: ibis.Table, id: str, texts: Sequence[str], new: ibis.Table) -> ibis.Table:
    """Return the rows of those who share a rare word with somebody new, and of some more to learn from.

    `new` has the ids of who is new. However many there are in all, those are few.
    """
    by_text = [
        rows.select(id, word=ibis.literal(f"{place} ") + rows[text].lower().re_split(r"[^\p{L}\p{N}]+").unnest())
        for place, text in enumerate(texts)
    ]
    words = ibis.union(*by_text).distinct()
    words = words.filter(words["word"].length() >= len("0 ") + MIN_LETTERS)
    shared = words.semi_join(words.semi_join(new, id).select("word").distinct(), "word")
    rare = shared.group_by("word").agg(sharing=shared.count()).filter(lambda t: t["sharing"] <= COMMON)
    near = shared.semi_join(rare, "word").select(id).distinct()
    every = ibis.greatest(rows.select(id).distinct().count().as_scalar() // LEARNT_FROM, 1)
    drawn = rows.filter(person_records.xxhash64(rows[id]).abs() % every == 0).select(id).distinct()
    return rows.semi_join(ibis.union(near, drawn, distinct=True), id)


def similar_customers(stated: pa.Table, *, least: float) -> list[Likeness]:
    """Return customers whose records say much the same.

    All records are looked at, also those of one customer: from them is learnt how much alike one person's records are.
    """
    if len(stated) < 2:
        return []
    ordered = stated.sort_by([(name, "ascending") for name in ("customer_id", *ROLES)])
    roles = {name: role for name, role in ROLES.items() if ordered[name].null_count < len(ordered)}
    table = ordered.append_column("key", pa.array(range(len(ordered)), pa.int64()))
    pairs = link(table.select([*roles, "key"]), roles, sample=SAMPLE).pairs
    customers = ordered["customer_id"].to_pylist()
    return _strongest(pairs, ("left", "right", "probability"), customers.__getitem__, least)


def similar_companies(companies: pa.Table, *, least: float) -> list[Likeness]:
    """Return companies of different ids whose names mean the same."""
    ordered = companies.sort_by("company_id")
    ids = ordered["company_id"].to_pylist()
    pairs = similar_names(ordered["name"].to_pylist(), least=least)
    return _strongest(pairs, ("left", "right", "similarity"), ids.__getitem__, least)


def _strongest(pairs: pa.Table, columns: Sequence[str], id_of: Callable[[int], str], least: float) -> list[Likeness]:
    """Return each pair of different ids once, with its highest score, where that is enough."""
    best: dict[tuple[str, str], float] = {}
    for left, right, score in zip(*(pairs[name].to_pylist() for name in columns), strict=True):
        first, second = sorted((id_of(left), id_of(right)))
        if first != second and score >= least:
            best[first, second] = max(score, best.get((first, second), 0.0))
    return sorted(Likeness(first, second, round(score, 4)) for (first, second), score in best.items())
