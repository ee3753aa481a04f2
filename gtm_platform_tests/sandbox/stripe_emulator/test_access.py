"""Keys, limits and the headers of every answer."""

import httpx
import pytest
import stripe
from stripe import StripeClient

from gtm_platform.sandbox.stripe import API_VERSION, TOKEN, Limits
from gtm_platform_tests.sandbox.stripe_emulator.account import a_client, reason


class TestAccess:
    def test_a_wrong_key(self, url: str) -> None:
        with pytest.raises(stripe.AuthenticationError) as raised:
            a_client(url, "sk_test_abcdefghij1234").v1.customers.list()
        assert raised.value.user_message == "Invalid API Key provided: sk_test_**********1234"
        assert raised.value.code is None
        assert httpx.get(f"{url}/v1/customers").status_code == 401

    def test_basic_authentication(self, url: str) -> None:
        assert httpx.get(f"{url}/v1/account", auth=(TOKEN, "")).status_code == 200
        assert httpx.get(f"{url}/v1/account", headers={"Authorization": "Basic %%%"}).status_code == 401

    def test_each_answer_names_its_request_and_version(self, raw: httpx.Client) -> None:
        good = raw.get("/customers", headers={"Stripe-Version": "2026-09-30.endive"})
        bad = raw.get("/customers/cus_bad")
        assert good.headers["Stripe-Version"] == "2026-09-30.endive"
        assert bad.headers["Stripe-Version"] == API_VERSION
        assert good.headers["Request-Id"] != bad.headers["Request-Id"]

    @pytest.mark.parametrize("limits", [Limits(account=3, endpoint=2, now=lambda: 0.0)])
    def test_too_many_requests(self, client: StripeClient) -> None:
        client.v1.customers.list()
        client.v1.products.list()
        client.v1.customers.list()
        with pytest.raises(stripe.RateLimitError) as raised:
            client.v1.customers.list()
        assert reason(raised.value) == "global-rate"
        assert raised.value.error is not None
        assert raised.value.error.code == "rate_limit"

    @pytest.mark.parametrize("limits", [Limits(endpoint=1, now=lambda: 0.0)])
    def test_one_endpoint_too_often(self, client: StripeClient) -> None:
        client.v1.customers.retrieve("cus_001")
        client.v1.customers.list()
        with pytest.raises(stripe.RateLimitError) as raised:
            client.v1.customers.retrieve("cus_002")
        assert reason(raised.value) == "endpoint-rate"
