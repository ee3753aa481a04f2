"""The domain that somebody registered, of web hosts and of the domains of addresses; none where a mail provider did.

The public lists are tables of the engine, with which distinct hosts are joined: no row is looked at in Python.
"""

from collections.abc import Collection, Mapping

import ibis

from gtm_platform.lake.duckdb_engine import as_table
from gtm_platform.lake.file_query import FileQuery, text
from gtm_platform.policy import Identity
from gtm_platform.policy.domain_lists import mail_providers, public_suffixes

NUMBERS = r"^[0-9.]+$"  # an address of the Internet Protocol
EXCEPTION = 100  # added to the length of a suffix that a rule excepts; it wins over every other rule
Lists = Mapping[str, ibis.Table]


def domain_lists() -> Lists:
    """Return the public lists as tables with a column `word`."""
    return {"suffixes": _as_rows(public_suffixes()), "providers": _as_rows(sorted(mail_providers()))}


def _as_rows(words: Collection[str]) -> ibis.Table:
    template = f"select unnest(string_split({text(' '.join(words))}, ' ')) as word"
    return as_table(FileQuery(ibis.schema({"word": "string"}), template=template))


def registered(hosts: ibis.Table, lists: Lists, rules: Identity) -> ibis.Table:
    """Return [host, registered, domain] of each host that is a company's; `hosts` has a column `host`.

    `domain` is the one that the policy says the registered one is another name of, else the registered one.
    """
    hosts = hosts.filter(hosts["host"].notnull(), ~hosts["host"].re_search(NUMBERS)).select("host").distinct()
    words = hosts["host"].re_replace(r"\.+$", "").replace(".", " ")  # Spark splits by a pattern, and a dot is one
    hosts = hosts.mutate(labels=words.split(" "))
    measured = hosts.view().left_join(_longest_suffixes(hosts.view(), lists["suffixes"]), "host")
    length = ibis.coalesce(measured["length"], 1)
    length = ibis.ifelse(length >= EXCEPTION, length - EXCEPTION, length)
    first = measured["labels"].length() - length - 1
    name = ibis.cases((first >= 0, measured["labels"][first:].join(".")))
    named = measured.select("host", registered=name).filter(lambda t: t["registered"].notnull())
    named = _without_providers(named, lists["providers"], rules)
    aliases = rules.domain_aliases
    domain = named["registered"].cases(*aliases.items(), else_=named["registered"]) if aliases else named["registered"]
    return named.select("host", "registered", domain=domain)


def _longest_suffixes(hosts: ibis.Table, suffixes: ibis.Table) -> ibis.Table:
    """Return [host, length]: how many labels the public suffix of a host has; no row where no rule is about it."""
    ends = hosts.select("host", "labels", skipped=ibis.range(0, hosts["labels"].length()).unnest())
    ends = ends.select(
        "host", suffix=ends["labels"][ends["skipped"] :].join("."), depth=ends["labels"].length() - ends["skipped"]
    )
    word = suffixes["word"]
    more = ibis.cases((word.startswith("*."), 1), (word.startswith("!"), EXCEPTION - 1), else_=0)
    fitting = ends.join(suffixes.select(suffix=word.re_replace(r"^(\*\.|!)", ""), more=more), "suffix")
    return fitting.group_by("host").agg(length=(fitting["depth"] + fitting["more"]).max())


def _without_providers(named: ibis.Table, providers: ibis.Table, rules: Identity) -> ibis.Table:
    listed = providers.filter(~providers["word"].isin(rules.company_domains)) if rules.company_domains else providers
    kept = named.filter(~named["registered"].isin(rules.free_mail_domains))
    for column in ("registered", "host"):
        kept = kept.anti_join(listed.select(**{column: "word"}).view(), column)
    return kept


def is_mail_provider(domain: str, rules: Identity) -> bool:
    """Whether everybody can have a mailbox at a domain."""
    listed = domain in mail_providers() and domain not in rules.company_domains
    return listed or domain in rules.free_mail_domains
