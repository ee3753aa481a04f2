"""Which company somebody on GitHub is of, from what they state, in the order in which it can be trusted.

A public address at work comes first, then a membership that they name, their web site, and the bare name of a company.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com gmx.de gmx.net proton.me"  # noqa: SIM905
    " protonmail.com qq.com 163.com 126.com foxmail.com mail.ru yandex.ru web.de users.noreply.github.com".split()
)
NOT_OWN = frozenset(
    "github.com github.io gitlab.com linkedin.com twitter.com x.com medium.com youtube.com facebook.com t.me"  # noqa: SIM905
    " bsky.app substack.com notion.site vercel.app netlify.app google.com stackoverflow.com kaggle.com".split()
)
MEMBER = re.compile(r"@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))")
FORMER = re.compile(r"^(?:ex|former(?:ly)?|prev(?:iously)?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Employer:
    """A company by its domain, its name or both, and how that was learnt."""

    company_domain: str | None = None
    company_name: str | None = None
    match_method: str | None = None  # email, organization, website, name

    def facts(self) -> dict[str, Any]:
        """Return what is put beside a record."""
        return asdict(self)


def employer_of(
    profile: Mapping[str, Any],
    memberships: Iterable[Mapping[str, Any]],
    look_up: Callable[[str], Mapping[str, Any]],
) -> Employer:
    """Return the company that a profile names.

    Memberships are organisations with login, name and web site that came with the profile; `look_up` brings the
    profile of any other by its login.
    """
    text = _text(profile.get("company"))
    text = None if not text or FORMER.match(text) else text
    logins = MEMBER.findall(text or "")
    name = None if logins else text
    members = {str(each.get("login")).lower(): each for each in memberships}
    if domain := mail_domain(_text(profile.get("email"))):
        stated = [members[login.lower()] for login in logins if login.lower() in members]
        names = [_text(each.get("name")) for each in stated if own_domain(_site(each)) == domain]
        return Employer(domain, name or next(iter(names), None), "email")
    for login in logins:
        organization = members.get(login.lower()) or look_up(login)
        if domain := own_domain(_site(organization)):
            return Employer(domain, _text(organization.get("name")), "organization")
    if domain := own_domain(_site(profile)):
        return Employer(domain, name, "website")
    return Employer(None, name, "name") if name else Employer()


def mail_domain(email: str | None) -> str | None:
    """Return the domain of an address at work; None for one of a mail provider."""
    domain = (email or "").strip().lower().rpartition("@")[2]
    return domain if "." in domain and domain not in FREE_MAIL else None


def own_domain(site: str | None) -> str | None:
    """Return the domain of a web site; None for a page at a platform for everybody's pages."""
    text = (site or "").strip().lower()
    try:
        host = urlsplit(text if "://" in text else f"https://{text}").hostname or ""
    except ValueError:
        return None
    host = host.removeprefix("www.")
    is_shared = any(host == each or host.endswith(f".{each}") for each in NOT_OWN)
    return host if "." in host and not is_shared else None


def _site(profile: Mapping[str, Any]) -> str | None:
    """The web site, as GraphQL calls it, or as the REST API does."""
    return _text(profile.get("websiteUrl")) or _text(profile.get("blog"))


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
