"""What nobody should send: only 4xx with a sentence; no trace, nothing of what was sent, nothing of anybody else."""

import base64
import json
import socket
from itertools import chain
from urllib.parse import quote, urlsplit

import pytest

from gtm_platform.serving.snapshot.layout import FILTERS
from gtm_platform.serving.store import CustomerQuery
from gtm_platform_tests.serving.server import Served

MARK = "Zq7"  # in what is sent; an answer has none of it
SQL = (
    f"' or 1=1 -- {MARK}",
    f'" or ""="{MARK}',
    f"'; drop table customers; --{MARK}",
    f"{MARK}' union select body from documents --",
    f"1) or (select 1 from documents {MARK}",
    f"%27%20or%201=1{MARK}",
    f"{MARK}\x00",
    f"\\'{MARK}",
)
TRAVERSAL = ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/state.db", "....//state.db", "/etc/passwd")
TEXTS = (
    "%00", "%0d%0aSet-Cookie:%20a=b", "%F0%9F%92%A9", "%ff%fe", "%ED%A0%80", "{{7*7}}", "${jndi:ldap://x}", "<script>",
    "A" * 300, "%E2%80%AE", "*", "?" , "nobody@nowhere.example", "cus_", "cus_999999", "old_", "-1", "0", "null",
)  # fmt: skip
NUMBERS = ("x", "", "nan", "inf", "-inf", "1e999", "0x10", "1,5", "1;2", "true", "[1]", "९९x", "--1", "1e13", f"{MARK}")


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


KEY = CustomerQuery().key  # so that nothing but the rest is wrong with a cursor
CURSORS = (
    "", "x", "%", "====", "AAAA", "null", "W10", "e30", "MQ", cursor(), cursor(1), cursor(KEY, 1, 2, 3),
    cursor(KEY, "1", 1), cursor(KEY, 1, "1"), cursor(KEY, None, None), cursor(KEY, 1, -1),
    cursor(KEY, 1, 2**60), cursor([KEY], [1], [1]), cursor(f"' or 1=1 {MARK}", 1, 1), "Ä", "W1" * 250, "%00",
    base64.urlsafe_b64encode(b'{"a":' * 50).decode(), base64.urlsafe_b64encode(b"[" * 200).decode(),
)  # fmt: skip

