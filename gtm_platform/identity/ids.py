"""Which id a cluster of records has: the oldest that any of its members had the day before, else a new one."""

from datetime import date

import ibis

from gtm_platform.identity.records import named, node


def assigned(members: ibis.Table, gone: ibis.Table, yesterday: ibis.Table, day: date) -> ibis.Table:
    """[label, customer_id, first_seen, aliases] of each cluster. `members` are the records there are, each with the
    `label` of its cluster, `gone` [label, node] those merged into one; `yesterday` are the links of the day before."""
    there = members.select("label", "node", "created").union(gone.mutate(created=ibis.literal(2**40)))
    kept = _kept(_claims(there, yesterday))
    new = _new(members.anti_join(kept.view(), "label"), yesterday, day)
    return kept.view().union(new)


NONE: ibis.ir.ArrayScalar = ibis.literal([], type="array<string>")
CLAIM = ("label", "customer_id", "first_seen", "aliases")

# Nearly every id has its records in one cluster, and nearly every cluster one id: only the others are put in order.


def _claims(records: ibis.Table, yesterday: ibis.Table) -> ibis.Table:
    """[label, customer_id, first_seen, aliases]: each id of yesterday goes where the oldest of its records is."""
    had = yesterday.mutate(node=node(yesterday["source"], yesterday["record_id"]))
    found = had.join(records, "node").view()
    each = found.group_by("customer_id").agg(
        label=found["label"].min(),
        last=found["label"].max(),
        first_seen=found["first_seen"].min(),
        aliases=found["aliases"].arbitrary(),
    )
    split_ids = found.view().semi_join(each.filter(each["label"] != each["last"]), "customer_id")
    order = ibis.row_number().over(group_by="customer_id", order_by=["created", "source", "record_id"])
    oldest = split_ids.mutate(nth=order).filter(lambda t: t["nth"] == 0)
    return each.filter(each["label"] == each["last"]).select(*CLAIM).union(oldest.select(*CLAIM))


def _kept(claims: ibis.Table) -> ibis.Table:
    """The oldest of the ids that a cluster has a claim on; the others, and their aliases, become its aliases."""
    labels_with_several_ids = claims.group_by("label").having(claims.count() > 1).agg()
    order = ibis.row_number().over(group_by="label", order_by=["first_seen", "customer_id"])
    several = claims.view().semi_join(labels_with_several_ids, "label").mutate(nth=order)
    merged = several.group_by("label").agg(
        customer_id=several["customer_id"].max(where=several["nth"] == 0),
        first_seen=several["first_seen"].min(),
        others=several["customer_id"].collect(where=several["nth"] > 0),
        older=several["aliases"].collect().flatten(),
    )
    aliases = ibis.coalesce(merged["others"], NONE).concat(ibis.coalesce(merged["older"], NONE)).sort()
    merged = merged.select("label", "customer_id", "first_seen", aliases=aliases)
    return claims.view().anti_join(labels_with_several_ids, "label").union(merged)


def _new(members: ibis.Table, yesterday: ibis.Table, day: date) -> ibis.Table:
    """An id out of the cluster's oldest record; with the day in it where that id once went to somebody else."""
    name = named(members["source"], members["record_id"])
    founder = ibis.struct({"created": members["created"], "name": name}).min()
    new = members.group_by("label").agg(founder=founder)
    new = new.select("label", name=new["founder"]["name"]).mutate(customer_id=lambda t: _hashed(t["name"])).view()
    former = yesterday.select(customer_id=yesterday["aliases"].unnest())
    known = yesterday.select("customer_id").union(former)
    taken = known.semi_join(new, "customer_id").distinct().mutate(taken=True)
    new = new.view().left_join(taken, "customer_id")
    again = _hashed(new["name"] + f" {day}")
    return new.select(
        "label",
        customer_id=ibis.ifelse(new["taken"].notnull(), again, new["customer_id"]),
        first_seen=ibis.literal(day),
        aliases=NONE,
    )


def _hashed(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return ibis.literal("cus_") + text.hexdigest("sha256").substr(0, 16)
