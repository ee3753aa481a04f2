"""Why records are one customer, or are not, in the sentences of a person: read out of the lake as of a day."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gtm_platform.identity import decisions, links
from gtm_platform.identity.domains import is_mail_provider
from gtm_platform.identity.references import (
    Meant,
    NobodyMeant,
    Row,
    company_row,
    is_company,
    meant,
    newest_day,
    rows_where,
)
from gtm_platform.identity.review import unsure_reason
from gtm_platform.lake.daily_table import arguments
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Identity, policy
from gtm_platform.state.identity_decisions import SPLIT, Decision


@dataclass(frozen=True)
class Explanation:
    """An answer: its first sentence, and what it rests on."""

    answer: str
    reasons: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as lines to read."""
        return "\n".join([self.answer, *(f"  - {reason}" for reason in self.reasons)])


def explain(lake: Lake, first: str, second: str | None = None, day: str | None = None) -> Explanation:
    """Explain one customer or company; or why two are the same, or are not."""
    day = day or newest_day(lake)
    if day not in lake.partitions(links.TABLE.key):
        raise NobodyMeant(f"There is no {links.TABLE.key} of {day}; the newest is {newest_day(lake)}.")
    if is_company(first) and (second is None or is_company(second)):
        return _company(lake, first, day) if second is None else _two_companies(lake, first, second, day)
    left = meant(lake, first, day)
    if second is None:
        return _customer(lake, left, day)
    right = meant(lake, second, day)
    if left.customer_id == right.customer_id:
        return _same(lake, left, right, day)
    return _different(left, right, policy().identity, decisions.decisions_of_home())


def _name(row: Row) -> str:
    address = f" <{row['email']}>" if row["email"] and row["email"] != row["record_id"] else ""
    return f"{row['source']}:{row['record_id']}{address}"


def _customer(lake: Lake, left: Meant, day: str) -> Explanation:
    rows = _records_of(lake, left.customer_id, day)
    aliases = rows[0]["aliases"]
    since = f"{left.customer_id}, a customer since {rows[0]['first_seen']}"
    answer = f"{left.text} is {since}: {len(rows)} record{'s' if len(rows) > 1 else ''} on {day}."
    reasons = _why_together(rows)
    if aliases:
        reasons.append(f"It was several customers before: {', '.join(aliases)} went into it.")
    reasons += [_about(decision) for decision in _decisions_about(rows)]
    return Explanation(
        answer, reasons, {"customer_id": left.customer_id, "day": day, "aliases": aliases, "records": rows}
    )


def _records_of(lake: Lake, customer_id: str, day: str) -> list[Row]:
    rows = rows_where(lake, links.TABLE.key, day, lambda t: t["customer_id"] == customer_id)
    return sorted(rows, key=lambda row: (row["source"], row["record_id"]))


WORDS = {
    "email": "The same address",
    "secondary_email": "An address of the one that is a further one of the other",
    "shared_id": "The same id",
    "merged": "Merged in their own system",
    decisions.METHOD: "Joined by a person",
}


