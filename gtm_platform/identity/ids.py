"""Which id a cluster of records has: the oldest that any of its members had the day before, else a new one."""

from collections.abc import Sequence

import ibis

from gtm_platform.identity.decisions import keys_of
from gtm_platform.identity.person_records import UNKNOWN_AGE, named, node
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.literals import NO_TEXTS


def assigned(
    members: ibis.Table, gone: ibis.Table, previous: ibis.Table, day: Day, set_free: Sequence[str] = ()
) -> ibis.Table:
    """Return [label, customer_id, first_seen, aliases] of each cluster.

    `members` are the records of the day, each with the `label` of its cluster, `gone` [label, node] those merged into
    one of them; `previous` are the links of the newest day before. `set_free` names records that a person took out of
    a customer: the id that they had before they went into it is theirs again.
    """
    records = members.select("label", "node", "created").union(gone.mutate(created=ibis.literal(UNKNOWN_AGE)))
    kept = _kept(_claims(records, previous))
    if not set_free:
        return kept.view().union(_new(members.anti_join(kept.view(), "label"), previous, day))
    own = _own_again(members.anti_join(kept.view(), "label"), previous, set_free, day).view()
    new = _new(members.anti_join(kept.view(), "label").anti_join(own, "label"), previous, day)
    return _without_alias(kept.view(), own).union(own.select(*CLAIM)).union(new)


CLAIM = ("label", "customer_id", "first_seen", "aliases")

# Nearly every id has its records in one cluster, and nearly every cluster one id: only the others are put in order.


def _claims(records: ibis.Table, previous: ibis.Table) -> ibis.Table:
    """Return [label, customer_id, first_seen, aliases]: each id of before goes where its records are.

    Where they went apart, it stays with the record that it is made of, else with the oldest.
    """
    former = previous.mutate(node=node(previous["source"], previous["record_id"]))
    placed = former.join(records, "node").view()
    each = placed.group_by("customer_id").agg(
        label=placed["label"].min(),
        last=placed["label"].max(),
        first_seen=placed["first_seen"].min(),
        aliases=placed["aliases"].arbitrary(),
    )
    split_ids = placed.view().semi_join(each.filter(each["label"] != each["last"]), "customer_id")
    split_ids = split_ids.mutate(namesake=_hashed(named(split_ids["source"], split_ids["record_id"])))
    made_of_it = split_ids["namesake"] == split_ids["customer_id"]
    order = ibis.row_number().over(
        group_by="customer_id", order_by=[made_of_it.desc(), "created", "source", "record_id"]
    )
    oldest = split_ids.mutate(nth=order).filter(lambda t: t["nth"] == 0)
    return each.filter(each["label"] == each["last"]).select(*CLAIM).union(oldest.select(*CLAIM))


def _kept(claims: ibis.Table) -> ibis.Table:
    """Return the oldest of the ids that a cluster has a claim on; the younger ones become its aliases."""
    labels_with_several_ids = claims.group_by("label").having(claims.count() > 1).agg()
    order = ibis.row_number().over(group_by="label", order_by=["first_seen", "customer_id"])
    several = claims.view().semi_join(labels_with_several_ids, "label").mutate(nth=order)
    merged = several.group_by("label").agg(
        customer_id=several["customer_id"].max(where=several["nth"] == 0),
        first_seen=several["first_seen"].min(),
        younger=several["customer_id"].collect(where=several["nth"] > 0),
        older=several["aliases"].collect().flatten(),
    )
    aliases = ibis.coalesce(merged["younger"], NO_TEXTS).concat(ibis.coalesce(merged["older"], NO_TEXTS)).sort()
    merged = merged.select("label", "customer_id", "first_seen", aliases=aliases)
    return claims.view().anti_join(labels_with_several_ids, "label").union(merged)


def _own_again(members: ibis.Table, previous: ibis.Table, set_free: Sequence[str], day: Day) -> ibis.Table:
    """Return of clusters that were set free the id that their oldest record makes, where it was theirs.

    It was, if it is an alias of the customer that they belonged to the day before; `former` is that customer.
    """
    freed = members.semi_join(members.filter(keys_of(members).isin(set_free)).select("label"), "label")
    former = previous.mutate(node=node(previous["source"], previous["record_id"]))
    belonged = former.join(freed.select("label", "node"), "node")
    aliases = belonged.select("label", former=belonged["customer_id"], customer_id=belonged["aliases"].unnest())
    own = _founders(freed).join(aliases.distinct(), ["label", "customer_id"])
    return own.select("label", "customer_id", "former", first_seen=as_scalar(day), aliases=NO_TEXTS)


def _without_alias(customers: ibis.Table, own: ibis.Table) -> ibis.Table:
    """Return the customers without the aliases that are customers again."""
    given_back = own.group_by(own_of="former").agg(back=own["customer_id"].collect()).rename(customer_id="own_of")
    joined = customers.left_join(given_back.view(), "customer_id").drop("customer_id_right")
    back = ibis.coalesce(joined["back"], NO_TEXTS)
    return joined.select(
        "label", "customer_id", "first_seen", aliases=joined["aliases"].filter(lambda alias: ~back.contains(alias))
    )


def _founders(members: ibis.Table) -> ibis.Table:
    """Return [label, name, customer_id]: the oldest record of each cluster, and the id that it makes."""
    name = named(members["source"], members["record_id"])
    founder = ibis.struct({"created": members["created"], "name": name}).min()
    new = members.group_by("label").agg(founder=founder)
    return new.select("label", name=new["founder"]["name"]).mutate(customer_id=lambda t: _hashed(t["name"]))


def _new(members: ibis.Table, previous: ibis.Table, day: Day) -> ibis.Table:
    """Make an id of the cluster's oldest record, with the day in it where that id once went to somebody else."""
    new = _founders(members).view()
    aliases = previous.select(customer_id=previous["aliases"].unnest())
    used = previous.select("customer_id").union(aliases)
    taken = used.semi_join(new, "customer_id").distinct().mutate(taken=True)
    new = new.view().left_join(taken, "customer_id")
    again = _hashed(new["name"] + " " + as_scalar(day).cast("string"))
    return new.select(
        "label",
        customer_id=ibis.ifelse(new["taken"].notnull(), again, new["customer_id"]),
        first_seen=as_scalar(day),
        aliases=NO_TEXTS,
    )


def _hashed(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return ibis.literal("cus_") + text.hexdigest("sha256").substr(0, 16)
