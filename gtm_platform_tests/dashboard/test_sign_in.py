"""Signing in for real: the dashboard as a process, and an OpenID provider on loopback that plays its part."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from gtm_platform.cli.processes import child_process, free_port
from gtm_platform.dashboard import process
from gtm_platform.serving import sign_in
from gtm_platform.serving.viewer import signed_in
from gtm_platform.settings import settings
from gtm_platform_tests.dashboard.test_role_pages import ACCESS, MANAGER
from gtm_platform_tests.serving.server import listening

pytest.importorskip("authlib", reason="pip install 'gtm-platform[oidc]'")
COOKIE_SECRET, CLIENT, CLIENT_SECRET = "c" * 40, "gtm", "hunter2-SECRET"
USER_COOKIE = "_streamlit_user"


@dataclass
class Provider:
    """An identity provider where one person has an account; `lies` makes its tokens wrong."""

    claims: dict[str, Any]
    url: str = ""
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    nonces: dict[str, str] = field(default_factory=dict)
    lies: bool = False

    def app(self) -> Any:
        routes = [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]
        return Starlette(routes=routes)

    async def _metadata(self, _: Request) -> JSONResponse:
        at = {
            f"{name}_endpoint": f"{self.url}/{path}"
            for name, path in (("authorization", "authorize"), ("token", "token"))
        }
        return JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                **at,
            }
        )

    async def _authorize(self, request: Request) -> RedirectResponse:
        asked = request.query_params
        assert asked["client_id"] == CLIENT
        self.nonces["code-1"] = asked["nonce"]
        return RedirectResponse(f"{asked['redirect_uri']}?code=code-1&state={asked['state']}")

    async def _token(self, request: Request) -> JSONResponse:
        form = parse_qs((await request.body()).decode())
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "17",
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonces[form["code"][0]],
            **self.claims,
        }
        key = rsa.generate_private_key(65537, 2048) if self.lies else self.key
        token = jwt.encode(claims, key, "RS256", headers={"kid": "k1"})
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    async def _keys(self, _: Request) -> JSONResponse:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse({"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]})


@dataclass
class SignedIn:
    """A dashboard that asks a provider, and the log of its process."""

    url: str
    provider: Provider
    log: Path

    def sign_in(self) -> dict[str, Any] | None:
        """Go the way of a browser; return what the dashboard believes of who has come back."""
        ticket = jwt.encode({"provider": "default", "exp": int(time.time()) + 60}, COOKIE_SECRET, "HS256")
        with httpx.Client(trust_env=False, timeout=60, transport=httpx.HTTPTransport(retries=12)) as browser:
            to_provider = browser.get(f"{self.url}/auth/login", params={"provider": ticket})
            assert to_provider.status_code == 302, to_provider.text
            assert to_provider.headers["location"].startswith(f"{self.provider.url}/authorize?")
            back = browser.get(to_provider.headers["location"])
            place = urlsplit(back.headers["location"])
            assert f"{place.scheme}://{place.netloc}{place.path}" == f"{self.url}{sign_in.CALLBACK}"
            browser.get(back.headers["location"])
            return believed(browser.cookies)


def believed(cookies: httpx.Cookies) -> dict[str, Any] | None:
    """The claims in Streamlit's signed cookie, checked with its secret."""
    from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

    value = cookies.get(USER_COOKIE)
    if not value:
        return None
    content = decode_signed_value(COOKIE_SECRET, USER_COOKIE, value.strip('"').encode())
    return dict(json.loads(content)) if content else None


@pytest.fixture(scope="module")
def dashboard(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedIn]:
    provider = Provider({"email": "sam@acme.com", "email_verified": True, "groups": ["leads"]})
    port, log = free_port(process.USUAL_PORT), tmp_path_factory.mktemp("signed") / "dashboard.log"
    with listening(provider.app()) as url, pytest.MonkeyPatch.context() as patch:  # type: ignore[arg-type]
        provider.url = url
        variables = {
            "GTM_HOME": str(home),
            "GTM_DASHBOARD_URL": process.address(port),
            "GTM_OIDC_METADATA_URL": f"{url}/.well-known/openid-configuration",
            "GTM_OIDC_CLIENT_ID": CLIENT,
            "GTM_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "GTM_OIDC_COOKIE_SECRET": COOKIE_SECRET,
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        settings.cache_clear()
        environment = {**os.environ, "NO_PROXY": "*"}
        with child_process("The dashboard", process.command(port), environment, log) as served:
            yield SignedIn(process.address(port), provider, log)
            assert served.process.poll() is None, log.read_text()
    settings.cache_clear()


@pytest.mark.faults("V2")
def test_who_has_an_account_comes_back_with_what_the_provider_vouches_for(dashboard: SignedIn) -> None:
    claims = dashboard.sign_in()
    assert claims is not None, dashboard.log.read_text()
    viewer = signed_in(claims, ACCESS)
    assert viewer is not None
    assert (viewer.role, viewer.sight.managers) == ("account_manager", (MANAGER,))
    assert CLIENT_SECRET not in dashboard.log.read_text()
    assert COOKIE_SECRET not in dashboard.log.read_text()


@pytest.mark.faults("V2")
def test_a_token_that_another_key_signed_signs_nobody_in(dashboard: SignedIn) -> None:
    dashboard.provider.lies = True
    try:
        assert dashboard.sign_in() is None
    finally:
        dashboard.provider.lies = False


@pytest.mark.faults("V2")
def test_a_cookie_that_another_secret_signed_is_none() -> None:
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    forged = create_signed_value("x" * 40, USER_COOKIE, json.dumps({"email": "sam@acme.com"}))
    cookies = httpx.Cookies({USER_COOKIE: forged.decode()})
    assert believed(cookies) is None
