"""Addresses and domains in the form in which they are compared."""

import random
from collections.abc import Callable

import ibis
import pytest

from gtm_platform.identity import normalise
from gtm_platform.policy import policy
from gtm_platform_tests.tables import rows_as_table, rows_of


def computed(rule: Callable[[ibis.ir.StringValue], ibis.Value], value: str | None) -> object:
    table = rows_as_table(ibis.schema({"raw": "string"}), [{"raw": value}])
    return rows_of(table.select(normalised=rule(table["raw"])))[0]["normalised"]


@pytest.mark.faults("P15")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("dana@acme.example", "dana@acme.example"),
        ("  Dana.Reed@ACME.Example ", "dana.reed@acme.example"),
        ("dana+billing@acme.example", "dana@acme.example"),
        ("dana+a+b@acme.example", "dana@acme.example"),
        ("D.a.n.a+x@googlemail.com", "dana@gmail.com"),
        ("da.na@gmail.com", "dana@gmail.com"),
        ("Dana+Billing@Outlook.com", "dana@outlook.com"),
        ("dana+billing@yahoo.com", "dana+billing@yahoo.com"),
        ("Dana+Billing@GMX.de", "dana+billing@gmx.de"),
        ("da.na@outlook.com", "da.na@outlook.com"),
        ("+tag@acme.example", None),
        ("not an address", None),
        ("dana@localhost", None),
        ("two@at@acme.example", None),
        ("\u200bdana@acme.example\u00a0", "dana@acme.example"),
        ("\u202edana\x00@acme\u00ad.example\ufeff", "dana@acme.example"),
        ("rene\u0301@acme.example", "ren\u00e9@acme.example"),
        ("da\u00a0na@acme.example", None),
        ("da\nna@acme.example", None),
        ("", None),
        (None, None),
    ],
)
def test_email(raw: str | None, expected: str | None) -> None:
    assert computed(normalise.email, raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("acme.example", "acme.example"),
        ("https://www.Acme.example/pricing?x=1", "acme.example"),
        ("http://acme.example:8080", "acme.example"),
        ("app.acme.example/", "app.acme.example"),
        ("nowhere", None),
        ("", None),
        (None, None),
    ],
)
def test_site(raw: str | None, expected: str | None) -> None:
    assert computed(normalise.site, raw) == expected


def test_what_is_plain_comes_out_as_by_a_careful_look() -> None:
    draw = random.Random(5)
    signs = [
        "a",
        "Z",
        "7",
        ".",
        "-",
        "_",
        "+",
        "@",
        "@",
        "www.",
        "gmail.com",
        "googlemail.com",
        " ",
        "acme.example",
        "\u0130",
    ]
    raws = ["".join(draw.choices(signs, k=draw.randint(1, 7))) for _ in range(20_000)]
    table = rows_as_table(ibis.schema({"raw": "string"}), [{"raw": raw} for raw in raws])
    visible = normalise._visible(table["raw"])
    both = table.select(
        "raw",
        plain=table["raw"].re_search(normalise.PLAIN_EMAIL) | table["raw"].re_search(normalise.PLAIN_SITE),
        emails=ibis.array([normalise.email(table["raw"]), normalise._address_in(visible)]),
        sites=ibis.array([normalise.site(table["raw"]), normalise._host_in(visible)]),
    )
    rows = rows_of(both)
    assert sum(row["plain"] for row in rows) > 1_000
    assert [row for row in rows if row["emails"][0] != row["emails"][1] or row["sites"][0] != row["sites"][1]] == []


def test_shared_inboxes_and_free_mail() -> None:
    rules = policy().identity
    assert computed(lambda v: normalise.is_shared_inbox(v, rules), "billing@acme.example") is True
    assert computed(lambda v: normalise.is_shared_inbox(v, rules), "billings@acme.example") is False
    assert computed(normalise.domain, "dana@acme.example") == "acme.example"
    assert computed(lambda v: normalise.is_free_mail(v, rules), "gmail.com") is True
    assert computed(lambda v: normalise.is_free_mail(v, rules), "acme.example") is False
