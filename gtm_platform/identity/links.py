"""`identity/links`: which customer each person record belongs to, why, how surely, and what was held back."""

from collections.abc import Sequence

import ibis

from gtm_platform.identity import decisions, ids, normalise, person_records
from gtm_platform.identity.components import components
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.days import Day
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.state.identity_decisions import Decision

METHODS = (decisions.METHOD, "email", "merged", "shared_id", "secondary_email", "alone")

CONTRACT = Contract(
    {
        "source": Column("string", "System of the record.", nullable=False),
        "record_id": Column("string", "Its id there; of some sources an address.", nullable=False, personal=True),
        "customer_id": Column("string", "The customer it belongs to.", nullable=False),
        "first_seen": Column("date", "Day on which this customer_id came about.", nullable=False),
        "aliases": Column("array<string>", "Ids that went into this customer when customers merged.", nullable=False),
        "email": Column("string", "The record's address, normalised.", personal=True),
        "match_method": Column(
            "string",
            "What ties it to another record of the customer: a person's decision, email, merged, shared_id, "
            "secondary_email; or alone.",
            nullable=False,
            rule=lambda v: v.isin(METHODS),
        ),
        "match_confidence": Column("float64", "0 to 1, by method.", nullable=False, rule=lambda v: v.between(0, 1)),
        "evidence": Column("string", "What was the same.", personal=True),
        "held_back": Column("boolean", "A match was held back and waits for a person to look at it.", nullable=False),
        "held_back_group": Column("string", "The same for records that would be tied together but for the reason."),
        "reason": Column("string", "Why it was held back."),
    },
    key=("source", "record_id"),
    about="Every person record of every source and the customer it belongs to, with the reason.",
    figures={
        "customers": lambda t: t["customer_id"].nunique(),
        "held_back": lambda t: t["held_back"].sum(),
        "alone": lambda t: (t["match_method"] == "alone").sum(),
    },
)


def table(
    records: person_records.Tables,
    previous: ibis.Table,
    policy: Policy,
    day: Day,
    decided: Sequence[Decision] = (),
) -> ibis.Table:
    """Return every record with its customer; `previous` are the links of the newest day before."""
    rules = policy.identity
    everybody = person_records.person_records(records)
    merged = person_records.merged_records(records)
    shared = _shared(_counting(everybody, merged, rules, decided))
    brief = everybody.select("node", "source", "record_id", "email", "created")
    clustered = _clustered(brief, shared, rules)  # as views the engine makes them once, not once for each use
    gone = merged.anti_join(everybody, merged["loser"] == everybody["node"])
    gone = gone.join(clustered.view().select("label", winner="node"), "winner").select("label", node="loser").distinct()
    members = clustered.view().select("label", "node", "created", "source", "record_id")
    members = members.mutate(name=person_records.named(members["source"], members["record_id"]))
    freed = decisions.set_free(decided)
    set_free = members.filter(decisions.keys_of(members).isin(freed)) if freed else None
    customers = ids.assigned(members, gone, _by_node(previous), day, set_free)
    customers = customers.rename(customer_id="id")
    conflicts = _shared_inbox_conflicts(clustered.view(), customers, rules).mutate(conflict=True)
    linked = clustered.view().join(customers, "label")
    refused = clustered.view().filter(lambda t: t["contested"].notnull())
    matches = _strongest_match(_without_weak(shared, refused), rules)
    linked = linked.left_join(matches, "node").left_join(conflicts, "email")
    return _output_columns(linked.drop("email_right"))


def _by_node(links: ibis.Table) -> ibis.Table:
    """Return links as ids are assigned by: [node, name, id, first_seen, aliases]."""
    source, record_id = links["source"], links["record_id"]
    return links.select(
        "first_seen",
        "aliases",
        node=person_records.node(source, record_id),
        name=person_records.named(source, record_id),
        id="customer_id",
    )


def counting_traits(records: person_records.Tables, policy: Policy, decided: Sequence[Decision]) -> ibis.Table:
    """Return [source, record_id, trait]: what makes a record the same person as another."""
    everybody = person_records.person_records(records)
    traits = _counting(everybody, person_records.merged_records(records), policy.identity, decided)
    named = everybody.select("node", "source", "record_id").view()
    return traits.join(named, "node").select("source", "record_id", "trait")


def _counting(records: ibis.Table, merged: ibis.Table, rules: Identity, decided: Sequence[Decision]) -> ibis.Table:
    """Return the traits of the records that a decision of a person has not refused."""
    traits = _traits(records, merged, rules, decided)
    pairs = decisions.splits(decided)
    return _without_refused(traits, records, pairs, rules) if pairs else traits


