"""`identity/links`: which customer each person record belongs to, why, how surely, and what was held back."""

from datetime import date

import ibis

from gtm_platform.identity import ids, normalise, records
from gtm_platform.identity.components import components
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.literals import number
from gtm_platform.policy import Identity, Policy

METHODS = ("email", "merged", "shared_id", "secondary_email", "alone")

CONTRACT = Contract(
    {
        "source": Column("string", "System of the record: hubspot, intercom, stripe.", nullable=False),
        "record_id": Column("string", "Id of the record there.", nullable=False),
        "customer_id": Column("string", "The customer it belongs to.", nullable=False),
        "first_seen": Column("date", "Day on which this customer_id was first given.", nullable=False),
        "aliases": Column("array<string>", "Ids that went into this customer when customers merged.", nullable=False),
        "email": Column("string", "The record's address, normalised.", personal=True),
        "match_method": Column(
            "string",
            "What ties it to another record of the customer: email, merged, shared_id, secondary_email; or alone.",
            nullable=False,
            rule=lambda v: v.isin(METHODS),
        ),
        "match_confidence": Column("float64", "0 to 1, by method.", nullable=False, rule=lambda v: v.between(0, 1)),
        "evidence": Column("string", "What was the same.", personal=True),
        "held": Column("boolean", "A match was held back and waits for a person to look at it.", nullable=False),
        "reason": Column("string", "Why it was held back."),
    },
    key=("source", "record_id"),
    about="Every person record of every source and the customer it belongs to, with the reason.",
    figures={
        "customers": lambda t: t["customer_id"].nunique(),
        "held": lambda t: t["held"].sum(),
        "alone": lambda t: (t["match_method"] == "alone").sum(),
    },
)


def table(
    hubspot: ibis.Table, intercom: ibis.Table, stripe: ibis.Table, yesterday: ibis.Table, policy: Policy, day: date
) -> ibis.Table:
    rules = policy.identity
    people = records.persons(hubspot, intercom, stripe)
    absorbed = records.absorbed(hubspot)
    shared = _shared(_traits(people, absorbed, rules))
    clustered = _clustered(people, shared, rules)
    gone = absorbed.anti_join(people, absorbed["loser"] == people["node"])
    gone = gone.join(clustered.select("label", winner="node"), "winner").select("label", node="loser").distinct()
    customers = ids.assigned(clustered.select("label", "node", "created"), gone, yesterday, day)
    linked = clustered.join(customers, "label").left_join(_best(shared, rules), "node")
    return _told(linked, rules)


def _traits(people: ibis.Table, absorbed: ibis.Table, rules: Identity) -> ibis.Table:
    """[node, trait, method]: what makes a record the same person as another that has it too."""
    mail = records.addresses(people)
    mail = mail.filter(~normalise.is_shared_inbox(mail["email"], rules))
    method = ibis.ifelse(mail["own"], "email", "secondary_email")
    by_mail = mail.select("node", trait=ibis.literal("email ") + mail["email"], method=method)
    named = people.filter(people["shared_id"].notnull())
    by_id = named.select(
        "node", trait=ibis.literal("stripe id ") + named["shared_id"], method=ibis.literal("shared_id")
    )
    there = absorbed.semi_join(people, absorbed["loser"] == people["node"])
    merge = ibis.literal("merged into ") + there["winner"]
    by_merge = ibis.union(
        *[there.select(node=side, trait=merge, method=ibis.literal("merged")) for side in ("winner", "loser")]
    )
    return ibis.union(by_mail, by_id, by_merge)


def _shared(traits: ibis.Table) -> ibis.Table:
    """The traits that more than one record has, with `first`, the one that stands for all of them. An address is
    matched as e-mail where two records have it as their own, else as somebody's secondary one."""
    same = ibis.window(group_by="trait")
    own = (traits["method"] == "email").ifelse(1, 0).sum().over(same)
    found = traits.mutate(own=own, first=traits["node"].min().over(same), last=traits["node"].max().over(same))
    weak = (found["method"] == "email") & (found["own"] < 2)
    method = ibis.ifelse(weak, "secondary_email", found["method"])
    return found.filter(found["first"] != found["last"]).select("node", "first", "trait", method=method)


def _clustered(people: ibis.Table, shared: ibis.Table, rules: Identity) -> ibis.Table:
    """The records with the `label` of their cluster; each on its own where that is too large or cannot be followed."""
    labels, tangled = components(shared.select(a="node", b="first"))
    found = people.left_join(labels, "node", rname="{name}_of_label")
    found = found.mutate(label=ibis.coalesce(found["label"], found["node"])).drop("node_of_label")
    found = found.left_join(tangled.mutate(tangled=True), "label", rname="{name}_of_tangle").drop("label_of_tangle")
    size = found.count().over(ibis.window(group_by="label"))
    found = found.mutate(size=size, too_large=(size > rules.largest_cluster) | found["tangled"].notnull())
    return found.mutate(label=ibis.ifelse(found["too_large"], found["node"], found["label"]))


def _best(shared: ibis.Table, rules: Identity) -> ibis.Table:
    """Of each record the surest thing it shares with another."""
    sure = [(method, number(value)) for method, value in rules.confidence if method in METHODS]
    best = shared.mutate(confidence=shared["method"].cases(*sure))
    order = ibis.row_number().over(group_by="node", order_by=[ibis.desc("confidence"), "trait"])
    return best.mutate(nth=order).filter(lambda t: t["nth"] == 0).select("node", "method", "confidence", "trait")


def _told(linked: ibis.Table, rules: Identity) -> ibis.Table:
    matched = ~linked["too_large"] & linked["method"].notnull()
    inbox = normalise.is_shared_inbox(linked["email"], rules).fill_null(False)
    same_mail = ibis.window(group_by="email")
    strangers = linked["customer_id"].min().over(same_mail) != linked["customer_id"].max().over(same_mail)
    reason = ibis.cases(
        (linked["tangled"].notnull(), ibis.literal("chain of matches too long to follow")),
        (linked["too_large"], ibis.literal("cluster of ") + linked["size"].cast("string") + " records"),
        (inbox & strangers, ibis.literal("shared inbox")),
    )
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
        held=reason.notnull(),
        reason=reason,
    )
