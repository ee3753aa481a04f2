"""docs/faults.md says of each row which tests show it; the tests say so themselves, by their mark."""

import ast
import os
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
MATRIX = TESTS.parent / "docs" / "faults.md"
ROW = re.compile(r"^\| ([SPWDHT]\d+) \| (.+?) \| ?(.*?) ?\|$", re.MULTILINE)
UNPROVEN = "*unproven*"
MUST_HOLD = {
    *(f"S{n}" for n in range(1, 17)),
    *(f"P{n}" for n in range(1, 24)),
    *("W1", "W2", "W3", "W4", "W9", "W12", "T1", "T2", "T3", "T4", "T5", "T7", "T9"),
}


def test_the_matrix_names_the_tests_of_each_row() -> None:
    shown = _shown()
    text = MATRIX.read_text()
    told = ROW.sub(lambda row: f"| {row[1]} | {row[2]} | {_tests(shown.get(row[1], []))} |", text)
    if os.environ.get("GTM_ACCEPT"):
        MATRIX.write_text(told)
    rows = {row[0]: row[2] for row in ROW.findall(MATRIX.read_text())}
    assert MATRIX.read_text() == told, "docs/faults.md is out of date: GTM_ACCEPT=1 writes it anew"
    assert set(shown) <= set(rows), "a test shows a row that the matrix does not have"
    assert {row for row in MUST_HOLD if rows[row] == UNPROVEN} == set()


def _tests(names: list[str]) -> str:
    return "<br>".join(f"`{name}`" for name in sorted(set(names))) or UNPROVEN


def _shown() -> dict[str, list[str]]:
    """Each row's tests, as module::class::test below the tests' folder."""
    shown = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        module = path.relative_to(TESTS).as_posix()
        for name, node, above in _marked(ast.parse(path.read_text())):
            for row in {*_rows(node), *above}:
                shown[row].append(f"{module}::{name}")
    return shown


def _marked(tree: ast.Module) -> list[tuple[str, ast.FunctionDef, list[str]]]:
    """The test functions, with the rows that their class names for all of them."""
    found: list[tuple[str, ast.FunctionDef, list[str]]] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.append((node.name, node, []))
        elif isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            found += [(f"{node.name}::{each.name}", each, _rows(node)) for each in methods]
    return [each for each in found if each[1].name.startswith("test_")]


def _rows(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    marks = [mark for mark in ast.walk(ast.Tuple(elts=node.decorator_list, ctx=ast.Load())) if _is_faults(mark)]
    return [str(row.value) for mark in marks for row in mark.args if isinstance(row, ast.Constant)]  # type: ignore[attr-defined]


def _is_faults(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "faults"
