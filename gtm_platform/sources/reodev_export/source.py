"""Reo.dev by file: activities of developers, exported from a segment."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gtm_platform.ingest.files.cells import host_of, path_steps
from gtm_platform.ingest.files.layout import Fields, FileLayout, SourceFile
from gtm_platform.ingest.files.streams import file_source
from gtm_platform.sources.reodev_export.records import Activity
from gtm_platform.sources.reodev_export.settings import ReoExportSettings

SAYS = (
    "account_domain",
    "developer_name",
    "developer_email",
    "github_username",
    "activity_type",
    "repo",
    "activity_date",
    "activity_info",
)
REPOSITORY = re.compile(r"github\.com/([^/\s]+/[^/\s#?]+)")


def _facts(fields: Fields, _file: SourceFile) -> Mapping[str, Any]:
    content = "\x1f".join((fields.get(name) or "").lower() for name in SAYS)
    mentioned = REPOSITORY.search(fields.get("activity_info") or "")
    login = path_steps(fields.get("github_username"))
    return {
        "activity_key": hashlib.sha256(content.encode()).hexdigest()[:32],
        "domain": host_of(fields.get("account_domain")),
        "developer_email": (fields.get("developer_email") or "").lower() or None,
        "repo": fields.get("repo") or (mentioned[1] if mentioned else None),
        "github_username": login[-1] if login else fields.get("github_username"),
    }


LAYOUTS = {
    "activities": FileLayout(
        record=Activity,
        key=("activity_key",),
        names=("reodev_activities", "activities"),
        headings={
            "account_domain": ("domain", "company domain", "org domain"),
            "account_name": ("account", "company", "organization", "org name"),
            "developer_name": ("developer", "actor", "name"),
            "developer_email": ("developer business email", "business email", "email"),
            "github_username": ("developer github", "github", "github url"),
            "activity_type": ("activity", "type"),
            "repo": ("repository", "repo interacted"),
            "activity_date": ("date", "last activity date"),
            "activity_info": ("info", "page", "source url", "activity source url"),
        },
        required=(("account_domain", "activity_type", "activity_date"),),
        derive=_facts,
    )
}
SOURCE = file_source(
    "reodev_export",
    ReoExportSettings,
    LAYOUTS,
    about="What developers of companies do, from exports of Reo.dev that are dropped as files.",
    minute=16,
)