QUERIES = [
    *(f"/v1/customers?cursor={quote(each, safe='%')}" for each in CURSORS),
    *(f"/v1/companies?cursor={quote(each, safe='%')}" for each in CURSORS[:16]),
    *(f"/v1/companies?cohort={quote(each)}" for each in (*SQL, "cohort_1", "COHORT_1_CURRENT_CUSTOMER", "", "null")),
    *(f"/v1/companies?sort={quote(each)}" for each in (*SQL[:4], "priority desc", "-mrr", "name", "")),
    *(f"/v1/companies?limit={quote(each)}" for each in (*NUMBERS[:6], "0", "201")),
    *(f"/v1/cohorts?days={quote(each)}" for each in (*NUMBERS, *SQL[:3], "0", "8", "-7", "365")),
    *(f"/v1/cohorts?limit={quote(each)}" for each in (*NUMBERS[:6], "0", "-1", "100000")),
    *(f"/v1/cohorts?{quote(each)}=1" for each in (*SQL[:3], "cohort", "trigger", "company_id")),
    *(f"/v1/changes?days={quote(each)}" for each in (*NUMBERS[:6], *SQL[:2], "0", "8", "90")),
    *(f"/v1/changes?least={quote(each)}" for each in (*NUMBERS[:6], "0", "-5", "101")),
    *(f"/v1/changes?limit={quote(each)}" for each in (*NUMBERS[:6], "0", "100000")),
    *(f"/v1/churned?days={quote(each)}" for each in (*NUMBERS[:6], *SQL[:2], "0", "8", "90")),
    *(f"/v1/churned?limit={quote(each)}" for each in (*NUMBERS[:6], "0", "100000")),
    *(f"/v1/{list}?account_manager={'A' * 500}" for list in ("changes", "churned")),
    *(f"/v1/{list}?{quote(each)}=1" for list in ("changes", "churned", "account-managers") for each in SQL[:3]),
    *(f"/v1/customers/cus_002/timeline?kind={quote(each)}" for each in (*SQL, "ALERT", "everything", "")),
    *(f"/v1/customers/cus_002/timeline?limit={quote(each)}" for each in (*NUMBERS[:6], "0", "100000")),
    *(f"/v1/customers?cohort={'&cohort='.join(['x'] * 60)}" for _ in range(1)),
    *(f"/v1/alerts?cursor={quote(each, safe='%')}" for each in CURSORS[:10]),
    *(f"/v1/customers?limit={quote(each)}" for each in (*NUMBERS, "0", "-1", "201", "1.5", "99999999999999999999")),
    *(f"/v1/customers?mrr_min={quote(each)}" for each in NUMBERS),
    *(f"/v1/at-risk?change_max={quote(each)}" for each in NUMBERS[:6]),
    *(f"/v1/customers?sort={quote(each)}" for each in (*SQL, "name", "email", "-email", "mrr,id", "--mrr", "")),
    *(f"/v1/customers?fields={quote(each)}" for each in (*SQL, "*", "body", "id", "mrr,", ",", "mrr;name", "A" * 5000)),
    *(
        f"/v1/customers?{quote(each)}=1"
        for each in (*SQL, "personal", "token", "debug", "HEALTH", "limit[]", "a" * 2000)
    ),
    "/v1/customers?customers=everyone",
    f"/v1/customers?{'&'.join(f'health=x{i}' for i in range(60))}",
    f"/v1/customers?account_manager={'A' * 500}",
    "/v1/at-risk?cohorts=1",
    f"/v1/summary?{MARK}=1",
    f"/v1/freshness?x={MARK}",
    "/v1/metrics?name=mrr",
    "/v1/alerts?limit=0",
    "/v1/sync-runs?limit=x",
    "/v1/customers/cus_002?fields=mrr",
    "/v1/companies/com_03?limit=1",
    "/v1/companies?domain=" + "a" * 300,
    "/v1/metrics/mrr?dimension=email",
    "/v1/metrics/mrr?dimension=",
    "/v1/metrics/mrr?dimension=cohort",
    "/v1/metrics/companies?dimension=plan",
    "/v1/metrics/companies_moved_7d?dimension=from_cohort",
    "/v1/companies/com_03?days=7",
    "/v1/hubspot?days=7",
    "/v1/anomalies?table=stripe/charges",
    "/v1/schema-changes?open=1",
    "/v1/track-record?days=7",
    "/v1/models?days=7",
    "/v1/icp?days=7",
    "/v1/leads?limit=3",
    "/v1/metrics/mrr?member=x",
    "/v1/metrics/mrr?since=yesterday",
    "/v1/metrics/mrr?since=2026-13-01",
    "/v1/metrics/mrr?until=99999-01-01",
]
PATHS = [
    *(f"/v1/customers/{quote(each, safe='%')}" for each in chain(SQL, TEXTS)),
    *(f"/v1/customers/{each}" for each in TRAVERSAL),
    *(f"/v1/customers/{quote(each, safe='%')}/timeline" for each in chain(SQL, TEXTS)),
    "/v1/changes/7", "/v1/churned/cus_004", "/v1/account-managers/Sam%20Lee", "/v1/customers/cus_002/timeline/alert",
    *(f"/v1/companies/{quote(each, safe='%')}" for each in chain(SQL[:4], TEXTS[:8])),
    *(f"/v1/metrics/{quote(each, safe='%')}" for each in chain(SQL[:4], TEXTS[:8], ["__class__", "mrr.value"])),
    "/", "/v1", "/v1/", "/v2/customers", "/docs", "/redoc", "/admin", "/v1/tokens", "/v1/customers/", "/v1/sync/1",
    "/static/../state.db", "//v1/customers", "/v1/Customers", "/.env", "/v1/facts/rules", "/metrics",
    "/v1/transitions", "/v1/cohorts/1", "/v1/cohorts/cohort_1_current_customer",
    "/v1/companies/com_03/people", "/v1/companies/", "/v1/hubspot/contacts",
]  # fmt: skip
METHODS = [
    (method, path)
    for method in ("DELETE", "PUT", "PATCH", "POST", "TRACE", "HEAD")
    for path in ("/v1/customers", "/v1/summary")
]
TOKENS = [
    None, "Bearer x", "Bearer", "bearer", "Basic YTpi", "Bearer gtm_", f"Bearer gtm_{'0' * 12}_{'a' * 43}", "Token x",
    f"Bearer gtm_{'0' * 12}_{'a' * 5000}", f"Bearer {MARK}' or 1=1 --", "Bearer gtm_../../x", "Bearer null", "Digest x",
    "Bearer eyJhbGciOiJub25lIn0.e30.", f"Bearer gtm_{'f' * 12}_' or '1'='1", "Bearer \xff\xfe", "Bearer %00",
]  # fmt: skip
BODIES: list[tuple[bytes, str]] = [
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b'"stripe"', "application/json"),
    (b'{"source": 1}', "application/json"),
    (b'{"source": null}', "application/json"),
    (b'{"source": "stripe", "full_refresh": "maybe"}', "application/json"),
    (b'{"source": "' + MARK.encode() + b'; rm -rf /"}', "application/json"),
    (b'{"source": "../stripe"}', "application/json"),
    (b'{"source": "' + b"a" * 5000 + b'"}', "application/json"),
    (b'{"source": "stripe", "' + MARK.encode() + b'": 1}', "application/json"),
    (b"\xff\xfe\x00", "application/json"),
    (b"source=stripe", "application/x-www-form-urlencoded"),
    (b"<a/>", "text/xml"),
    (b'{"a":' * 500, "application/json"),
]


