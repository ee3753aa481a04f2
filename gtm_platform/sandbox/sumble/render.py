"""Sumble's rows: posts and organisations with the attributes that were selected."""

from collections.abc import Collection
from typing import Any

from gtm_platform.sandbox.sumble.catalogue import NAMES
from gtm_platform.sandbox.sumble.store import Post
from gtm_platform.sandbox.world.names import COUNTRIES
from gtm_platform.sandbox.world.people import Company

JOB_ATTRIBUTES = (
    "title", "description", "location", "posted_date", "organization", "technologies", "teams", "job_functions",
    "job_levels", "projects",
)  # fmt: skip
PAID_JOB_ATTRIBUTES = {"description", "technologies", "teams", "job_functions", "job_levels", "projects"}
ORGANIZATION_ATTRIBUTES = (
    "id", "slug", "name", "url", "employee_count", "industry", "jobs_count", "headquarters_country", "sumble_url",
)  # fmt: skip
FREE_ORGANIZATION_ATTRIBUTES = {"id", "slug", "name", "url", "sumble_url"}
_SITE = "https://sumble.com"


def slug_of(company: Company) -> str:
    """The organisation's short name."""
    return company.domain.removesuffix(".example")


def job(post: Post, attributes: Collection[str]) -> dict[str, Any]:
    """A post with the selected attributes."""
    shown = {name: value for name, value in _job_attributes(post).items() if name in attributes}
    return {"job_id": post.job.id, "sumble_url": f"{_SITE}/l/job/{post.job.id}", "attributes": shown}


def _job_attributes(post: Post) -> dict[str, Any]:
    list_url = f"{_SITE}/l/org/{slug_of(post.company)}/jobs"
    function = post.job.function
    names = ", ".join(NAMES[slug] for slug, _ in post.job.technologies)
    technologies = [
        {"name": NAMES[slug], "slug": slug, "used": used, "sumble_url": list_url}
        for slug, used in post.job.technologies
    ]
    level = "Senior" if "senior" in post.job.title else "Individual Contributor"
    return {
        "title": post.job.title,
        "description": f"{post.company.name} looks for a {post.job.title}. You know {names or 'your trade'}.",
        "location": post.job.location,
        "posted_date": post.job.posted.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "organization": {
            "organization_id": post.company.number,
            "name": post.company.name,
            "domain": post.company.domain,
            "sumble_url": f"{_SITE}/l/org/{slug_of(post.company)}",
        },
        "technologies": technologies,
        "teams": [],
        "job_functions": [{"name": function, "slug": function.lower().replace(" ", "-"), "sumble_url": list_url}],
        "job_levels": [{"name": level}],
        "projects": _projects(post, list_url),
    }


def _projects(post: Post, url: str) -> list[dict[str, Any]]:
    if "rag" not in {slug for slug, _ in post.job.technologies}:
        return []
    return [{"name": "Generative AI", "slug": "generative_ai", "goal": "Ship a RAG assistant", "sumble_url": url}]


def organization(company: Company, posts: int, attributes: Collection[str]) -> dict[str, Any]:
    """The selected attributes of an organisation."""
    values = {
        "id": company.number,
        "slug": slug_of(company),
        "name": company.name,
        "url": company.domain,
        "employee_count": company.size,
        "industry": company.industry,
        "jobs_count": posts,
        "headquarters_country": COUNTRIES[company.country][1],
        "sumble_url": f"{_SITE}/l/org/{slug_of(company)}",
    }
    return {name: value for name, value in values.items() if name in attributes}
