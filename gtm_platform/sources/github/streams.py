"""GitHub's streams. Lists of acts are read back for a year at most: what is older says nothing more.

Stars and forks come newest first and are read until they are older than a window; issues can be asked for by time.
Code cannot: each day some of the packages are searched for, so that all of them are within a week.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import msgspec

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.record import instant_or_none, with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.github import records
from gtm_platform.sources.github.client import GitHub
from gtm_platform.sources.github.employer import Employer, employer_of, own_domain

PAST = timedelta(days=365)
SHOWN_LATE = timedelta(hours=1)
DAYS = 7  # within which all packages are searched for
INSTANT = timedelta(microseconds=1)
FILES = ("requirements.txt", "pyproject.toml", "package.json")
THREADS, AT_ONCE = 4, 100
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
NO_TOTAL = "`stargazerCount` counts all that were ever given, and no window."


# --- acts ------------------------------------------------------------------------------------------------------------


def stars(github: GitHub, window: Window) -> Iterator[Page]:
    """Read the stars of the watched repositories that were given since a window began."""
    for repository in github.settings.repositories:
        for page in _stars(github, repository, window):
            yield [with_facts(star, repository=repository, **_of_star(github, star).facts()) for star in page]


def forks(github: GitHub, window: Window) -> Iterator[Page]:
    """Read the forks that were made since a window began."""
    for repository in github.settings.repositories:
        for page in _forks(github, repository, window):
            yield _with_authors(github, repository, page, "owner")


def issues(github: GitHub, window: Window) -> Iterator[Page]:
    """Read the issues and pull requests that were touched since a window began."""
    for repository in github.settings.repositories:
        for page in _issues(github, repository, window):
            yield _with_authors(github, repository, page, "user")


def _stars(github: GitHub, repository: str, window: Window) -> Sequence[Page]:
    return github.listed(("stars", repository, window), lambda: _newest(github.stars(repository), window, "starredAt"))


def _forks(github: GitHub, repository: str, window: Window) -> Sequence[Page]:
    pages = github.pages(f"/repos/{repository}/forks", {"sort": "newest"})
    return github.listed(("forks", repository, window), lambda: _newest(pages, window, "created_at"))


def _issues(github: GitHub, repository: str, window: Window) -> Sequence[Page]:
    since = _begin(window).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    params = {"state": "all", "sort": "updated", "direction": "asc", "since": since}
    return github.listed(("issues", repository, window), lambda: github.pages(f"/repos/{repository}/issues", params))


def _begin(window: Window) -> datetime:
    return window.end - PAST if window.full else window.start


def _newest(pages: Iterator[Page], window: Window, name: str) -> Iterator[Page]:
    """Yield pages of a list that is newest first until the records are from before the window."""
    begin = _begin(window)
    for page in pages:
        moments = [instant_or_none(row, name) for row in page]
        yield [row for row, moment in zip(page, moments, strict=True) if moment is None or moment >= begin]
        if any(moment and moment < begin for moment in moments):
            return


def _with_authors(github: GitHub, repository: str, page: Page, author_at: str) -> Page:
    """Return the page with what each record's author states beside it."""
    authors = [get_path_or_none(row, author_at) for row in page]
    facts = map_concurrently(lambda author: _author_facts(github, author), authors, THREADS)
    return [with_facts(row, repository=repository, **more) for row, more in zip(page, facts, strict=True)]


def _author_facts(github: GitHub, author: Any) -> dict[str, Any]:
    if not isinstance(author, dict) or not author.get("login"):
        return {}
    profile = _profile(github, str(author["login"]), author.get("type") == "Organization")
    names = {name: profile.get(name) for name in ("name", "email")}
    return {**names, **_employer(github, profile).facts()}


def _profile(github: GitHub, login: str, is_organization: bool) -> Mapping[str, Any]:
    body = github.organization(login) if is_organization else github.user(login)
    profile: Mapping[str, Any] = msgspec.json.decode(body) if body else {}
    return profile


def _of_star(github: GitHub, star: bytes) -> Employer:
    node = get_path_or_none(star, "node")
    return _employer(github, node) if isinstance(node, dict) else Employer()


def _employer(github: GitHub, profile: Mapping[str, Any]) -> Employer:
    if profile.get("type") == "Organization":
        return Employer(own_domain(profile.get("blog")), profile.get("name") or profile.get("login"), "organization")
    memberships = (profile.get("organizations") or {}).get("nodes") or ()
    return employer_of(profile, memberships, lambda login: _profile(github, login, is_organization=True))


