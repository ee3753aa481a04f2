"""`python -m gtm_platform_tests.bench [names…] [--json FILE] [--quick]`: measures, prints JSON and a table."""

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gtm_platform_tests.bench import (
    anomalies,
    api,
    automation,
    backfill,
    backtest,
    bucket,
    connector,
    dashboard,
    encryption,
    forecast,
    graph,
    hooks,
    hot,
    hubspot,
    identity,
    latency,
    limits,
    marts,
    nightly,
    publish,
    score_changes,
    scores,
    unchanged,
)
from gtm_platform_tests.bench.figures import Effort, Figure, Row

ROOMS = (
    marts,
    score_changes,
    scores,
    identity,
    connector,
    latency,
    limits,
    graph,
    hubspot,
    unchanged,
    automation,
    backfill,
    api,
    dashboard,
    anomalies,
    backtest,
    forecast,
    hooks,
    publish,
    hot,
    bucket,
    encryption,
    nightly,
)
FIGURES = {room.FIGURE.name: room.FIGURE for room in ROOMS}
COLUMNS = ("figure", "what", "unit", "ours", "beside", "other", "ratio", "target", "reached")


def main() -> None:
    asked = _asked()
    failed: list[str] = []
    rows: list[dict[str, Any]] = []
    for name in asked.names or FIGURES:
        try:
            _measure(FIGURES[name], Effort(quick=asked.quick), rows)
        except Exception:  # what was measured of the others is not lost
            traceback.print_exc()
            failed.append(name)
    result = json.dumps({"machine": _machine(), "quick": asked.quick, "rows": rows}, indent=1, ensure_ascii=False)
    print(result)
    if asked.json:
        asked.json.write_text(result + "\n")
    print(_table(rows))
    if failed:
        sys.exit(f"Not measured to the end: {', '.join(failed)}.")


def _asked() -> argparse.Namespace:
    about = "\n".join(f"  {figure.name:12} {figure.target}" for figure in FIGURES.values())
    parser = argparse.ArgumentParser(
        "bench", description=f"Figures:\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="figure", help="which; all without any")
    parser.add_argument("--quick", action="store_true", help="small data and one round: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON there, too")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(FIGURES)):
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    return asked


def _measure(figure: Figure, effort: Effort, rows: list[dict[str, Any]]) -> None:
    """Add the rows of a figure, each said as soon as it is there."""
    print(f"{figure.name}: {figure.target}", file=sys.stderr, flush=True)
    for row in figure.measure(effort):
        rows.append(_told(figure, row))
        print(json.dumps(rows[-1], ensure_ascii=False), file=sys.stderr, flush=True)


def _told(figure: Figure, row: Row) -> dict[str, Any]:
    shown = {"ours": row.ours, "other": row.other, "ratio": row.compared}
    rounded = {name: None if value is None else float(f"{value:.4g}") for name, value in shown.items()}
    target = str(row.target) if row.target else None
    told = {"figure": figure.name, "what": row.what, "unit": row.unit, "beside": row.baseline, **rounded}
    return {**told, "target": target, "reached": row.reached}


def _machine() -> dict[str, Any]:
    busy = os.getloadavg()[0]
    return {"cores": os.cpu_count(), "load": round(busy, 1), "python": platform.python_version()}


def _table(rows: Iterable[dict[str, Any]]) -> str:
    lines = [COLUMNS, *(tuple(_cell(row[name]) for name in COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value or "")


if __name__ == "__main__":
    main()
