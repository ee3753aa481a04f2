"""What GitHub and those who watch it have in common: an act of a developer has one id, whoever shows it.

A star or a fork is known by the login, of which each repository has one; an issue or a pull request by its number.
Only what identifies acts belongs here; whose company a developer is of is each source's own to say.
"""

import ibis

BY_NUMBER = ("issue", "pull_request")  # kinds of which somebody may do several
BY_LOGIN = ("star", "fork")
KINDS = (*BY_LOGIN, *BY_NUMBER)


def act_id(kind: ibis.Value | str, repository: ibis.Value, what: ibis.Value) -> ibis.Value:
    """Return the id of an act: its kind, its repository, and the login or the number."""
    prefix = ibis.literal(kind) if isinstance(kind, str) else kind
    return prefix + ":" + repository.lower() + ":" + what.cast("string").lower()
