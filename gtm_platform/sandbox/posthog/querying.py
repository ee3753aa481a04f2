"""The query endpoint: what surrounds the answer to a query, the cache, and queries that are answered later."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from gtm_platform.sandbox.posthog.access import invalid, not_found
from gtm_platform.sandbox.posthog.hogql.query import answer, type_of, written
from gtm_platform.sandbox.posthog.hogql.syntax import parse
from gtm_platform.sandbox.posthog.hogql.tree import Select
from gtm_platform.sandbox.posthog.store import PostHogStore
from gtm_platform.sandbox.posthog.tables import tables

OFFSET_REFUSAL = (
    "OFFSET is not supported on queries made with a personal API key. For pagination, use keyset pagination on the "
    "`timestamp` column, e.g. `WHERE timestamp > :last_seen_timestamp ORDER BY timestamp LIMIT N`. For bulk data "
    "extraction, use batch exports: https://posthog.com/docs/cdp/batch-exports"
)
FRESH_FOR = timedelta(hours=6)  # for how long an answer is taken from the cache
_LATER = ("async", "force_async", "lazy_async")
_REFRESH = ("blocking", "force_blocking", "force_cache", "async_except_on_cache_miss", *_LATER)


@dataclass
class Querying:
    """Answers queries on a store; cached answers and those that wait to be fetched are remembered."""

    store: PostHogStore
    clock: Callable[[], datetime]
    _cache: dict[str, dict[str, Any]] = field(default_factory=dict)
    _waiting: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request for a query."""
        query, refresh = body.get("query"), body.get("refresh") or "blocking"
        if not isinstance(query, dict) or not isinstance(query.get("query"), str):
            raise invalid("This field is required.", "query")
        if query.get("kind") != "HogQLQuery":
            raise invalid(f"The sandbox answers HogQLQuery only, not {query.get('kind')}.", "query")
        if refresh not in _REFRESH:
            raise invalid(f"{refresh} is not a valid choice.", "refresh")
        digest = blake2b(repr(sorted(query.items())).encode(), digest_size=16).hexdigest()
        key = f"cache_{self.store.project_id}_{digest}"
        if refresh in _LATER:
            return self._later(key, query, body.get("client_query_id"))
        cached = self._cache.get(key)
        if cached and not refresh.startswith("force_b") and self._is_fresh(cached):
            return {**cached, "is_cached": True}
        if refresh == "force_cache":
            return {"cache_key": key, "query_status": None, "results": None}
        self._cache[key] = self._computed(key, query)
        return self._cache[key]

    def _is_fresh(self, cached: dict[str, Any]) -> bool:
        return self.clock() - datetime.fromisoformat(cached["last_refresh"]) < FRESH_FOR

    def _computed(self, key: str, query: dict[str, Any]) -> dict[str, Any]:
        now, text = self.clock(), query["query"]
        try:
            select = parse(text, query.get("values") or {})
            if has_offset(select):
                raise invalid(OFFSET_REFUSAL)
            result = answer(select, tables(self.store, now), now)
        except (ValueError, TypeError, AttributeError) as error:
            raise invalid(str(error) or "The query cannot be executed.", "query") from error
        columns = list(zip(*result.rows, strict=True)) or [()] * len(result.columns)
        return {
            "cache_key": key,
            "clickhouse": None,
            "columns": result.columns,
            "error": None,
            "explain": None,
            "hasMore": result.more,
            "hogql": text,
            "is_cached": False,
            "last_refresh": written(now),
            "next_allowed_client_refresh": written(now + timedelta(minutes=1)),
            "limit": result.limit,
            "offset": 0,
            "metadata": None,
            "modifiers": {},
            "query": text,
            "query_status": None,
            "timezone": "UTC",
            "timings": [{"k": ".", "t": 0.04}],
            "types": [[name, type_of(values)] for name, values in zip(result.columns, columns, strict=True)],
            "results": [[written(value) for value in row] for row in result.rows],
        }

    # --- answered later ---

    def _later(self, key: str, query: dict[str, Any], id_: str | None) -> dict[str, Any]:
        """The first answer says only that the query runs; it is done when it is asked for."""
        status = {
            "id": id_ or key.removeprefix(f"cache_{self.store.project_id}_"),
            "team_id": self.store.project_id,
            "complete": False,
            "error": False,
            "error_message": None,
            "query_async": True,
            "start_time": written(self.clock()),
            "end_time": None,
            "results": None,
        }
        self._waiting[status["id"]] = {**status, "complete": True, "results": self._computed(key, query)}
        return {"query_status": status}

    def fetch(self, id_: str) -> dict[str, Any]:
        """A query that was answered later."""
        if id_ not in self._waiting:
            raise not_found()
        return {"query_status": self._waiting[id_]}

    def cancel(self, id_: str) -> None:
        """Forget a query."""
        self._waiting.pop(id_, None)


def has_offset(query: Select) -> bool:
    """Whether there is an OFFSET anywhere in the query."""
    return query.offset or (isinstance(query.source, Select) and has_offset(query.source))
