"""The records of a matching as tables of the engine: normal forms, and how frequent each value is."""

from collections.abc import Mapping

import pyarrow as pa

from gtm_platform.identity.matching.comparison import ComparedColumn, compared_columns
from gtm_platform.identity.matching.engine import Engine, number_of
from gtm_platform.identity.matching.normal_forms import day_first_votes, normal_form, transliterated
from gtm_platform.identity.matching.roles import Role

FIRST, LAST = "first_word", "last_word"


def load(engine: Engine, records: pa.Table, roles: Mapping[str, Role]) -> dict[str, Role]:
    """Make `records` [row, key, side, hard_id, c0, c1, …] in normal forms; return the roles of c0, c1, …

    The table has the columns of the roles as texts, `key`, which differs in every row, and optionally `side` and
    `hard_id`. A row's number is its place in the order of the keys.
    """
    columns = {f"c{n}": role for n, role in enumerate(roles.values())}
    raw = {name: transliterated(records[column]) for name, column in zip(columns, roles, strict=True)}
    absent = pa.nulls(len(records), pa.string())
    raw |= {"key": records["key"]}
    raw |= {name: records[name] if name in records.column_names else absent for name in ("side", "hard_id")}
    engine.register("raw_records", pa.table(raw))
    day_first = {
        (name, side): number_of(engine, _votes(name, side)) > 0
        for name, role in columns.items()
        if role is Role.DATE
        for side in _sides(engine)
    }
    forms = [f"{_form(name, role, day_first)} as {name}" for name, role in columns.items()]
    engine.execute(f"""
        create table records as
        select (row_number() over (order by key) - 1)::int as row, key, side, hard_id, {", ".join(forms)}
        from raw_records
    """)
    engine.unregister("raw_records")
    return columns


def _sides(engine: Engine) -> list[str | None]:
    rows = engine.execute("select distinct side from raw_records order by side").fetchall()
    return [side for (side,) in rows]


def _is_side(side: str | None) -> str:
    return "side is null" if side is None else f"side = '{side}'"


def _votes(column: str, side: str | None) -> str:
    return f"select {day_first_votes(column)} from raw_records where {_is_side(side)}"


def _form(column: str, role: Role, day_first: Mapping[tuple[str, str | None], bool]) -> str:
    """Dates are read by the custom of their side: one may begin with the day, the other with the month."""
    if role is not Role.DATE:
        return normal_form(column, role)
    customs = [(side, first) for (name, side), first in day_first.items() if name == column]
    cases = " ".join(
        f"when {_is_side(side)} then {normal_form(column, role, day_first=first)}" for side, first in customs
    )
    return f"case {cases} end" if customs else column


def compare(engine: Engine, roles: Mapping[str, Role]) -> list[ComparedColumn]:
    """Choose what is compared, and make `weighed_records`, which have the share of each value.

    A name that contains two others in most rows says nothing new. A single name is compared by its first and its last
    word, so that they may be swapped, or differ alone.
    """
    names = [name for name, role in roles.items() if role is Role.NAME]
    composed = [name for name in names if sum(_contains(engine, name, other) for other in names) > 1]
    names = [name for name in names if name not in composed]
    chosen = {name: role for name, role in roles.items() if name not in composed}
    words = ""
    if len(names) == 1:
        (name,) = names
        words = (
            f", split_part({name}, ' ', 1) as {FIRST}"
            f", case when contains({name}, ' ') then split_part({name}, ' ', -1) end as {LAST}"
        )
        names = [FIRST, LAST]
        chosen |= dict.fromkeys(names, Role.NAME)
    columns = compared_columns(chosen, names)
    shares = [
        f"case when {c.name} is not null then "
        f"count(*) over (partition by {c.name}) / (count({c.name}) over ())::double end as share_{c.name}"
        for c in columns
    ]
    engine.execute(f"create table weighed_records as select *, {', '.join(shares)} from (select *{words} from records)")
    return columns


def _contains(engine: Engine, name: str, other: str) -> bool:
    """Whether the one name has the other in it in most rows, and more besides."""
    longer = f"select avg(contains({name}, {other})::int) from records where length({name}) > length({other})"
    return name != other and number_of(engine, longer) > 0.5
