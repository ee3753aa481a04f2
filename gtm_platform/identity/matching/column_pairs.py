"""Which columns of two tables are the same: by their headers, else by role and by the values they have in common."""

from collections.abc import Mapping, Sequence

from gtm_platform.identity.matching.roles import Role, detect, words

Columns = Mapping[str, Sequence[str | None]]

UNMISTAKABLE = (Role.EMAIL, Role.DATE, Role.PHONE, Role.COMPANY, Role.CODE)  # a table usually has one of each
TEXTS = {Role.NAME, Role.COMPANY, Role.PLACE}  # where both tables have no more than such a column, it is one
LEAST_OVERLAP = 0.02  # of the values of the shorter column, those that the other has, too
WHOLE_NAME = "whole name"


def in_common(left: Columns, right: Columns) -> tuple[dict[str, list[str | None]], dict[str, list[str | None]]]:
    """Return the columns that both tables have, under the header of the left one, in one order."""
    pairs = _by_header(left, right)
    rest_left = {name: column for name, column in left.items() if name not in pairs}
    rest_right = {name: column for name, column in right.items() if name not in pairs.values()}
    pairs |= _by_values(rest_left, rest_right)
    ours = {name: list(left[name]) for name in pairs}
    theirs = {name: list(right[other]) for name, other in pairs.items()}
    _with_whole_names(ours, theirs, left, right, pairs)
    return ours, theirs


def _by_header(left: Columns, right: Columns) -> dict[str, str]:
    named = {words(name): name for name in right}
    return {name: named[words(name)] for name in left if words(name) in named}


def _by_values(left: Columns, right: Columns) -> dict[str, str]:
    """Pair columns of one role, those first that have most in common."""
    roles_left, roles_right = detect(left).compared, detect(right).compared
    overlaps = [
        (_overlap(left[a], right[b]), a, b)
        for a, role in roles_left.items()
        for b, other in roles_right.items()
        if role is other or Role.PLACE in (role, other)
    ]
    if len(roles_left) == len(roles_right) == 1 and {*roles_left.values(), *roles_right.values()} <= TEXTS:
        return dict(zip(roles_left, roles_right, strict=True))
    pairs: dict[str, str] = {}
    for overlap, a, b in sorted(overlaps, key=lambda triple: (-triple[0], triple[1], triple[2])):
        alone = roles_left[a] in UNMISTAKABLE and _only(roles_left, a) and _only(roles_right, b)
        if a not in pairs and b not in pairs.values() and (overlap >= LEAST_OVERLAP or alone):
            pairs[a] = b
    return pairs


def _only(roles: Mapping[str, Role], name: str) -> bool:
    return sum(role is roles[name] for role in roles.values()) == 1


def _overlap(left: Sequence[str | None], right: Sequence[str | None]) -> float:
    ours, theirs = ({value.lower() for value in column if value} for column in (left, right))
    return len(ours & theirs) / max(1, min(len(ours), len(theirs)))


def _with_whole_names(
    ours: dict[str, list[str | None]],
    theirs: dict[str, list[str | None]],
    left: Columns,
    right: Columns,
    pairs: Mapping[str, str],
) -> None:
    """Where one table has a name whole and the other in parts, and neither is paired, compare it whole."""
    rest_left, rest_right = (
        [name for name, role in detect(table).compared.items() if role is Role.NAME and name not in paired]
        for table, paired in ((left, pairs.keys()), (right, list(pairs.values())))
    )
    if rest_left and rest_right and (len(rest_left) == 1) != (len(rest_right) == 1):
        ours[WHOLE_NAME] = _joined([left[name] for name in rest_left])
        theirs[WHOLE_NAME] = _joined([right[name] for name in rest_right])


def _joined(columns: Sequence[Sequence[str | None]]) -> list[str | None]:
    return [" ".join(part for part in parts if part) or None for parts in zip(*columns, strict=True)]
