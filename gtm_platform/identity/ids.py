"""Which id a cluster of records has: the oldest that any of its members had the day before, else a new one."""

from datetime import date

import ibis


def assigned(members: ibis.Table, gone: ibis.Table, yesterday: ibis.Table, day: date) -> ibis.Table:
    """[label, customer_id, first_seen, aliases] of each cluster. `members` [label, node, created] are the records there
    are, `gone` [label, node] those merged into one of them; `yesterday` are the links of the day before."""
    claims = _claims(members.union(gone.mutate(created=ibis.literal(2**40))), yesterday)
    kept = _kept(claims)
    new = _new(members, yesterday, day)
    all_ids = new.left_join(kept, "label")
    return all_ids.select(
        "label",
        customer_id=ibis.coalesce(all_ids["kept_id"], all_ids["new_id"]),
        first_seen=ibis.coalesce(all_ids["kept_first_seen"], ibis.literal(day)),
        aliases=ibis.coalesce(all_ids["kept_aliases"], NONE),
    )


NONE: ibis.ir.ArrayScalar = ibis.literal([], type="array<string>")


def _claims(records: ibis.Table, yesterday: ibis.Table) -> ibis.Table:
    """[label, customer_id, first_seen, aliases]: each id of yesterday goes where the oldest of its records is."""
    had = yesterday.select(
        "customer_id", "first_seen", "aliases", node=yesterday["source"] + ":" + yesterday["record_id"]
    )
    found = had.join(records, "node")
    order = ibis.row_number().over(group_by="customer_id", order_by=["created", "node"])
    return found.mutate(nth=order).filter(lambda t: t["nth"] == 0).drop("nth", "node", "created")


def _kept(claims: ibis.Table) -> ibis.Table:
    """The oldest of the ids that a cluster has a claim on; the others, and their aliases, become its aliases."""
    order = ibis.row_number().over(group_by="label", order_by=["first_seen", "customer_id"])
    claims = claims.mutate(nth=order)
    kept = claims.group_by("label").agg(
        kept_id=claims["customer_id"].max(where=claims["nth"] == 0),
        kept_first_seen=claims["first_seen"].min(),
        others=claims["customer_id"].collect(where=claims["nth"] > 0),
        older=claims["aliases"].collect().flatten(),
    )
    aliases = ibis.coalesce(kept["others"], NONE).concat(ibis.coalesce(kept["older"], NONE))
    return kept.select("label", "kept_id", "kept_first_seen", kept_aliases=aliases.sort())


def _new(members: ibis.Table, yesterday: ibis.Table, day: date) -> ibis.Table:
    """An id out of the cluster's oldest record; with the day in it where that id once went to somebody else."""
    founder = ibis.struct({"created": members["created"], "node": members["node"]}).min()
    new = members.group_by("label").agg(founder=founder)
    new = new.select("label", node=new["founder"]["node"])
    new = new.mutate(new_id=_hashed(new["node"]))
    former = yesterday.select(new_id=yesterday["aliases"].unnest())
    taken = yesterday.select(new_id="customer_id").union(former).distinct().mutate(taken=True)
    new = new.left_join(taken, "new_id")
    again = _hashed(new["node"] + f" {day}")
    return new.select("label", new_id=ibis.ifelse(new["taken"].notnull(), again, new["new_id"]))


def _hashed(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return ibis.literal("cus_") + text.hexdigest("sha256").substr(0, 16)
