"""Which domain somebody registered, by the public suffixes; and who gives mailboxes to everybody."""

import ibis
import pytest
from publicsuffixlist import PublicSuffixList

from gtm_platform.identity.domains import domain_lists, is_mail_provider, registered
from gtm_platform.policy import Identity, policy
from gtm_platform.policy.domain_lists import public_suffixes
from gtm_platform_tests.tables import by, rows_as_table

HOST = ibis.schema({"host": "string"})
CASES = {
    "acme.com": "acme.com",
    "www.shop.acme.com": "acme.com",
    "acme.co.uk": "acme.co.uk",
    "mail.acme.co.uk": "acme.co.uk",
    "acme.com.": "acme.com",
    "acme.github.io": "acme.github.io",
    "shop.myshopify.com": "shop.myshopify.com",
    "docs.acme.example": "acme.example",
    "shop.www.ck": "www.ck",
    "shop.acme.co.ck": "acme.co.ck",
    "a.b.city.kawasaki.jp": "city.kawasaki.jp",
    "a.b.c.kawasaki.jp": "b.c.kawasaki.jp",
    "müller.xn--p1ai": "müller.xn--p1ai",
    # Public suffixes, numbers, and names without a dot are nobody's.
    "co.uk": None,
    "github.io": None,
    "acme.ck": None,
    "192.168.0.1": None,
    "localhost": None,
    # Mail providers, free and disposable.
    "gmail.com": None,
    "mail.gmail.com": None,
    "web.de": None,
    "mailinator.com": None,
    "freemail.example": None,
}


def registered_of(hosts: list[str | None], rules: Identity | None = None) -> dict[str, str]:
    table = rows_as_table(HOST, [{"host": host} for host in hosts])
    rows = by("host", registered(table, domain_lists(), rules or policy().identity))
    return {host: row["domain"] for host, row in rows.items()}


def test_the_registered_domain_of_a_host() -> None:
    assert registered_of([*CASES, "acme.com", None]) == {host: name for host, name in CASES.items() if name}


def test_every_suffix_of_the_list_against_the_library_that_keeps_it() -> None:
    oracle = PublicSuffixList()
    suffixes = [rule.lstrip("!").replace("*", "any") for rule in public_suffixes()]
    hosts = [host for suffix in suffixes[::23] for host in (f"shop.acme.{suffix}", f"acme.{suffix}", suffix)]
    rules = policy().identity.model_copy(update={"free_mail_domains": []})
    names = registered_of(list(hosts), rules)
    expected = {host: name for host in hosts if (name := oracle.privatesuffix(host))}
    different = {host for host in hosts if names.get(host) != expected.get(host)}
    assert len(hosts) > 1_000
    assert not {host for host in different if not is_mail_provider(expected.get(host) or host, rules)}


def test_the_policy_has_the_last_word() -> None:
    changes = {
        "company_domains": ("zoho.com",),
        "free_mail_domains": ["post.example"],
        "domain_aliases": {"acme.de": "acme.com"},
    }
    rules = policy().identity.model_copy(update=changes)
    hosts: list[str | None] = ["people.zoho.com", "me.post.example", "www.acme.de", "freemail.example"]
    assert registered_of(hosts, rules) == {
        "people.zoho.com": "zoho.com",
        "www.acme.de": "acme.com",
        "freemail.example": "freemail.example",
    }


@pytest.mark.parametrize(("domain", "is_one"), [("gmail.com", True), ("mailinator.com", True), ("acme.example", False)])
def test_mail_providers(domain: str, is_one: bool) -> None:
    assert is_mail_provider(domain, policy().identity) is is_one
