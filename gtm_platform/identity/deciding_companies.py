"""What a decision about two companies names: domains, or records of companies that have none."""

from collections.abc import Mapping

from gtm_platform.identity import review
from gtm_platform.identity.companies import WITH_IDS
from gtm_platform.identity.decisions import COMPANY, Undecidable, company_merges, decisions_of_home
from gtm_platform.identity.references import Row, company_row
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy

RECORD_IDS: Mapping[str, str] = {feed.source: feed.ids_column for feed in WITH_IDS if feed.stands_alone}


def merged_pair(lake: Lake, first: str, second: str, day: str) -> tuple[str, str]:
    """Return the names of two companies that are to be one."""
    left, right = company_row(lake, first, day), company_row(lake, second, day)
    if left["company_id"] == right["company_id"]:
        raise Undecidable(f"{first} and {second} are the same company already: {left['company_id']}.")
    return _named(_goes_by(left)), _named(_goes_by(right))


def split_pair(lake: Lake, first: str, second: str, day: str) -> tuple[str, str]:
    """Return the names of two that are no one company: listed for review, or parts of one."""
    left, right = company_row(lake, first, day), company_row(lake, second, day)
    if left["company_id"] != right["company_id"]:
        if not review.is_listed(lake, left["company_id"], right["company_id"]):
            raise Undecidable(f"{first} and {second} are two companies already, and not listed for review.")
        return _named(_goes_by(left)), _named(_goes_by(right))
    own = _goes_by(left)
    parts = [_part(left, reference) for reference in (first, second)]
    if len(set(parts)) != 2 or own not in parts:
        apart = ", ".join([*(domain for domain in left["domains"] if domain != own), *left["placed_records"]])
        raise Undecidable(
            f"Name {own} and what is not the company's: {apart}."
            if apart
            else f"{left['company_id']} goes by {own} alone, and records with the same domain are one company."
        )
    _refuse_ties_of_people(next(part for part in parts if part != own), own)
    return _named(parts[0]), _named(parts[1])


def _refuse_ties_of_people(part: str, own: str) -> None:
    if part in policy().identity.domain_aliases:
        raise Undecidable(f"The policy says that {part} is another name of {own}: see [identity.domain_aliases].")
    if {part, own} & company_merges(decisions_of_home()).keys():
        raise Undecidable(
            f"A person merged {part} and {own}: `gtm identity decisions` lists it, and undo takes it back."
        )


def _goes_by(company: Row) -> str:
    """What a company goes by: its domain, else the first of its records."""
    records = [f"{source}:{id}" for source, column in RECORD_IDS.items() for id in company[column]]
    return str(company["domain"] or min(records))


def _part(company: Row, reference: str) -> str:
    """The domain or placed record of a company that a reference names; what it goes by where it names all of it."""
    text = reference.strip().lower()
    if reference.strip() in company["placed_records"]:
        return reference.strip()
    # The longest: of a host under a registered domain that one, not another one that ends alike.
    domains = [each for each in company["domains"] if text == each or text.endswith(f".{each}")]
    return max(domains, key=len, default=_goes_by(company))


def _named(name: str) -> str:
    return f"{COMPANY}{name}"