def _why_together(rows: Sequence[Row]) -> list[str]:
    """A sentence for each thing that ties records together, with the records; then those that nothing ties."""
    ties: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["evidence"]:
            ties.setdefault((row["match_method"], row["evidence"]), []).append(row)
    tied = [
        f"{WORDS[method]} ({evidence}; sure to {members[0]['match_confidence']:.0%}): {', '.join(map(_name, members))}."
        for (method, evidence), members in sorted(ties.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    return tied + [_why_linked(row) for row in rows if row["held_back"] or not row["evidence"]]


def _why_linked(row: Row) -> str:
    if row["held_back"]:
        return f"{_name(row)} is held back for review: {row['reason']}."
    if row["match_method"] == "alone":
        return f"{_name(row)} shares nothing with any other record."
    return f"{WORDS[row['match_method']]} ({row['evidence']}; sure to {row['match_confidence']:.0%}): {_name(row)}."


def _decisions_about(rows: Sequence[Row]) -> list[Decision]:
    keys = {decisions.record_key(row["source"], row["record_id"]) for row in rows}
    return [each for each in decisions.decisions_of_home() if each.in_force and keys & set(each.records)]


def _about(decision: Decision) -> str:
    what = "are not the same" if decision.kind == SPLIT else "are the same"
    return (
        f"Decision {decision.id} by {decision.decided_by} on {decision.at:%Y-%m-%d}: {decision.first_record} and "
        f"{decision.second_record} {what}, as {decision.reason!r}."
    )


def _same(lake: Lake, left: Meant, right: Meant, day: str) -> Explanation:
    rows = {f"{row['source']}:{row['record_id']}": row for row in _records_of(lake, left.customer_id, day)}
    shared = _traits_of(lake, left.customer_id, day)
    path = _path(shared, _names(left), _names(right))
    decided = {f"decision {each.id}": each for each in decisions.decisions_of_home()}
    steps = [
        f"{_name(rows[a])} and {_name(rows[b])} share: {trait}."
        if trait not in decided
        else f"{_name(rows[a])} and {_name(rows[b])}: {_about(decided[trait])}"
        for a, trait, b in path
    ]
    answer = f"{left.text} and {right.text} are the same customer, {left.customer_id}"
    if not path:
        return Explanation(f"{answer}: they name the same record.", [_why_linked(row) for row in left.records])
    through = "" if len(path) == 1 else f", through {len(path) - 1} other record{'s' if len(path) > 2 else ''}"
    return Explanation(f"{answer}{through}.", steps, {"customer_id": left.customer_id, "day": day, "path": path})


def _names(who: Meant) -> set[str]:
    return {f"{row['source']}:{row['record_id']}" for row in who.records}


def _traits_of(lake: Lake, customer_id: str, day: str) -> list[tuple[str, str]]:
    """Return (record, trait) of a customer's records: what each has that may tie it to another."""
    inputs = {name: links.TABLE.inputs[name] for name in ("records", "policy", "decided")}
    traits = links.counting_traits(**arguments(lake, inputs, links.counting_traits, day))
    members = lake.partition(links.TABLE.key, day).filter(lambda t: t["customer_id"] == customer_id)
    members = members.select("source", "record_id")
    rows = traits.join(members, ["source", "record_id"]).select("source", "record_id", "trait").distinct()
    return sorted((f"{row['source']}:{row['record_id']}", row["trait"]) for row in rows.to_pyarrow().to_pylist())


def _path(shared: Sequence[tuple[str, str]], begin: set[str], end: set[str]) -> list[tuple[str, str, str]]:
    """Return the shortest way from one set of records to another, as steps (record, trait, record)."""
    traits_of: dict[str, list[str]] = {}
    records_with: dict[str, list[str]] = {}
    for record, trait in shared:
        traits_of.setdefault(record, []).append(trait)
        records_with.setdefault(trait, []).append(record)
    came: dict[str, tuple[str, str, str] | None] = dict.fromkeys(sorted(begin))
    queue = deque(came)
    while queue:
        record = queue.popleft()
        if record in end:
            return list(_steps_to(record, came))[::-1]
        for trait in traits_of.get(record, []):
            for neighbour in records_with[trait]:
                if neighbour not in came:
                    came[neighbour] = (record, trait, neighbour)
                    queue.append(neighbour)
    return []


def _steps_to(record: str, came: dict[str, tuple[str, str, str] | None]) -> Iterator[tuple[str, str, str]]:
    step = came[record]
    while step is not None:
        yield step
        step = came[step[0]]


def _different(left: Meant, right: Meant, rules: Identity, decided: Sequence[Decision]) -> Explanation:
    answer = f"{left.text} ({left.customer_id}) and {right.text} ({right.customer_id}) are two customers."
    reasons = [
        _about(each) for each in decided if each.in_force and each.kind == SPLIT and _is_between(each, left, right)
    ]
    held_back = [row for row in [*left.records, *right.records] if row["held_back"]]
    reasons += [_why_linked(row) for row in held_back]
    mails = [{row["email"] for row in who.records if row["email"]} for who in (left, right)]
    for address in sorted(mails[0] & mails[1]):
        if address.split("@")[0] in rules.shared_inboxes:
            reasons.append(f"Both have {address}, an inbox that several people read; it ties nobody together.")
    domains = [{address.split("@")[1] for address in side} for side in mails]
    for domain in sorted(domains[0] & domains[1]):
        free = is_mail_provider(domain, rules)
        what = "a mail provider's, which says nothing" if free else "their company's, which many people share"
        reasons.append(f"Both have an address at {domain}: it is {what}.")
    if not reasons:
        reasons.append("They share no address and no id, and no system has merged them.")
    reasons.append(f"If they are one person: gtm identity merge {left.text} {right.text} --why REASON")
    return Explanation(answer, reasons, {"customer_ids": [left.customer_id, right.customer_id]})


def _is_between(decision: Decision, left: Meant, right: Meant) -> bool:
    keys = [{decisions.record_key(row["source"], row["record_id"]) for row in who.records} for who in (left, right)]
    first, second = decision.records
    return (first in keys[0] and second in keys[1]) or (first in keys[1] and second in keys[0])


HOW = {
    "domain": "a system says that this is its domain",
    "contacts": "a record of it has none, and all contacts of that record write from it",
    "email_domain": "only the addresses of its people say so",
    "alone": "it has an id in one system, and no domain of its own",
}


def _company(lake: Lake, reference: str, day: str) -> Explanation:
    row = company_row(lake, reference, day)
    ids = {name: value for name, value in row.items() if name.endswith("_company_ids") and value}
    reasons = [f"It goes by the domain {row['domain'] or '(none)'}: {HOW[row['match_method']]}."]
    if further := [domain for domain in row["domains"] if domain != row["domain"]]:
        reasons.append(f"Its further domains, by a system or the policy: {', '.join(further)}.")
    if row["contested_domains"]:
        contested = ", ".join(row["contested_domains"])
        reasons.append(f"Held back for review, as another company has it, too: {contested}.")
    if row["placed_records"]:
        placed = ", ".join(row["placed_records"])
        reasons.append(f"Without a domain of its own, but all its contacts write from {row['domain']}: {placed}.")
    if row["contact_domains"]:
        reasons.append(f"Held back for review: {unsure_reason('it', row['contact_domains'])}.")
    if row["former_ids"]:
        reasons.append(f"It was several companies before: {', '.join(row['former_ids'])} went into it.")
    reasons += [f"{name.removesuffix('_company_ids')} has it as {', '.join(value)}." for name, value in ids.items()]
    reasons += [_about(decision) for decision in _company_decisions(row)]
    return Explanation(f"{reference} is {row['name']}, {row['company_id']}, on {day}.", reasons, {"day": day, **row})


def _two_companies(lake: Lake, first: str, second: str, day: str) -> Explanation:
    left, right = company_row(lake, first, day), company_row(lake, second, day)
    if left["company_id"] == right["company_id"]:
        decided = [_about(decision) for decision in _company_decisions(left)]
        reasons = decided or [f"A system or the policy has {', '.join(left['domains'])} as domains of one company."]
        return Explanation(f"{first} and {second} are the same company, {left['name']}.", reasons, {"company": left})
    return Explanation(
        f"{first} and {second} are two companies: {left['name']} and {right['name']}.",
        [
            *(_about(each) for each in _company_decisions(left) if each in _company_decisions(right)),
            "No system lists the domain of the one as a further domain of the other.",
            f"{left['name']} has {', '.join(left['domains']) or 'no domain'}; "
            f"{right['name']} has {', '.join(right['domains']) or 'no domain'}.",
            f"If they are one company: gtm identity merge {first} {second} --why REASON",
        ],
        {"company_ids": [left["company_id"], right["company_id"]]},
    )


def _company_decisions(company: Row) -> list[Decision]:
    """Return the decisions in force that name a domain or a record of a company."""
    records = {
        f"{name.removesuffix('_company_ids')}:{id}"
        for name, ids in company.items()
        if name.endswith("_company_ids")
        for id in ids
    }
    names = {f"{decisions.COMPANY}{name}" for name in (*company["domains"], *records)}
    return [each for each in decisions.decisions_of_home() if each.in_force and names & set(each.records)]
