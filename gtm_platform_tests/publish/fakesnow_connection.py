"""A connection to fakesnow in an environment of its own: it wants another DuckDB than the platform has.

`make warehouses` makes the environment; GTM_FAKESNOW names another one's Python. Statements go there as lines of JSON.
Run as a program, in that environment, this file is the other end.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parents[2] / ".venv/fakesnow/bin/python"


class SqlError(Exception):
    """What Snowflake's connector raised."""


class Cursor:
    """Executes statements there, and keeps the rows of the last one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.rows: list[tuple[Any, ...]] = []

    def execute(self, statement: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(statement) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise SqlError(answer["error"])
        self.rows = [tuple(row) for row in answer["rows"]]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class Connection:
    """A connection, with a process of its own."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, "-W", "ignore", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def cursor(self) -> Cursor:
        return Cursor(self.process)

    def close(self) -> None:
        """End the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.process.wait()


def python() -> str | None:
    """Find the environment's Python."""
    return os.environ.get("GTM_FAKESNOW") or (str(PLACE) if PLACE.exists() else None)


def serve() -> None:
    """Answer each statement that comes."""
    import fakesnow  # type: ignore[import-not-found]
    import snowflake.connector  # type: ignore[import-not-found]

    answers, sys.stdout = sys.stdout, sys.stderr
    with fakesnow.patch():
        connection = snowflake.connector.connect(database="analytics", schema="public")
        for line in sys.stdin:
            cursor = connection.cursor()
            try:
                cursor.execute(json.loads(line))
                answer: dict[str, Any] = {"rows": cursor.fetchall()}
            except Exception as error:
                answer = {"error": str(error)}
            print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    serve()
