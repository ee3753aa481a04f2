"""Sumble's records: field names of ours, paths into theirs."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Id, Instant, MaybeBool, MaybeId, MaybeInt, MaybeText, Record, at, fact


def _names(values: Any) -> Any:
    """The names of what is listed, which is null where there is none."""
    if values is None:
        return []
    return (
        [each.get("name") if isinstance(each, dict) else each for each in values]
        if isinstance(values, list)
        else values
    )


def _none_for_null(value: Any) -> Any:
    return [] if value is None else value


Names = Annotated[list[str], BeforeValidator(_names)]
Several = BeforeValidator(_none_for_null)
ORGANIZATION = ("attributes", "organization")


class Mention(Record):
    """A technology in a job post."""

    slug: MaybeText = at("slug", about="Sumble's name of it; see sumble/technologies.")
    name: MaybeText = at("name", about="As people write it.")
    used: MaybeBool = at("used", about="The organisation works with it, by what the post says.")


class Project(Record):
    """What the position is for."""

    slug: MaybeText = at("slug", about="Such as generative_ai.")
    goal: MaybeText = at("goal", about="What shall come of it.")


class Job(Record):
    """An open job post that mentions what is watched; one that was closed is not shown any more."""

    id: Id = at("job_id", default=..., about="Sumble's number of the post.")
    title: MaybeText = at("attributes", "title", about="In lower case.")
    organization_id: MaybeId = at(*ORGANIZATION, "organization_id", about="Who posts; see sumble/organizations.")
    company_name: MaybeText = at(*ORGANIZATION, "name", about="What the organisation is called.")
    company_domain: MaybeText = at(*ORGANIZATION, "domain", about="Domain of its web site.")
    location: MaybeText = at("attributes", "location", about="Where the work is.")
    posted_at: Instant = at("attributes", "posted_date", default=..., about="When it was posted.")
    technologies: Annotated[list[Mention], Several] = at(
        "attributes", "technologies", default=[], about="All that it mentions."
    )
    job_functions: Names = at("attributes", "job_functions", default=[], about="Such as AI Engineer.")
    job_levels: Names = at("attributes", "job_levels", default=[], about="Such as Senior.")
    projects: Annotated[list[Project], Several] = at("attributes", "projects", default=[], about="What it is for.")
    url: MaybeText = at("sumble_url", about="Address of the post at Sumble.")
    competitors: list[str] = fact("competitors", default=[], about="Slugs of competing products that it mentions.")
    used_competitors: list[str] = fact("used_competitors", default=[], about="Those of them that are in use.")
    topics: list[str] = fact("topics", default=[], about="Slugs of the watched technologies that it mentions.")
    watched_functions: list[str] = fact("watched_functions", default=[], about="Its job functions that are watched.")


class Organization(Record):
    """An organisation with an open job post that mentions what is watched."""

    id: Id = at("attributes", "id", default=..., about="Sumble's number of it.")
    slug: MaybeText = at("attributes", "slug", about="Sumble's name of it in addresses.")
    name: MaybeText = at("attributes", "name", about="What it is called.")
    domain: MaybeText = at("attributes", "url", about="Its web site: a domain, or a whole address.")
    employee_count: MaybeInt = at("attributes", "employee_count", about="How many people work there.")
    industry: MaybeText = at("attributes", "industry", about="As Sumble names it.")
    country: MaybeText = at("attributes", "headquarters_country", about="Country of its headquarters, two letters.")
    last_posted_at: Instant = fact("last_posted_at", default=..., about="When the newest of its posts was posted.")


class Technology(Record):
    """A technology that is watched for in job posts."""

    slug: Id = at("technology", "slug", default=..., about="Sumble's name of it.")
    name: MaybeText = at("technology", "name", about="As people write it.")
    categories: Names = at("technology", "categories", default=[], about="Such as Vector Database.")
    is_competitor: MaybeBool = fact("is_competitor", about="It is one of SUMBLE_COMPETITORS.")
