"""Ninety days of customers out of a formula, a snapshot of them, and the servers that are measured over it."""

import os
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from ibis.backends.sql.datatypes import DuckDBType

TODAY = date(2026, 3, 20)
BODY = 56_000  # bytes of the floor's answers, the mean of ours
SCORE = "((i * 37 + age * (i % 3)) % 101)"
CURRENT = "i % 5 > 0"
VALUES = {
    "customer_id": "'cus_' || lpad(i::varchar, 16, '0')",
    "as_of": "date '{day}'",
    "email": "'person' || i || '@company' || (i // 10) || '.example'",
    "all_emails": "['person' || i || '@company' || (i // 10) || '.example']",
    "company_id": "'com_' || (i // 10)",
    "company_domain": "'company' || (i // 10) || '.example'",
    "assigned_am": "'Manager ' || (i % 40)",
    "plan_tier": "['starter', 'pro', 'scale', 'enterprise'][1 + i % 4]",
    "currency": "['usd', 'eur'][1 + i % 2]",
    "customer_status": f"if({CURRENT}, 'active', 'churned')",
    "subscription_status": "'active'",
    "is_customer": CURRENT,
    "mrr_reporting": "(i * 7919 % 200000) / 100 + age",
    "health_score": f"if({CURRENT}, {SCORE}, null)",
    "health_status": f"""if({CURRENT}, case when {SCORE} >= 70 then 'healthy' when {SCORE} >= 50 then 'at_risk'
        when {SCORE} >= 30 then 'high_risk' else 'critical' end, null)""",
    "churn_risk": f"if({CURRENT}, 100 - {SCORE}, null)",
    "risk_signals": f"if({SCORE} < 70, ['low_csat', 'single_user'], [])",
    "recommended_actions": f"if({SCORE} < 70, ['Follow up on the poor support ratings.'], [])",
    "last_seen_at": "timestamptz '2026-03-20' - to_hours(i % 2000)",
    "health_confidence": "0.8",
    "policy_hash": "'{policy}'",
    "churn_risk_model": "'formula'",
}
USUAL = {"string": "'{name} ' || i % 5000", "int64": "i % 3", "boolean": "false", "float64": "i % 100 / 1.0"}
OF_HISTORY = ("assigned_am", "plan_tier", "currency", "is_customer", "mrr_reporting", "health_score", "health_status")
TABLES = {
    "core/unified_customers": "true",
    "health/customer_health": CURRENT,
    "identity/people": "true",
    "identity/companies": "i % 10 = 0",
}


def settle(home: str, customers: int, days: int) -> dict[str, Any]:
    """Write the daily tables; of past days only the columns that a history is made of."""
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.lake.contracts import contract_of
    from gtm_platform.policy import policy

    past = {"customer_id", "as_of", "churn_risk", *OF_HISTORY}
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        for age in range(days):
            day = TODAY - timedelta(days=age)
            for table, condition in TABLES.items() if age == 0 else [("core/unified_customers", "true")]:
                folder = Path(home, "lake", table)
                folder.mkdir(parents=True, exist_ok=True)
                columns = ", ".join(
                    f'({_value(name, str(kind))})::{DuckDBType.to_string(kind)} as "{name}"'
                    for name, kind in contract_of(table).schema.items()
                    if age == 0 or name in past
                ).format(day=day, policy=policy().hash)
                target = folder / f"{day}.{time.time_ns():020d}0000.part.parquet"
                rows = f"select {columns} from (select i, {age} as age from range({customers}) t(i) where {condition})"
                connection.execute(f"copy ({rows}) to '{target}' (format parquet, compression zstd)")
    return {}


def _value(name: str, kind: str) -> str:
    if name in VALUES:
        return VALUES[name]
    return USUAL[kind].replace("{name}", name) if kind in USUAL else "[]" if kind.startswith("array") else "null"


def make(home: str) -> dict[str, Any]:
    """Make a snapshot of it all."""
    os.environ["GTM_HOME"] = home
    from datetime import UTC, datetime

    import gtm_platform.definitions  # noqa: F401
    from gtm_platform.lake.lake import Lake
    from gtm_platform.policy import policy
    from gtm_platform.serving.snapshot.build import build
    from gtm_platform.serving.snapshot.landing import Landing

    began, cpu = time.perf_counter(), time.process_time()
    built = build(Landing(Lake(Path(home, "lake")), datetime.now(UTC), policy()), Path(home, "serving"))
    assert built is not None
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    return {**took, "megabytes": built.bytes / 1e6, "computed": built.days_computed}


def token(home: str) -> dict[str, Any]:
    """Make a token that sees everything."""
    from datetime import UTC, datetime

    from gtm_platform.serving.tokens import create_token
    from gtm_platform.state import open_state

    state = open_state(f"sqlite:///{home}/state.db")
    return {"token": create_token(state, "bench", ("customers:read", "personal:read"), 1, datetime.now(UTC))[0]}


def floor() -> None:
    """Answer everything with the same bytes, by the same framework; until the process is ended."""
    import uvicorn
    from fastapi import FastAPI, Response

    app = FastAPI()
    body = b'"' + b"a" * (BODY - 2) + b'"'

    @app.get("/{path:path}")
    async def anything() -> Response:
        return Response(body, media_type="application/json")

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    startup = server.startup

    async def announce(*arguments: Any, **more: Any) -> None:
        await startup(*arguments, **more)
        print(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", flush=True)

    server.startup = announce  # type: ignore[method-assign]
    server.run()


if __name__ == "__main__":
    floor()