def judge(status: int, media: str, text: str, sent: str = "") -> None:
    """An answer that refuses, in a sentence, and tells nothing."""
    assert 400 <= status < 500, text
    assert media == "application/problem+json"
    content = json.loads(text)
    assert content["status"] == status
    assert content["detail"].endswith((".", "data, and look customers up by address."))
    assert not any(
        word in text for word in (MARK, "Traceback", ".py", "sqlite", "select ", "Person ", "@firm", "pydantic")
    )
    assert len(text) < 2000
    for part in (each for each in sent.split("=") if len(each) > 12 and each not in FILTERS):
        assert part not in text


@pytest.mark.faults("V9")
@pytest.mark.parametrize("path", QUERIES)
def test_queries(path: str, shared_api: Served) -> None:
    answer = shared_api.get(path, "masked" if "fields" not in path else "all")
    judge(answer.status_code, answer.headers["content-type"], answer.text, urlsplit(path).query)


@pytest.mark.faults("V9")
@pytest.mark.parametrize("path", PATHS)
def test_paths(path: str, shared_api: Served) -> None:
    answer = shared_api.get(path)
    judge(answer.status_code, answer.headers["content-type"], answer.text)


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_methods(method: str, path: str, shared_api: Served) -> None:
    answer = shared_api.send(method, path)
    assert answer.status_code == 405
    if method != "HEAD":
        judge(answer.status_code, answer.headers["content-type"], answer.text)


@pytest.mark.faults("V4")
@pytest.mark.parametrize("path", ["/v1/customers/cus_002", "/v1/sync-runs"])
@pytest.mark.parametrize("token", TOKENS)
def test_tokens(token: str | None, path: str, shared_api: Served) -> None:
    headers = {} if token is None else {"authorization": token.encode("latin-1")}
    answer = shared_api.send("GET", path, None, headers=headers)
    assert answer.status_code == 401
    judge(answer.status_code, answer.headers["content-type"], answer.text)


@pytest.mark.faults("V11")
@pytest.mark.parametrize(("body", "media"), BODIES)
def test_bodies(body: bytes, media: str, shared_api: Served) -> None:
    headers = {"idempotency-key": "hostile-key", "content-type": media}
    answer = shared_api.send("POST", "/v1/sync", "everything", headers=headers, content=body)
    judge(answer.status_code, answer.headers["content-type"], answer.text)
    assert not shared_api.runs.launched


@pytest.mark.faults("V11")
@pytest.mark.parametrize(
    "raw",
    [
        b"GET /v1/summary HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"GET /v1/summary\r\n\r\n",
        b"GET /v1/summary HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/summary HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nxyz",
        b"GET /v1/summary HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http(raw: bytes, shared_api: Served) -> None:
    place = urlsplit(shared_api.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: _received(connection), b""))
    assert not answer or answer.split()[1].startswith(b"4")
    assert b"Traceback" not in answer
    assert shared_api.get("/v1/summary").status_code == 200


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("tag", ['"', "W/", '"x"' * 2000, "Zq7", ",,,,"])
def test_entity_tags_that_are_none(tag: str, shared_api: Served) -> None:
    assert shared_api.get("/v1/summary", **{"if-none-match": tag}).status_code == 200


def test_they_are_many() -> None:
    assert len(QUERIES) + len(PATHS) + len(METHODS) + 2 * len(TOKENS) + len(BODIES) >= 200
