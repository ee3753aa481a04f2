"""GitHub's rows: accounts, forks, issues, matches of code search, and the addresses that each of them is full of."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from gtm_platform.sandbox.github.store import Account, Act, CodeFile, slug_of
from gtm_platform.sandbox.kit.render import iso_seconds

Shape = dict[str, Any]
API, SITE = "https://api.github.com", "https://github.com"
ANSWERED = timedelta(days=3)  # so long after an issue was opened somebody comments on it
_USER_LISTS = ("gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events")
_REPOSITORY_LISTS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip
_PAINS = ("Filter by metadata is slow above 10M vectors", "Costs of re-indexing", "Latency of hybrid search")
_RESERVED = "0" * 40


def simple_user(account: Account) -> Shape:
    """An account as it stands in other records."""
    url = f"{API}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": f"U_{account.id}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{SITE}/{account.login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        **{f"{name}_url": f"{url}/{name}" for name in _USER_LISTS},
        "type": account.type,
        "site_admin": False,
    }


def user(account: Account) -> Shape:
    """A person's public profile; what is not stated is null."""
    return {
        **simple_user(account),
        "user_view_type": "public",
        "name": account.name,
        "company": account.company,
        "blog": account.website or "",
        "location": None,
        "email": account.email,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": 3,
        "public_gists": 0,
        "followers": 1 + account.id % 90,
        "following": 5,
        "created_at": _born(account),
        "updated_at": _born(account),
    }


def organization(account: Account) -> Shape:
    """An organisation's profile."""
    url = f"{API}/orgs/{account.login}"
    lists = ("repos", "events", "hooks", "issues")
    return {
        "login": account.login,
        "id": account.id,
        "node_id": f"O_{account.id}",
        "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in lists},
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}",
        "description": None,
        "name": account.name,
        "blog": account.website or "",
        "is_verified": False,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": 2,
        "public_gists": 0,
        "followers": 4,
        "following": 0,
        "html_url": f"{SITE}/{account.login}",
        "type": "Organization",
        "created_at": _born(account),
        "updated_at": _born(account),
        "archived_at": None,
    }


def repository(id_: int, name: str, owner: Account, *, fork: bool = False) -> Shape:
    """A repository as it stands in lists."""
    full_name = f"{owner.login}/{name}"
    url = f"{API}/repos/{full_name}"
    return {
        "id": id_,
        "node_id": f"R_{id_}",
        "name": name,
        "full_name": full_name,
        "owner": simple_user(owner),
        "private": False,
        "html_url": f"{SITE}/{full_name}",
        "description": None,
        "fork": fork,
        "url": url,
        **{f"{list_}_url": f"{url}/{list_}" for list_ in _REPOSITORY_LISTS},
    }


def fork(act: Act) -> Shape:
    """A fork of a repository."""
    at = iso_seconds(act.at)
    shape = repository(act.id, act.repository.partition("/")[2], act.user, fork=True)
    return {**shape, "created_at": at, "updated_at": at, "pushed_at": at, "stargazers_count": 0}


def updated(act: Act, now: datetime) -> datetime:
    """When an issue was last touched: when it was opened, or answered."""
    return act.at + ANSWERED if act.at + ANSWERED <= now else act.at


def issue(act: Act, now: datetime) -> Shape:
    """An issue or a pull request, of which the list of issues has both."""
    kind = "issues" if act.kind == "issue" else "pull"
    repository_url, html_url = f"{API}/repos/{act.repository}", f"{SITE}/{act.repository}/{kind}/{act.id}"
    url = f"{repository_url}/issues/{act.id}"
    shape: Shape = {
        "id": act.id,
        "node_id": f"I_{act.id}",
        "url": url,
        "repository_url": repository_url,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html_url,
        "number": act.id,
        "state": "open",
        "state_reason": None,
        "title": _PAINS[act.id % len(_PAINS)],
        "body": "We run this in production.",
        "user": simple_user(act.user),
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "comments": int(updated(act, now) > act.at),
        "closed_at": None,
        "created_at": iso_seconds(act.at),
        "updated_at": iso_seconds(updated(act, now)),
        "author_association": "NONE",
    }
    if act.kind == "pull_request":
        pull = f"{repository_url}/pulls/{act.id}"
        addresses = {
            "url": pull,
            "html_url": html_url,
            "diff_url": f"{html_url}.diff",
            "patch_url": f"{html_url}.patch",
        }
        shape |= {"draft": False, "pull_request": {**addresses, "merged_at": None}}
    return shape


def code_match(file: CodeFile, term: str) -> Shape:
    """A file that has the term in it."""
    repository_ = repository(file.id, "rag", file.owner)
    at = f"{file.path}?ref={_RESERVED}"
    object_url = f"{API}/repositories/{file.id}/contents/{at}"
    start = file.text.index(term)
    place = {"text": term, "indices": [start, start + len(term)]}
    return {
        "name": file.path.rpartition("/")[2],
        "path": file.path,
        "sha": f"{crc32(file.text.encode()):040x}",
        "url": object_url,
        "git_url": f"{API}/repositories/{file.id}/git/blobs/{crc32(file.text.encode()):040x}",
        "html_url": f"{SITE}/{repository_['full_name']}/blob/{_RESERVED}/{file.path}",
        "repository": repository_,
        "score": 1.0,
        "text_matches": [
            {
                "object_url": object_url,
                "object_type": "FileContent",
                "property": "content",
                "fragment": file.text,
                "matches": [place],
            }
        ],
    }


def star(act: Act, *, with_email: bool) -> Shape:
    """A star as GraphQL has it, with the profile of who gave it; a hidden address is an empty text."""
    member_of = [act.user.organization] if act.user.organization else []
    node: Shape = {
        "login": act.user.login,
        "databaseId": act.user.id,
        "name": act.user.name,
        "company": act.user.company,
        "websiteUrl": act.user.website,
        "location": None,
        "organizations": {
            "nodes": [
                {"login": slug_of(each), "name": each.name, "websiteUrl": f"https://{each.domain}"}
                for each in member_of
            ]
        },
    }
    return {"starredAt": iso_seconds(act.at), "node": node | ({"email": act.user.email or ""} if with_email else {})}


def _born(account: Account) -> str:
    return iso_seconds(account.created) if account.created else "2015-01-01T00:00:00Z"


def by_login(accounts: Iterable[Account]) -> dict[tuple[str, str], Account]:
    """The accounts by type and login in lower case; of several with the same ones, the first."""
    logins: dict[tuple[str, str], Account] = {}
    for each in accounts:
        logins.setdefault((each.type, each.login.lower()), each)
    return logins
