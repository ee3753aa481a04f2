"""Which id a cluster of records has: the oldest that any of its members had the day before, else a new one."""

import ibis

from gtm_platform.identity.person_records import UNKNOWN_AGE
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.literals import NO_TEXTS

CUSTOMER, COMPANY = "cus_", "com_"  # how ids begin


def assigned(
    members: ibis.Table,
    gone: ibis.Table | None,
    previous: ibis.Table,
    day: Day,
    set_free: ibis.Table | None = None,
    begin: str = CUSTOMER,
) -> ibis.Table:
    """Return [label, id, first_seen, aliases] of each cluster.

    `members` are [label, node, name, created], the records of the day, each with the `label` of its cluster, the number
    and the name that it has on every day; `gone` are [label, node] of those merged into one of them. `previous` are
    [node, name, id, first_seen, aliases] of the newest day before. `set_free` are the members that a person took out of
    a customer or company: the id that they had before they went into it is theirs again.
    """
    records = members.select("label", "node", "created")
    if gone is not None:
        records = records.union(gone.mutate(created=ibis.literal(UNKNOWN_AGE)))
    kept = _kept(_claims(records, previous, begin))
    if set_free is None:
        return kept.view().union(_new(members.anti_join(kept.view(), "label"), previous, day, begin))
    freed = members.anti_join(kept.view(), "label").semi_join(set_free.select("label").view(), "label")
    own = _own_again(freed, previous, day, begin).view()
    new = _new(members.anti_join(kept.view(), "label").anti_join(own, "label"), previous, day, begin)
    return _without_alias(kept.view(), own).union(own.select(*CLAIM)).union(new)


CLAIM = ("label", "id", "first_seen", "aliases")

# Nearly every id has its records in one cluster, and nearly every cluster one id: only the others are put in order.


def _claims(records: ibis.Table, previous: ibis.Table, begin: str) -> ibis.Table:
    """Return [label, id, first_seen, aliases]: each id of before goes where its records are.

    Where they went apart, it stays with the record that it is made of, else with the oldest.
    """
    joined = previous.view().join(records, "node")
    placed = joined.view()
    each = placed.group_by("id").agg(
        label=placed["label"].min(),
        last=placed["label"].max(),
        first_seen=placed["first_seen"].min(),
        aliases=placed["aliases"].arbitrary(),
    )
    split_ids = joined.view().semi_join(each.view().filter(lambda t: t["label"] != t["last"]), "id")
    split_ids = split_ids.mutate(namesake=_hashed(split_ids["name"], begin))
    made_of_it = split_ids["namesake"] == split_ids["id"]
    order = ibis.row_number().over(group_by="id", order_by=[made_of_it.desc(), "created", "name"])
    oldest = split_ids.mutate(nth=order).filter(lambda t: t["nth"] == 0)
    return each.view().filter(lambda t: t["label"] == t["last"]).select(*CLAIM).union(oldest.select(*CLAIM))


def _kept(claims: ibis.Table) -> ibis.Table:
    """Return the oldest of the ids that a cluster has a claim on; the younger ones become its aliases."""
    labels_with_several_ids = claims.group_by("label").having(claims.count() > 1).agg()
    order = ibis.row_number().over(group_by="label", order_by=["first_seen", "id"])
    several = claims.view().semi_join(labels_with_several_ids, "label").mutate(nth=order)
    merged = several.group_by("label").agg(
        id=several["id"].max(where=several["nth"] == 0),
        first_seen=several["first_seen"].min(),
        younger=several["id"].collect(where=several["nth"] > 0),
        older=several["aliases"].collect().flatten(),
    )
    aliases = ibis.coalesce(merged["younger"], NO_TEXTS).concat(ibis.coalesce(merged["older"], NO_TEXTS)).sort()
    merged = merged.select("label", "id", "first_seen", aliases=aliases)
    return claims.view().anti_join(labels_with_several_ids, "label").union(merged)


def _own_again(freed: ibis.Table, previous: ibis.Table, day: Day, begin: str) -> ibis.Table:
    """Return of clusters that were set free the id that their oldest record makes, where it was theirs.

    It was, if it is an alias of what they belonged to the day before; `former` is that customer or company.
    """
    belonged = previous.join(freed.select("label", "node"), "node")
    aliases = belonged.select("label", former=belonged["id"], id=belonged["aliases"].unnest())
    own = _founders(freed, begin).join(aliases.distinct(), ["label", "id"])
    return own.select("label", "id", "former", first_seen=as_scalar(day), aliases=NO_TEXTS)


def _without_alias(customers: ibis.Table, own: ibis.Table) -> ibis.Table:
    """Return the customers without the aliases that are customers again."""
    given_back = own.group_by(own_of="former").agg(back=own["id"].collect()).rename(id="own_of")
    joined = customers.left_join(given_back.view(), "id").drop("id_right")
    back = ibis.coalesce(joined["back"], NO_TEXTS)
    return joined.select(
        "label", "id", "first_seen", aliases=joined["aliases"].filter(lambda alias: ~back.contains(alias))
    )


def _founders(members: ibis.Table, begin: str) -> ibis.Table:
    """Return [label, name, id]: the oldest record of each cluster, and the id that it makes."""
    founder = ibis.struct({"created": members["created"], "name": members["name"]}).min()
    new = members.group_by("label").agg(founder=founder)
    return new.select("label", name=new["founder"]["name"]).mutate(id=lambda t: _hashed(t["name"], begin))


def _new(members: ibis.Table, previous: ibis.Table, day: Day, begin: str) -> ibis.Table:
    """Make an id of the cluster's oldest record, with the day in it where that id once went to somebody else."""
    new = _founders(members, begin).view()
    aliases = previous.select(id=previous["aliases"].unnest())
    used = previous.select("id").union(aliases)
    taken = used.semi_join(new, "id").distinct().mutate(taken=True)
    new = new.view().left_join(taken, "id")
    again = _hashed(new["name"] + " " + as_scalar(day).cast("string"), begin)
    return new.select(
        "label",
        id=ibis.ifelse(new["taken"].notnull(), again, new["id"]),
        first_seen=as_scalar(day),
        aliases=NO_TEXTS,
    )


def _hashed(text: ibis.ir.StringValue, begin: str) -> ibis.ir.StringValue:
    return ibis.literal(begin) + text.hexdigest("sha256").substr(0, 16)
