"""Searching customers: the query language, pages, and what is refused."""

import httpx
import pytest
import stripe
from stripe import StripeClient

from gtm_platform.sandbox.stripe import Limits
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform_tests.sandbox.stripe_emulator.account import day, error, ids, reason, seconds


@pytest.fixture
def store(store: StripeStore) -> StripeStore:
    store.customers["cus_007"].name = "Ada King Lovelace"
    store.customers["cus_007"].metadata = {"plan": "pro", "donation-id": 'a "quoted" id'}
    store.customers["cus_008"].metadata = {"plan": "Free"}
    store.customers["cus_009"].email = None
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('email:"user7@acme.example"', ["cus_007"]),
        ("email:'USER7@acme.example'", ["cus_007"]),
        ('email:"user7@acme"', []),
        ('email~"r22@acme"', ["cus_022"]),
        ("email:null", ["cus_009"]),
        ('name:"ada king"', ["cus_007"]),
        ('name:"king ada"', []),
        ('name~"velac"', ["cus_007"]),
        ('metadata["plan"]:"free"', ["cus_008"]),
        ("metadata['plan']:'pro'", ["cus_007"]),
        (r'metadata["donation-id"]:"a \"quoted\" id"', ["cus_007"]),
        ('-metadata["plan"]:null', ["cus_008", "cus_007"]),
        (f"created>{seconds(day(21))}", [f"cus_{number}" for number in range(229, 219, -1)]),
        (f"created>={seconds(day(22))} AND name~'User 22'", [f"cus_{number}" for number in range(229, 219, -1)]),
        (f'created:{seconds(day(0))} email~"user1@"', ["cus_001"]),
        (f'created<"{seconds(day(1))}" and -metadata["plan"]:"pro" and name:"Ada"', []),
        ('email:"user3@acme.example" OR email:"user12@acme.example"', ["cus_012", "cus_003"]),
        ('email:"user5@acme.example"', []),  # deleted
    ],
)
def test_queries(raw: httpx.Client, query: str, expected: list[str]) -> None:
    assert ids(raw.get("/customers/search", params={"query": query})) == expected


def test_the_official_client_pages_through_the_result(client: StripeClient) -> None:
    pages = client.v1.customers.search({"query": "created>0", "limit": 100, "expand": ["total_count"]})
    shown = pages.to_dict(recursive=False)
    assert (shown["object"], shown["total_count"], shown["has_more"]) == ("search_result", 229, True)
    customers = list(pages.auto_paging_iter())
    assert len({customer.id for customer in customers}) == len(customers) == 229


def test_the_last_page_names_no_next_one(raw: httpx.Client) -> None:
    answer = raw.get("/customers/search", params={"query": 'name:"Ada"'}).json()
    assert answer["next_page"] is None
    assert sorted(answer) == ["data", "has_more", "next_page", "object", "url"]


def test_what_was_found_can_be_expanded(raw: httpx.Client) -> None:
    params = {"query": 'name:"Ada"', "expand[]": "data.sources"}
    assert raw.get("/customers/search", params=params).json()["data"][0]["sources"]["data"] == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "unable to parse"),
        ("name:Ada", "unable to parse"),
        ('name:"Ada" AND', "unable to parse"),
        ('(name:"Ada")', "unable to parse"),
        ('shoe_size:"44"', "Field `shoe_size` is an unsupported search field for resource `customers`"),
        ('metadata:"pro"', "Field `metadata` is an unsupported search field"),
        ('name>"Ada"', "operator `>` is not supported on the field `name`"),
        ('metadata["plan"]~"pro"', "operator `~` is not supported"),
        ('name~"Ad"', "at least 3 characters"),
        ('created>"yesterday"', "needs a number"),
        ('name:"a" AND name:"b" OR name:"c"', "both AND and OR"),
    ],
)
def test_a_query_that_stripe_does_not_take(client: StripeClient, query: str, message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message.replace("(", r"\(")):
        client.v1.customers.search({"query": query})


def test_a_search_needs_a_query_and_its_own_pages(raw: httpx.Client) -> None:
    assert error(raw.get("/customers/search")).param == "query"
    assert error(raw.get("/customers/search", params={"query": "created>0", "page": "2"})).param == "page"


@pytest.mark.parametrize("limits", [Limits(search=1, now=lambda: 0.0)])
def test_searches_have_a_limit_of_their_own(client: StripeClient) -> None:
    client.v1.customers.search({"query": "created>0"})
    client.v1.customers.list()
    with pytest.raises(stripe.RateLimitError) as raised:
        client.v1.customers.search({"query": "created>0"})
    assert reason(raised.value) == "endpoint-rate"