def _traits(records: ibis.Table, merged: ibis.Table, rules: Identity, decided: Sequence[Decision]) -> ibis.Table:
    """Return [node, trait, method]: what makes a record the same person as another that has it too."""
    mail = person_records.addresses(records, of="node")
    mail = mail.filter(~normalise.is_shared_inbox(mail["email"], rules))
    method = ibis.ifelse(mail["own"], "email", "secondary_email")
    by_mail = mail.select("node", trait=ibis.literal("email ") + mail["email"], method=method)
    by_id = records.select("node", trait=records["shared_ids"].unnest(), method=ibis.literal("shared_id"))
    present = merged.semi_join(records, merged["loser"] == records["node"])
    merge = ibis.literal("merged into ") + present["into"]
    by_merge = [present.select(node=side, trait=merge, method=ibis.literal("merged")) for side in ("winner", "loser")]
    by_person = decisions.merges(records, decided)
    return ibis.union(by_mail, by_id, *by_merge, *([] if by_person is None else [by_person]))


def _without_refused(
    traits: ibis.Table, records: ibis.Table, pairs: Sequence[tuple[str, str]], rules: Identity
) -> ibis.Table:
    """Return the traits without those by which records would hang together that a person has split.

    Only clusters that hold such records are looked at; they are few and small, so that they are resolved here.
    """
    labels, _ = components(_shared(traits).select(a="node", b="first"))
    keys = decisions.keys_of(records)
    apart = records.filter(keys.isin(sorted({record for pair in pairs for record in pair})))
    labelled = records.select("node", "source", "record_id", "created", key=keys).left_join(labels.view(), "node")
    labelled = labelled.drop("node_right").mutate(label=lambda t: ibis.coalesce(t["label"], t["node"]))
    affected = labelled.semi_join(labelled.view().semi_join(apart, "node"), "label")
    sure = {method: nth for nth, method in enumerate(_surest_first(rules))}
    rows = traits.join(affected.view(), "node").select("key", "created", "trait", "method")
    memberships = [
        decisions.Membership(sure[row["method"]], row["trait"], row["created"], row["key"])
        for row in engine().to_pyarrow(rows.distinct()).to_pylist()
    ]
    refused = [f"{each.record} {each.trait}" for each in decisions.refused(memberships, pairs)]
    if not refused:
        return traits
    named = records.select("node", key=keys).view()
    refusable = traits.join(named.semi_join(affected.view(), "node"), "node")
    gone = refusable.filter((refusable["key"] + " " + refusable["trait"]).isin(refused)).select("node", "trait")
    return traits.anti_join(gone.view(), ["node", "trait"])


def _surest_first(rules: Identity) -> list[str]:
    """List the methods by how sure they are; a decision of a person comes before every rule."""
    sure = {method: value for method, value in rules.confidence if method in METHODS}
    return [decisions.METHOD, *sorted(sure, key=lambda method: -sure[method])]


STRONG = (decisions.METHOD, "email", "merged")  # what alone makes two records of a system of record one person


def _shared(traits: ibis.Table) -> ibis.Table:
    """Return the traits that more than one record has, with a record that stands for all of them.

    That is `first`, and for those that have it for sure `surest`, null for the others. An address is matched as e-mail
    where two records have it as their own, else as somebody's secondary one.
    """
    own = (traits["method"] == "email").ifelse(1, 0)
    node, strong = traits["node"], traits["method"].isin(STRONG)
    had = traits.group_by("trait").agg(own=own.sum(), first=node.min(), last=node.max(), surest=node.min(where=strong))
    shared = traits.join(had.filter(had["first"].nullif(had["last"]).notnull()), "trait")
    weak = (shared["method"] == "email") & (shared["own"] < 2)
    method = ibis.ifelse(weak, "secondary_email", shared["method"])
    surest = ibis.cases((method.isin(STRONG), shared["surest"]))
    return shared.select("node", "first", "trait", method=method, surest=surest)


def _clustered(records: ibis.Table, shared: ibis.Table, rules: Identity) -> ibis.Table:
    """Return the records with the `label` of their cluster.

    Each is on its own where the cluster is too large or cannot be followed to its end. Where two records of a system of
    record would come together by what is less sure, that does not count, and `contested` is the whole they would be.
    """
    strong = shared.filter(shared["surest"].notnull())
    sure, knotted = components(strong.select(a="node", b="surest"))
    loose = _moved(_moved(shared.select(a="node", b="first"), sure, "a"), sure, "b")
    whole, tangled = components(loose)
    clustered = _labelled(_labelled(records, sure, "node", "sure"), whole, "sure", "whole")
    contested = _contested(clustered.view(), rules)
    clustered = clustered.view().left_join(contested, "whole").drop("whole_right")
    clustered = clustered.mutate(
        label=ibis.ifelse(clustered["contested"].notnull(), clustered["sure"], clustered["whole"])
    )
    members_beside_label = clustered.view().filter(lambda t: t["label"].nullif(t["node"]).notnull())
    sizes = (
        members_beside_label.group_by("label")
        .agg(size=members_beside_label.count() + 1)
        .filter(lambda t: t["size"] > rules.largest_cluster)
    )
    clustered = clustered.view().left_join(sizes, "label").drop("label_right")
    clustered = clustered.left_join(knotted.union(tangled).distinct().mutate(tangled=True), "label").drop("label_right")
    clustered = clustered.mutate(too_large=clustered["size"].notnull() | clustered["tangled"].notnull())
    group = ibis.cases((clustered["too_large"], clustered["label"]), else_=clustered["contested"])
    return clustered.mutate(
        group=group, label=ibis.ifelse(clustered["too_large"], clustered["node"], clustered["label"])
    )


