"""What a column is, by its header and its values."""

import pytest

from gtm_platform.identity.matching.roles import Role, detect, record_id_of, words

VALUES = {
    Role.NAME: ["Ada", "Bruno", "Carla"],
    Role.DATE: ["1980-02-11", "1975-12-30", "1999-01-01"],
    Role.EMAIL: ["a@x.example", "b@x.example", "c@y.example"],
    Role.PHONE: ["+1 555 0100", "555-0101", "(555) 0102"],
    Role.CODE: ["10115", "SW1A 1AA", "75001"],
    Role.COMPANY: ["Acme Inc", "Beta GmbH", "Gamma"],
    Role.PLACE: ["Lund", "Paris", "Ulm"],
    Role.ADDRESS: ["1 Main St", "2 High St", "3 Low St"],
    Role.NUMBER: ["1", "22", "3"],
    Role.CATEGORY: ["m", "f", "m"],
    Role.ID: ["123456", "765432", "998877"],
}


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("given_name", Role.NAME),
        ("Surname", Role.NAME),
        ("lastName", Role.NAME),
        ("Vorname", Role.NAME),
        ("dob", Role.DATE),
        ("Date of birth", Role.DATE),
        ("E-Mail", Role.EMAIL),
        ("mobile phone", Role.PHONE),
        ("postcode", Role.CODE),
        ("PLZ", Role.CODE),
        ("companyName", Role.COMPANY),
        ("employer", Role.COMPANY),
        ("birth_place", Role.PLACE),
        ("suburb", Role.PLACE),
        ("address_1", Role.ADDRESS),
        ("street", Role.ADDRESS),
        ("street_number", Role.NUMBER),
        ("gender", Role.CATEGORY),
        ("state", Role.CATEGORY),
        ("soc_sec_id", Role.ID),
    ],
)
def test_a_header_says_what_its_column_is(header: str, role: Role) -> None:
    assert detect({header: VALUES[role]}).compared == {header: role}


def test_values_win_where_their_shape_is_sure() -> None:
    roles = detect({"contact": VALUES[Role.EMAIL], "geboren am": ["11.02.1980", "30.12.1975", "1.1.1999"]}).compared
    assert roles == {"contact": Role.EMAIL, "geboren am": Role.DATE}


def test_columns_that_say_nothing_are_left_out_with_the_reason() -> None:
    ignored = detect(
        {
            "cluster": ["1", "2", "3"],
            "created_at": VALUES[Role.DATE],
            "empty": [None, None, None],
            "country": ["DE", "DE", "DE"],
            "n": ["2", "1", "3"],
            "remark": ["long words " * 20] * 2 + ["short"],
            "name": VALUES[Role.NAME],
        }
    )
    assert list(ignored.compared) == ["name"]
    assert list(ignored.ignored) == ["cluster", "created_at", "empty", "country", "n", "remark"]


def test_the_column_that_names_the_records_is_unique_and_called_so() -> None:
    columns = {"soc_sec_id": ["9", "8", "7"], "rec_id": ["a", "b", "c"], "name": ["x", "y", "z"]}
    assert record_id_of(columns) == "rec_id"
    assert record_id_of(columns | {"rec_id": ["a", "a", "c"]}) == "soc_sec_id"
    assert record_id_of({"name": ["x", "y", "z"]}) is None
    assert record_id_of({"column_1": ["0", "1", "2"], "name": ["x", "y", "z"]}) == "column_1"
    assert record_id_of({"cluster_id": ["0", "1", "2"], "name": ["x", "y", "z"]}) is None


def test_headers_are_read_word_by_word() -> None:
    assert [words(header) for header in ("Date of birth", "dateOfBirth", " DATE-OF-BIRTH ")] == ["date_of_birth"] * 3
