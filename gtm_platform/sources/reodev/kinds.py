"""What an activity of Reo.dev is: which kind, of which repository, and by whom it is known elsewhere.

Which words stand for a star, a fork, an issue or a pull request is not published, so they are looked for in all texts
of a row. The table is data: a further spelling is a further line.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

WORDS: tuple[tuple[str, str], ...] = (  # the first that occurs counts
    ("STAR", "star"),
    ("FORK", "fork"),
    ("PULL", "pull_request"),
    ("PR ", "pull_request"),
    ("ISSUE", "issue"),
    ("COMMIT", "commit"),
    ("INSTALL", "copy_command"),
    ("COPY_COMMAND", "copy_command"),
    ("PAGE_VISIT", "visit"),
    ("DOCS_VISIT", "visit"),
)
OF_GITHUB = frozenset(["star", "fork", "pull_request", "issue", "commit"])
REPOSITORY = re.compile(r"github\.com/([^/\s]+/[^/\s#?]+)")
NUMBER = re.compile(r"/(?:issues|pull)/(\d+)")
TEXTS = ("activity_info", "source_url", "page")
IDENTITY = (
    "activity_date", "activity_type", "actor", "page", "activity_info", "activity_source", "source_url", "copied_text",
    "developer_id",
)  # fmt: skip


def kind_of(row: Mapping[str, Any]) -> str:
    """Return star, fork, pull_request, issue, commit, copy_command, visit or other."""
    text = " ".join(str(row.get(name) or "") for name in ("activity_type", "activity_info", "page")).upper()
    own = str(row.get("activity_type") or "").upper()
    is_github = "GITHUB" in f"{own} {row.get('activity_source') or ''}".upper()
    for word, kind in WORDS:
        # A visit of a page about forks is no fork.
        if word in (text if is_github or kind not in OF_GITHUB else own):
            return kind
    return "other"


def repository_of(row: Mapping[str, Any]) -> str | None:
    """Return owner/name of the repository that a row names."""
    matches = (REPOSITORY.search(str(row.get(name) or "")) for name in TEXTS)
    return next((match[1] for match in matches if match), None)


def number_of(row: Mapping[str, Any]) -> str | None:
    """Return the number of the issue or pull request that a row names."""
    matches = (NUMBER.search(str(row.get(name) or "")) for name in TEXTS)
    return next((match[1] for match in matches if match), None)


def activity_id(account_id: str, row: Mapping[str, Any]) -> str:
    """Return an id of a row, which Reo.dev gives none: the same for the same row."""
    parts = [account_id, *(row.get(name) for name in IDENTITY)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]


def login_of(address: str | None) -> str | None:
    """Return the user name of an address at GitHub."""
    return (address or "").rstrip("/").rpartition("/")[2].strip().lower() or None
