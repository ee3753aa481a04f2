"""What a row of an export looks like to us."""

from typing import Annotated, Literal

from gtm_platform.ingest.files.cells import Day, Word
from gtm_platform.ingest.files.streams import FileRow
from gtm_platform.ingest.record import Id, MaybeText, fact

KINDS = Literal["star", "fork", "pr", "issue", "commit", "page_visit", "copy_command", "other"]


class Activity(FileRow):
    """Something that a developer of a company did on a day."""

    activity_key: Id = fact("activity_key", default=..., about="A digest of what the row says.")
    account_domain: Id = fact("domain", default=..., about="The company's domain.")
    account_name: MaybeText = fact("account_name", about="The company's name.")
    developer_name: MaybeText = fact("developer_name", personal=True, about="First and last name.")
    developer_email: MaybeText = fact("developer_email", personal=True, about="Address at work, in lower case.")
    github_username: MaybeText = fact("github_username", personal=True, about="Name at GitHub.")
    activity_type: Annotated[KINDS, Word] = fact("activity_type", default=..., about="What they did.")
    repo: MaybeText = fact("repo", about="The repository, as owner/name.")
    activity_date: Day = fact("activity_date", default=..., about="The day.")
    activity_info: MaybeText = fact("activity_info", about="What they did it with, such as a page's address.")
