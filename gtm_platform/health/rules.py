"""`health/rules`: the business rules and the code that the health of a day was made with, so that it can be explained,
and made again, after either has changed.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import ibis
from pydantic import ValidationError

import gtm_platform
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

# The code that decides what health says once the sources are read.
CODE = (
    *("core/**/*.py", "health/**/*.py", "identity/**/*.py", "lake/expressions/*.py"),
    *("ingest/feeds.py", "sources/feeds.py", "sources/*/feeds.py"),
)
KEY = "health/rules"

CONTRACT = Contract(
    {
        "policy_hash": Column(
            "string", "The business rules that the scores of the day were made with.", nullable=False
        ),
        "rules": Column("string", "Their values, as JSON.", nullable=False),
        "code_version": Column("string", "Twelve digits that change with the code of scores.", nullable=False),
        "customers": Column("int64", "How many customers were judged by them.", nullable=False),
    },
    key=("policy_hash",),
    about="The business rules that the health of the day was made with, as JSON, and the version of its code.",
)


def table(profile: ibis.Table, policy: Policy) -> ibis.Table:
    """Return the rules in force and how many customers they judge; nothing where they judge nobody."""
    judged = profile.agg(customers=profile.count(where=profile["is_customer"]))
    return judged.filter(judged["customers"] > 0).mutate(
        policy_hash=ibis.literal(policy.hash),
        rules=ibis.literal(canonical(policy)),
        code_version=ibis.literal(code_version()),
    )


def canonical(policy: Policy) -> str:
    """Return the values of the rules as JSON, from which the policy can be read again."""
    return json.dumps(policy.model_dump(mode="json"), sort_keys=True)


def read_again(rules: str) -> Policy | None:
    """Return the policy of its values as JSON; None where the rules have other keys since."""
    try:
        return Policy.model_validate_json(rules)
    except ValidationError:
        return None


@cache
def code_version() -> str:
    """Hash the code that decides what health says once the sources are read."""
    digest = hashlib.sha256()
    root = Path(gtm_platform.__file__).parent
    for path in sorted({path for pattern in CODE for path in root.glob(pattern)}):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def policy_of(lake: Lake, policy_hash: str) -> Policy | None:
    """Return the rules of a hash, in force or written down on any day; None where they are lost."""
    if policy_hash == current_policy().hash:
        return current_policy()
    query = lake.file_query(KEY, lake.files(KEY))
    with cursor() as connection, lake.naming_damage(lambda: query.files):
        rows = connection.execute(
            f"select rules from ({query.sql}) where policy_hash = {text(policy_hash)} limit 1"
        ).fetchall()
    return read_again(rows[0][0]) if rows else None


TABLE = DailyTable(KEY, CONTRACT, inputs={"profile": "core/profile", "policy": current_policy}, rule=table)