# --- users -----------------------------------------------------------------------------------------------------------


def users(github: GitHub, window: Window) -> Iterator[Page]:
    """Read everybody who did something since a window began, each once, with the company that they state."""
    newest: dict[str, tuple[datetime, bytes | None]] = {}  # by login: when, and the profile where it came along
    for repository in github.settings.repositories:
        for login, at, profile in _active(github, repository, window):
            if _begin(window) <= at < window.end and (login not in newest or newest[login][0] < at):
                newest[login] = at, profile
    active = list(newest.items())
    for begin in range(0, len(active), AT_ONCE):
        yield _profiles(github, active[begin : begin + AT_ONCE])


def _active(github: GitHub, repository: str, window: Window) -> Iterator[tuple[str, datetime, bytes | None]]:
    """Yield who starred, forked or opened something, and when; organisations are no users."""
    for star in chain.from_iterable(_stars(github, repository, window)):
        login, at = get_path_or_none(star, "node", "login"), instant_or_none(star, "starredAt")
        if isinstance(login, str) and at:
            yield login, at, bytes(MEMBERS.decode(star)["node"])
    for pages, author_at in (
        (_forks(github, repository, window), "owner"),
        (_issues(github, repository, window), "user"),
    ):
        for row in chain.from_iterable(pages):
            author, at = get_path_or_none(row, author_at), instant_or_none(row, "created_at")
            if isinstance(author, dict) and author.get("type") == "User" and at:
                yield str(author.get("login")), at, None


def _profiles(github: GitHub, active: Sequence[tuple[str, tuple[datetime, bytes | None]]]) -> Page:
    bodies = map_concurrently(lambda each: each[1][1] or github.user(each[0]), active, THREADS)
    page: Page = []
    for (_, (at, _)), body in zip(active, bodies, strict=True):
        profile = get_path_or_none(body) if body else None
        if body and isinstance(profile, dict):
            page.append(with_facts(body, active_at=at, **_employer(github, profile).facts()))
    return page


# --- code ------------------------------------------------------------------------------------------------------------


def code_imports(github: GitHub, window: Window) -> Iterator[Page]:
    """Search for files that name a competitor's package: at first all, then those of the window."""
    packages = github.settings.packages
    turns = min(DAYS, len(packages))
    days = {(window.end - INSTANT).date().toordinal() - ago for ago in range(_days(window))}
    chosen = packages if window.full else [p for n, p in enumerate(packages) if n % turns in {d % turns for d in days}]
    for competitor, package in chosen:
        for file in FILES:
            query = f'"{package}" filename:{file}'
            for page in github.matches(query):
                yield [_match(github, row, competitor, package, window.end - INSTANT) for row in page]


def _days(window: Window) -> int:
    return DAYS if window.full else max(1, -(-(window.end - window.start) // timedelta(days=1)))


def _match(github: GitHub, row: bytes, competitor: str, package: str, seen_at: datetime) -> bytes:
    owner = get_path_or_none(row, "repository", "owner")
    facts = _author_facts(github, owner)
    matches = get_path_or_none(row, "text_matches") or ()
    fragments = [each.get("fragment") for each in matches if isinstance(each, dict)]
    exact = next((text for text in fragments if isinstance(text, str) and package in text), None)
    employer = {name: facts.get(name) for name in ("company_domain", "company_name", "match_method")}
    return with_facts(row, competitor=competitor, package=package, fragment=exact, seen_at=seen_at, **employer)


STREAMS = (
    Stream(
        "stars",
        records.Star,
        stars,
        key=("repository", "user_id"),
        cursor_field="starred_at",
        lookback=SHOWN_LATE,
        totals=NO_TOTAL,
    ),
    Stream("forks", records.Fork, forks, cursor_field="created_at", lookback=SHOWN_LATE),
    Stream("issues", records.Issue, issues, cursor_field="updated_at", lookback=SHOWN_LATE),
    Stream("users", records.User, users, cursor_field="active_at", lookback=SHOWN_LATE),
    Stream(
        "code_imports",
        records.CodeImport,
        code_imports,
        sync_mode="append_only",
        key=("repository_id", "path", "package"),
        cursor_field="seen_at",
        lookback=timedelta(),
        totals="`total_count` is an estimate, and no more than 1,000 matches are listed.",
    ),
)
