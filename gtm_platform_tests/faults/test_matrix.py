"""docs/faults.md and docs/fault-tests.md say which tests show a row; the tests say so themselves, by their mark."""

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
MATRIX, LIST = DOCS / "faults.md", DOCS / "fault-tests.md"
ROW = re.compile(r"^\| (?P<row>[SPWDHTV]\d+) \| (?P<fault>.+?) \| (?P<holds>.+?) \| ?(?P<shown>.*?) ?\|$", re.MULTILINE)
UNPROVEN, NOTHING = "*unproven*", "–"
MUST_HOLD = {
    *(f"S{n}" for n in range(1, 17)),
    *(f"P{n}" for n in range(1, 24)),
    *(f"H{n}" for n in range(1, 11)),
    *("W1", "W2", "W3", "W4", "W9", "W11", "W12", "D15", "D16", "T1", "T2", "T3", "T4", "T5", "T7", "T9"),
    *(f"V{n}" for n in range(1, 17)),
}
HEAD = """# The tests that show what holds after a fault

The tests behind each row of [faults.md](faults.md), written by `gtm_platform_tests/faults/test_matrix.py`.
"""

Tests = Mapping[str, set[str]]  # by row: module::test, below the tests' folder


def test_the_documents_name_the_tests_of_each_row() -> None:
    tests = _tests_by_row()
    written = {MATRIX: _matrix(MATRIX.read_text(), tests), LIST: _list(MATRIX.read_text(), tests)}
    if os.environ.get("GTM_ACCEPT"):
        for path, text in written.items():
            path.write_text(text)
    outdated = [path.name for path, text in written.items() if not path.exists() or path.read_text() != text]
    assert outdated == [], "out of date: GTM_ACCEPT=1 writes them anew"


def test_the_matrix_has_a_row_for_each_mark_and_a_test_for_each_row_that_must_hold() -> None:
    rows = {match["row"]: match for match in ROW.finditer(MATRIX.read_text())}
    assert _tests_by_row().keys() <= rows.keys()
    assert {row for row in MUST_HOLD if rows[row]["shown"] == UNPROVEN} == set()


def test_what_holds_is_said_of_the_rows_that_have_a_test() -> None:
    rows = list(ROW.finditer(MATRIX.read_text()))
    assert [row["row"] for row in rows if (row["holds"] == NOTHING) != (row["shown"] == UNPROVEN)] == []


def _matrix(text: str, tests: Tests) -> str:
    return ROW.sub(
        lambda row: f"| {row['row']} | {row['fault']} | {row['holds']} | {_shown(row['row'], tests)} |", text
    )


def _shown(row: str, tests: Tests) -> str:
    count = len(tests.get(row, ()))
    return f"[{count} test{'s' if count > 1 else ''}](fault-tests.md#{row.lower()})" if count else UNPROVEN


def _list(matrix: str, tests: Tests) -> str:
    proven = [row for row in ROW.finditer(matrix) if row["row"] in tests]
    return "\n".join([HEAD, *(_section(row["row"], row["fault"], tests[row["row"]]) for row in proven)])


def _section(row: str, fault: str, tests: set[str]) -> str:
    lines = [f"## {row}", "", f"{fault}.", ""]
    for module, _, test in sorted(test.partition("::") for test in tests):
        lines.append(f"- `{test}` in [{module}](../{TESTS.name}/{module})")
    return "\n".join([*lines, ""])


def _tests_by_row() -> Tests:
    tests = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        module = path.relative_to(TESTS).as_posix()
        for name, rows in _marked(ast.parse(path.read_text())):
            for row in rows:
                tests[row].add(f"{module}::{name}")
    return tests


def _marked(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """The test functions with their rows, and the rows that their class names for all of them."""
    for node in tree.body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix, above = (f"{node.name}::", _rows(node)) if isinstance(node, ast.ClassDef) else ("", set())
        for function in methods:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                yield f"{prefix}{function.name}", _rows(function) | above


def _rows(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    calls = [call for decorator in node.decorator_list for call in ast.walk(decorator) if isinstance(call, ast.Call)]
    marks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "faults"]
    return {str(row.value) for mark in marks for row in mark.args if isinstance(row, ast.Constant)}
