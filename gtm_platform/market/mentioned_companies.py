"""Which company a row of a market feed is about: by the source's record of it, its domain, or its name alone."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import ibis

from gtm_platform.identity import companies as identity_companies
from gtm_platform.identity import normalise, person_records
from gtm_platform.ingest.feeds import Field, feed_rows, read
from gtm_platform.lake.daily_table import Input
from gtm_platform.policy import policy as current_policy

COMPANIES = "identity/companies"
Tables = Mapping[str, ibis.Table]  # by their keys


class CompanyRows(Protocol):
    """A feed whose rows name a company."""

    @property
    def source(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def company_domain(self) -> Field | None: ...
    @property
    def company_name(self) -> Field | None: ...
    @property
    def rows(self) -> Callable[[ibis.Table], ibis.Table] | None: ...


def mentions(feed: CompanyRows, tables: Tables, columns: Callable[[ibis.Table], dict[str, ibis.Value]]) -> ibis.Table:
    """Return [record, domain, name, …]: by what each row names its company, and more columns."""
    rows = feed_rows(feed, tables[feed.table])
    company_id: Field | None = getattr(feed, "company_id", None)
    return rows.select(
        record=person_records.named(feed.source, read(rows, company_id)) if company_id else ibis.null("string"),
        domain=normalise.site(read(rows, feed.company_domain)),
        name=normalise.company_name(read(rows, feed.company_name)),
        **columns(rows),
    )


def with_company(parts: Iterable[ibis.Table], companies: ibis.Table) -> ibis.Table:
    """Return the rows of companies that there are, with `company_id`.

    A name counts where one company alone has it.
    """
    rows = ibis.union(*parts, distinct=False)
    references = identity_companies.references(companies).distinct()
    by_record = references.select(record="company", of_record="company_id")
    by_domain = references.select(domain="company", of_domain="company_id")
    by_name = of_one_company(companies).rename(of_name="company_id")
    for column, lookup in (("record", by_record), ("domain", by_domain), ("name", by_name)):
        rows = rows.left_join(lookup, column, rname="{name}_right").drop(f"{column}_right")
    company_id = ibis.coalesce(rows["of_record"], rows["of_domain"], rows["of_name"])
    rows = rows.mutate(company_id=company_id).drop("record", "domain", "name", "of_record", "of_domain", "of_name")
    return rows.filter(rows["company_id"].notnull())


def of_one_company(companies: ibis.Table) -> ibis.Table:
    """Return [name, company_id]: the names, in letters and digits, that one company alone has."""
    names = companies.select("company_id", name=normalise.company_name(companies["name"]))
    names = names.filter(names["name"].notnull()).group_by("name")
    alone = names.agg(company_id=lambda t: t["company_id"].min(), bearers=lambda t: t["company_id"].nunique())
    return alone.filter(alone["bearers"] == 1).drop("bearers")


def inputs_of(*tables: str) -> dict[str, Input]:
    """Return the inputs of a rule about the companies in some source tables."""
    return {"records": {table: table for table in tables}, "companies": COMPANIES, "policy": current_policy}