def _moved(edges: ibis.Table, labels: ibis.Table, end: str) -> ibis.Table:
    """Return the edges with one end moved to the label that it has."""
    moved = edges.view().left_join(labels.view().select(**{end: "node"}, label="label"), end)
    return moved.select(*[c for c in ("a", "b") if c != end], **{end: ibis.coalesce(moved["label"], moved[end])})


def _labelled(records: ibis.Table, labels: ibis.Table, by: str, name: str) -> ibis.Table:
    """Return the records with a label, which what is alone has of itself."""
    labelled = records.view().left_join(labels.view().select(**{by: "node"}, label="label"), by)
    return labelled.select(*records.columns, **{name: ibis.coalesce(labelled["label"], labelled[by])})


def _contested(clustered: ibis.Table, rules: Identity) -> ibis.Table:
    """Return [whole, contested, system] of those in which records of one system of record lie in several sure parts."""
    recorded = clustered.filter(clustered["source"].isin(rules.systems_of_record))
    parts = recorded.group_by("whole", system=recorded["source"]).agg(
        first=recorded["sure"].min(), last=recorded["sure"].max()
    )
    several = parts.filter(parts["first"].nullif(parts["last"]).notnull())
    return several.group_by("whole").agg(system=several["system"].min()).mutate(contested=lambda t: t["whole"])


def _without_weak(shared: ibis.Table, refused: ibis.Table) -> ibis.Table:
    """Return the shared traits without the weak ones of the records whose weak ties do not count."""
    strong = shared.filter(shared["surest"].notnull())
    return strong.union(shared.filter(shared["surest"].isnull()).anti_join(refused, "node"))


def _strongest_match(shared: ibis.Table, rules: Identity) -> ibis.Table:
    """Return of each record the surest trait that it shares with another."""
    sure = {method: value for method, value in rules.confidence if method in METHODS} | {decisions.METHOD: 1.0}
    ranked = _surest_first(rules)
    # One text, a digit for the method before the trait: the least of texts is found without sorting anything.
    place = shared["method"].cases(*[(method, str(nth)) for nth, method in enumerate(ranked)])
    ordered = shared.select("node", least=place + shared["trait"]).view()
    several = ordered.group_by("node").having(ordered.count() > 1).agg()
    doubtful = ordered.view().semi_join(several, "node")
    doubtful = doubtful.group_by("node").agg(least=doubtful["least"].min())
    best = ordered.view().anti_join(several, "node").union(doubtful)
    nth = best["least"].substr(0, 1)
    return best.select(
        "node",
        method=nth.cases(*[(str(nth), method) for nth, method in enumerate(ranked)]),
        confidence=nth.cases(*[(str(nth), number(sure[method])) for nth, method in enumerate(ranked)]),
        trait=best["least"].substr(1),
    )


def _output_columns(linked: ibis.Table) -> ibis.Table:
    matched = ~linked["too_large"] & linked["method"].notnull()
    reason = ibis.cases(
        (linked["tangled"].notnull(), ibis.literal("chain of matches too long to follow")),
        (linked["too_large"], ibis.literal("cluster of ") + linked["size"].cast("string") + " records"),
        (linked["contested"].notnull(), ibis.literal("two records of ") + linked["system"] + " would be one"),
        (linked["conflict"].notnull(), ibis.literal("shared inbox")),
    )
    group = ibis.coalesce(linked["group"].cast("string"), linked["email"])
    return linked.select(
        "source",
        "record_id",
        "customer_id",
        "first_seen",
        "aliases",
        "email",
        match_method=ibis.ifelse(matched, linked["method"], "alone"),
        match_confidence=ibis.ifelse(matched, linked["confidence"], number(1)),
        evidence=ibis.ifelse(matched, linked["trait"], ibis.null("string")),
        held_back=reason.notnull(),
        held_back_group=ibis.cases((reason.notnull(), group.hexdigest("sha256").substr(0, 16))),
        reason=reason,
    )


def _shared_inbox_conflicts(clustered: ibis.Table, customers: ibis.Table, rules: Identity) -> ibis.Table:
    """Return [email]: shared inboxes with more than one customer behind them."""
    behind = clustered.filter(normalise.is_shared_inbox(clustered["email"], rules)).join(customers.view(), "label")
    inboxes = behind.group_by("email").agg(customers=behind["customer_id"].nunique())
    return inboxes.filter(inboxes["customers"] > 1).select("email")


TABLE = DailyTable(
    "identity/links",
    CONTRACT,
    inputs={
        "records": person_records.TABLES,
        "previous": PreviousDay("identity/links"),
        "policy": current_policy,
        "decided": decisions.decisions_of_home,
    },
    rule=table,
    eager=lambda values: bool(decisions.splits(values["decided"])),  # which are resolved by the rows of the day
)
