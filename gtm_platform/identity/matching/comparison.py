"""How two values of a column are compared: ordered levels of likeness per role, each a condition in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

from gtm_platform.identity.matching.roles import Role

# What colleagues and families have in common: two people of one house may share all of it, of an e-mail address the
# domain, or all of it where it is an inbox of the house.
SHARED_BY_A_HOUSE = (
    Role.COMPANY, Role.PLACE, Role.ADDRESS, Role.PHONE, Role.CODE, Role.CATEGORY, Role.NUMBER, Role.EMAIL,
)  # fmt: skip
SHARED_BY_NAMESAKES = (Role.NAME, Role.EMAIL)
ABSENT = -1  # the level of a pair of which one has no value: no evidence either way


@dataclass(frozen=True)
class ComparedColumn:
    """A column with its levels: conditions over a pair, best first, the first being equality.

    A pair's level is a number: equality is the highest, that no condition holds is 0.
    """

    name: str
    role: Role
    levels: tuple[str, ...]
    swapped: bool = False  # the second level is that two name columns stand in each other's place

    @property
    def top(self) -> int:
        """The level of equal values."""
        return len(self.levels)

    def level(self) -> str:
        """Return the SQL of a pair's level."""
        left, right = f"l.{self.name}", f"r.{self.name}"
        cases = " ".join(f"when {condition} then {self.top - nth}" for nth, condition in enumerate(self.levels))
        return f"(case when {left} is null or {right} is null then {ABSENT} {cases} else 0 end)::tinyint"


def compared_columns(roles: dict[str, Role], names: Sequence[str]) -> list[ComparedColumn]:
    """Return the columns with their levels; two in `names` may stand in each other's place."""
    columns = []
    for column, role in roles.items():
        other = next((name for name in names if name != column), None) if len(names) == 2 and column in names else None
        levels = _levels(column, role)
        if other:
            levels.insert(1, _swapped(column, other))
        columns.append(ComparedColumn(column, role, tuple(levels), swapped=other is not None))
    return columns


def _swapped(column: str, other: str) -> str:
    """Both the other way round; where one is empty, the other alone."""
    a, b = f"(l.{column} = r.{other})", f"(l.{other} = r.{column})"
    return f"(coalesce({a}, {b}) and coalesce({b}, {a}))"


def _levels(column: str, role: Role) -> list[str]:
    left, right = f"l.{column}", f"r.{column}"
    equal = f"{left} = {right}"
    if role is Role.NAME:
        begins = f"starts_with({left}, {right}) or starts_with({right}, {left})"
        return [equal, _alike(left, right, 0.92), f"({_alike(left, right, 0.82)} or {begins})"]
    if role is Role.DATE:
        month = f"starts_with({left}, left({right}, 6)) or right({left}, 4) = right({right}, 4)"
        near = f"({month} or {_edits(left, right, 2)})"
        return [equal, _edits(left, right, 1), near, f"starts_with({left}, left({right}, 4))"]
    if role in (Role.CODE, Role.ID, Role.PHONE):
        half = f"starts_with({left}, left({right}, (least(length({left}), length({right})) // 2)::int))"
        return [equal, _edits(left, right, 1), _edits(left, right, 2), half]
    if role is Role.EMAIL:
        same_name = f"split_part({left}, '@', 1) = split_part({right}, '@', 1)"
        same_domain = f"split_part({left}, '@', 2) = split_part({right}, '@', 2)"
        return [equal, _edits(left, right, 2), f"({same_name} or {_alike(left, right, 0.92)})", same_domain]
    if role in (Role.COMPANY, Role.PLACE, Role.ADDRESS):
        near = f"({_edits(left, right, 2)} and least(length({left}), length({right})) > 5)"
        within = f"contains({left}, {right}) or contains({right}, {left})"
        close, loose = _alike(left, right, 0.92), _alike(left, right, 0.8)
        return [equal, f"({near} or {close})", f"({loose} or {within})"]
    if role is Role.NUMBER:
        return [equal, f"(least(length({left}), length({right})) > 1 and {_edits(left, right, 1)})"]
    return [equal]


def _edits(left: str, right: str, most: int) -> str:
    """Whether so many edits make one of the other; the lengths are looked at first, which costs nothing."""
    return f"(abs(length({left}) - length({right})) <= {most} and levenshtein({left}, {right}) <= {most})"


def _alike(left: str, right: str, least: float) -> str:
    return f"jaro_winkler_similarity({left}, {right}, {least}) > 0"


def comparison_of(pairs: str, columns: Sequence[ComparedColumn]) -> str:
    """Return the SQL of [a, b, level_…, share_…] of pairs: how alike, and how frequent the value."""
    parts = [f"{column.level()} as level_{column.name}" for column in columns]
    parts += [
        f"coalesce(greatest(l.share_{column.name}, r.share_{column.name}), 1)::float as share_{column.name}"
        for column in columns
    ]
    return (
        f"select p.a, p.b, {', '.join(parts)} from {pairs} p "
        "join weighed_records l on l.row = p.a join weighed_records r on r.row = p.b"
    )
