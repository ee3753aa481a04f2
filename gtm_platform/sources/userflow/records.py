"""Userflow's records: field names of ours, paths into theirs.

Attributes are the product's own; those read here have the names that Userflow's own examples use.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeAmount,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    at,
    fact,
)


def _group_ids(memberships: Any) -> Any:
    """The companies of memberships, which are null where they were not asked for."""
    if memberships is None:
        return []
    return [each.get("group_id") for each in memberships] if isinstance(memberships, list) else memberships


GroupIds = Annotated[list[str], BeforeValidator(_group_ids)]
FIRST_GROUP = ("memberships", 0, "group", "attributes")


class User(Record):
    """A user of the product, as the product reported them, with how far their onboarding got."""

    id: Id = at("id", default=..., about="The id in the product.")
    email: MaybeText = at("attributes", "email", personal=True, about="May be missing.")
    name: MaybeText = at("attributes", "name", personal=True, about="As the product gave it.")
    plan: MaybeText = at("attributes", "plan", about="What the product calls their plan.")
    created_at: Instant = at("created_at", default=..., about="When they became known to Userflow.")
    signed_up_at: MaybeInstant = at("attributes", "signed_up_at", about="When they signed up for the product.")
    first_seen_at: MaybeInstant = at("attributes", "first_seen_at", about="When Userflow first saw them.")
    last_seen_at: MaybeInstant = at("attributes", "last_seen_at", about="When Userflow last saw them.")
    logins: MaybeInt = at("attributes", "logins", about="How often they logged in since ever, if the product counts.")
    group_ids: GroupIds = at("memberships", default=[], about="Their companies; see userflow/groups.")
    company_name: MaybeText = at(*FIRST_GROUP, "name", about="What their first company is called.")
    company_domain: MaybeText = at(*FIRST_GROUP, "domain", about="Domain of their first company.")
    onboarding_progress: MaybeAmount = fact(
        "onboarding_progress",
        about="0 to 1, of their newest run through the onboarding; 0: no run. None: no checklist is named as such.",
    )
    onboarding_at: MaybeInstant = fact("onboarding_at", about="When that run began.")
    onboarding_completed_at: MaybeInstant = fact("onboarding_completed_at", about="When that run was completed.")


class Group(Record):
    """A company that users belong to."""

    id: Id = at("id", default=..., about="The id in the product.")
    name: MaybeText = at("attributes", "name", about="What the company is called.")
    domain: MaybeText = at("attributes", "domain", about="Domain of its web site.")
    plan: MaybeText = at("attributes", "plan", about="What the product calls its plan.")
    created_at: MaybeInstant = at("created_at", about="When it became known to Userflow.")


class Content(Record):
    """A checklist, a flow, or another piece that users meet in the product."""

    id: Id = at("id", default=..., about="What runs through it name as their content.")
    name: MaybeText = at("name", about="What we call it.")
    type: MaybeText = at("type", about="checklist, flow, launcher, banner and others.")
    published_version_id: MaybeId = at("published_version_id", about="The version that users see; None: never shown.")
    created_at: MaybeInstant = at("created_at", about="When it was made.")


class ContentSession(Record):
    """A user's run through a checklist or a flow. One that was reset is deleted, and another begins."""

    id: Id = at("id", default=..., about="Userflow's id of the run.")
    content_id: MaybeId = at("content_id", about="What it is a run through; see userflow/content.")
    version_id: MaybeId = at("version_id", about="In which version.")
    user_id: MaybeId = at("user_id", about="Who runs through it; see userflow/users.")
    group_id: MaybeId = at("group_id", about="For which company; see userflow/groups.")
    created_at: Instant = at("created_at", default=..., about="When it began.")
    last_activity_at: MaybeInstant = at("last_activity_at", about="When something last happened in it.")
    progress: MaybeAmount = at("progress", about="0 to 1.")
    completed: MaybeBool = at("completed", about="All tasks are done, or the goal is reached.")
    completed_at: MaybeInstant = at("completed_at", about="Since when it is completed.")
    is_preview: MaybeBool = at("is_preview", about="A click of our own staff, which says nothing of a user.")
