"""Which columns are published, and which differences of columns are taken or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.publish.columns import CannotPublish, published_columns, published_key
from gtm_platform.publish.warehouse import Target, new_columns
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.marts import ACCOUNTS, COLUMNS

COLUMN_SETS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(("text", "bigint", "date")), min_size=1)


@given(COLUMN_SETS, COLUMN_SETS)
def test_columns_are_added_or_nothing_is_done(before: dict[str, str], after: dict[str, str]) -> None:
    target = Target("gtm", "accounts", (), after, ())
    is_grown = before.items() <= after.items()
    if is_grown:
        assert set(new_columns(target, before)) == after.keys() - before.keys()
    else:
        with pytest.raises(CannotPublish, match=r"alter table gtm\.accounts (rename to|drop column)"):
            new_columns(target, before)


@pytest.mark.parametrize(
    ("personal", "published"),
    [((), set()), ((f"{ACCOUNTS}.email",), {"email"}), ((f"{ACCOUNTS}.*",), {"email", "phone"})],
)
def test_personal_columns_are_published_by_policy_only(personal: tuple[str, ...], published: set[str]) -> None:
    contract = marts.declare_accounts(phone=Column("string", "To call.", personal=True))
    columns = published_columns(ACCOUNTS, contract, marts.rules(personal=personal))
    names = {column.name for column in columns}
    assert names & {"email", "phone"} == published
    assert names >= {name for name, column in COLUMNS.items() if not column.personal}
    assert {column.name for column in columns if column.is_personal} == published


@pytest.mark.parametrize("name", ["mrr", "no_such_column"])
def test_what_is_no_personal_column_is_refused(name: str) -> None:
    contract = marts.declare_accounts()
    with pytest.raises(CannotPublish, match=f"marts/accounts.{name} for gtm, which is no personal column"):
        published_columns(ACCOUNTS, contract, marts.rules(personal=(f"{ACCOUNTS}.{name}",)))


def test_a_key_that_is_personal_and_left_out_is_no_key() -> None:
    columns = {"email": Column("string", "Whose.", nullable=False, personal=True), "n": Column("int64", "How many.")}
    contract = Contract(columns, key=("email",))
    for personal, key in (((), ()), ((f"{ACCOUNTS}.email",), ("email", "as_of"))):
        rules = marts.rules(personal=personal)
        assert published_key(contract, published_columns(ACCOUNTS, contract, rules)) == key


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ({"at": Column("time", "When.")}, r"marts/accounts\.at is time, which no warehouse has a type for"),
        ({"as_of": Column("string", "When.")}, r"marts/accounts\.as_of is no date"),
    ],
)
def test_what_no_warehouse_takes_is_refused(column: dict[str, Column], sentence: str) -> None:
    with pytest.raises(CannotPublish, match=sentence):
        published_columns(ACCOUNTS, marts.declare_accounts(**column), marts.rules())
