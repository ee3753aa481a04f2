"""Which pairs of records are worth a look: those that share a rare piece, or two frequent ones. Linear in the records.

Nobody writes rules: an atom (a value, or a piece of one) that few records have is a key by itself; of the atoms that
many have, each pair that one record has is a key, as long as few records have that pair.
"""

from collections.abc import Mapping

from gtm_platform.identity.matching.engine import Engine, number_of
from gtm_platform.identity.matching.roles import Role

LARGEST_BLOCK = 50  # records that may share a key


def block(engine: Engine, roles: Mapping[str, Role], *, two_sides: bool) -> int:
    """Make `pairs` [a, b], a < b, of the table `records`; return how many there are."""
    engine.execute(
        f"create table atoms as select row, hash(atom) as atom "
        f"from (select row, unnest({_atoms(roles)}) as atom from records) where atom is not null"
    )
    engine.execute(
        "create table counted_atoms as select row, atom, records from atoms "
        "join (select atom, count(*) as records from atoms group by atom having count(*) > 1) using (atom)"
    )
    engine.execute(f"""
        create table keys as
        select row, atom as key from counted_atoms where records <= {LARGEST_BLOCK}
        union all
        select x.row, hash(x.atom, y.atom) from counted_atoms x join counted_atoms y
          on x.row = y.row and x.atom < y.atom and x.records > {LARGEST_BLOCK} and y.records > {LARGEST_BLOCK}
    """)
    engine.execute(f"""
        create table shared_keys as select key, row from keys
        semi join (select key from keys group by key having count(*) between 2 and {LARGEST_BLOCK}) using (key)
    """)
    sides = "join records l on l.row = x.row join records r on r.row = y.row" if two_sides else ""
    engine.execute(f"""
        create table pairs as select distinct x.row as a, y.row as b
        from shared_keys x join shared_keys y on x.key = y.key and x.row < y.row
        {sides} {"where l.side <> r.side" if two_sides else ""}
    """)
    for table in ("atoms", "counted_atoms", "keys", "shared_keys"):
        engine.execute(f"drop table {table}")
    return int(number_of(engine, "select count(*) from pairs"))


def _atoms(roles: Mapping[str, Role]) -> str:
    """Return the SQL of a record's atoms; those of all name columns are of one kind, so that swapped names meet."""
    names = ", ".join(column for column, role in roles.items() if role is Role.NAME)
    every = [
        f"list_transform(list_filter(string_split(concat_ws(' ', {names}), ' '), lambda w: length(w) >= 2),"
        " lambda w: 'name ' || left(w, 4))"
    ] * bool(names)
    every += [f"[{', '.join(atoms)}]" for column, role in roles.items() if (atoms := _atoms_of(column, role))]
    return f"list_distinct(flatten([{', '.join(every)}]))" if every else "[]::varchar[]"


def _atoms_of(column: str, role: Role) -> list[str]:
    if role is Role.DATE:
        return [f"'date ' || {column}", f"'month ' || left({column}, 6)", f"'day ' || left({column}, 4) || substr({column}, 7, 2)"]  # fmt: skip  # noqa: E501
    if role is Role.EMAIL:
        return [f"'mail ' || {column}", f"'local ' || left(split_part({column}, '@', 1), 5)"]
    if role is Role.PHONE:
        return [f"'{column} ' || {column}", f"'{column}- ' || right({column}, 4)"]
    if role in (Role.CODE, Role.ID):
        return [f"'{column} ' || {column}", f"'{column}- ' || left({column}, 4)"]
    if role in (Role.COMPANY, Role.PLACE, Role.ADDRESS):
        return [f"'{column} ' || left({column}, 6)"]
    return [f"'{column} ' || {column}"] if role is Role.NUMBER else []
