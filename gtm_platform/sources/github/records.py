"""GitHub's records: field names of ours, paths into theirs.

A star comes from GraphQL with the profile of who gave it; of other acts the profile is asked for and put beside them.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Id, Instant, MaybeInt, MaybeText, Record, at, either, fact

REPOSITORY = "The watched repository, as owner/name."
DOMAIN = "Domain of the company that they state or show, if any."
COMPANY = "The company's name as they wrote it, if any."
METHOD = "How the company was learnt: email, organization, website or name."


def _kind(value: Any) -> Any:
    """An entry of the list of issues is a pull request where it says so."""
    return "pull_request" if isinstance(value, dict) else "issue" if value is None else value


class Star(Record):
    """A star of a watched repository. One that was taken back is gone at the next full refresh."""

    repository: Id = fact("repository", default=..., about=REPOSITORY)
    user_id: Id = at("node", "databaseId", default=..., about="GitHub's number of the user.")
    login: Id = at("node", "login", default=..., personal=True, about="The user's name at GitHub.")
    name: MaybeText = at("node", "name", personal=True, about="As they wrote it.")
    email: MaybeText = at("node", "email", personal=True, about="Where they made it public.")
    company: MaybeText = at("node", "company", about="Where they work, as they wrote it.")
    website: MaybeText = at("node", "websiteUrl", personal=True, about="Their web site.")
    location: MaybeText = at("node", "location", personal=True, about="As they wrote it.")
    company_domain: MaybeText = fact("company_domain", about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=COMPANY)
    match_method: MaybeText = fact("match_method", about=METHOD)
    starred_at: Instant = at("starredAt", default=..., about="When they gave it.")


class Fork(Record):
    """A fork of a watched repository, by a person or an organisation."""

    id: Id = at("id", default=..., about="GitHub's number of the fork.")
    repository: Id = fact("repository", default=..., about=REPOSITORY)
    full_name: MaybeText = at("full_name", personal=True, about="The fork, as owner/name.")
    url: MaybeText = at("html_url", personal=True, about="Address of the fork.")
    login: Id = at("owner", "login", default=..., personal=True, about="The owner's name at GitHub.")
    owner_type: MaybeText = at("owner", "type", about="User or Organization.")
    name: MaybeText = fact("name", personal=True, about="The owner's name, as they wrote it.")
    email: MaybeText = fact("email", personal=True, about="Where they made it public.")
    company_domain: MaybeText = fact("company_domain", about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=COMPANY)
    match_method: MaybeText = fact("match_method", about=METHOD)
    created_at: Instant = at("created_at", default=..., about="When it was made.")


class Issue(Record):
    """An issue or a pull request of a watched repository."""

    id: Id = at("id", default=..., about="GitHub's number of it.")
    repository: Id = fact("repository", default=..., about=REPOSITORY)
    number: MaybeInt = at("number", about="Its number in the repository.")
    kind: Annotated[str, BeforeValidator(_kind)] = at("pull_request", default="issue", about="issue or pull_request.")
    title: MaybeText = at("title", personal=True, about="What it is about.")
    state: MaybeText = at("state", about="open or closed.")
    comments: MaybeInt = at("comments", about="How many answers it has.")
    url: MaybeText = at("html_url", about="Where it can be read.")
    login: Id = at("user", "login", default=..., personal=True, about="The author's name at GitHub.")
    name: MaybeText = fact("name", personal=True, about="The author's name, as they wrote it.")
    email: MaybeText = fact("email", personal=True, about="Where they made it public.")
    company_domain: MaybeText = fact("company_domain", about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=COMPANY)
    match_method: MaybeText = fact("match_method", about=METHOD)
    created_at: Instant = at("created_at", default=..., about="When it was opened.")
    updated_at: Instant = at("updated_at", default=..., about="When it was last touched.")


class User(Record):
    """Somebody who did something in a watched repository, with the company that they state."""

    id: Id = either(("databaseId",), ("id",), default=..., about="GitHub's number of the user.")
    login: Id = at("login", default=..., personal=True, about="The user's name at GitHub.")
    name: MaybeText = at("name", personal=True, about="As they wrote it.")
    email: MaybeText = at("email", personal=True, about="Where they made it public.")
    company: MaybeText = at("company", about="Where they work, as they wrote it.")
    website: MaybeText = either(("websiteUrl",), ("blog",), personal=True, about="Their web site.")
    location: MaybeText = at("location", personal=True, about="As they wrote it.")
    company_domain: MaybeText = fact("company_domain", about=DOMAIN)
    company_name: MaybeText = fact("company_name", about=COMPANY)
    match_method: MaybeText = fact("match_method", about=METHOD)
    active_at: Instant = fact("active_at", default=..., about="When they last starred, forked or opened something.")


class CodeImport(Record):
    """A file in a public repository that names a competitor's package."""

    repository_id: Id = at("repository", "id", default=..., about="GitHub's number of the repository.")
    path: Id = at("path", default=..., about="The file in it.")
    package: Id = fact("package", default=..., about="The package that was searched for.")
    competitor: Id = fact("competitor", default=..., about="Whose package it is.")
    repository: MaybeText = at("repository", "full_name", personal=True, about="The repository, as owner/name.")
    url: MaybeText = at("html_url", personal=True, about="Address of the file.")
    owner: MaybeText = at("repository", "owner", "login", personal=True, about="Whose repository it is.")
    owner_type: MaybeText = at("repository", "owner", "type", about="Organization, or User: weak evidence.")
    fragment: MaybeText = fact("fragment", about="The line with the package; None where the match is only near it.")
    company_domain: MaybeText = fact("company_domain", about="Domain of the company whose repository it is, if any.")
    company_name: MaybeText = fact("company_name", about=COMPANY)
    match_method: MaybeText = fact("match_method", about=METHOD)
    seen_at: Instant = fact("seen_at", default=..., about="When it was last found by a search.")
