"""Names say what a thing is, and docstrings what the name does not.

`replaced_names.txt` lists names that words of the field have replaced, each with its successor ("-" where it is gone).
Tests name by the same words what others can see of them: functions, classes, parameters, and what modules hold.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import gtm_platform

PACKAGE, TESTS = Path(gtm_platform.__file__).parent, Path(__file__).parent
POINTING_WORDS = frozenset(["found", "told", "known", "given", "held", "said", "one", "others", "there", "asked"])
REPLACED = dict(line.split() for line in Path(__file__).with_name("replaced_names.txt").read_text().splitlines())
LONGEST_FIRST_LINE = 99

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def modules(package: Path = PACKAGE) -> dict[str, ast.Module]:
    """The code of a package by file."""
    return {path.relative_to(package).as_posix(): ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}


def faults(of_module: Callable[[ast.Module], object], package: Path = PACKAGE) -> dict[str, object]:
    """What is wrong with modules by a rule, of those with which something is."""
    return {name: fault for name, tree in modules(package).items() if (fault := of_module(tree))}


def assigned(node: ast.AST) -> set[str]:
    """The variables and attributes that are assigned to anywhere in a piece of code."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    attributes = {part for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return names | {part.attr for part in attributes if isinstance(part.ctx, ast.Store)}


def defined(tree: ast.Module) -> set[str]:
    """The functions, classes and parameters of a module."""
    definitions = {node.name for node in ast.walk(tree) if isinstance(node, Definition)}
    return definitions | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def declared(tree: ast.Module) -> set[str]:
    """What others can see of a module: all but the variables within functions."""
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    visible = [node for body in bodies for node in body if not isinstance(node, Definition)]
    return defined(tree).union(*(assigned(node) for node in visible))


def public(tree: ast.Module) -> Iterator[Definition]:
    """The functions and classes of a module that others may use; of overloaded ones the implementation."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_") and not is_overload(node):
            yield node


def is_overload(node: Definition) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list)


def docstring_fault(node: Definition | ast.Module) -> str | None:
    lines = (ast.get_docstring(node) or "").splitlines()
    if not lines:
        return "has no docstring"
    return "begins its docstring with a line too long" if len(lines[0]) > LONGEST_FIRST_LINE else None


def test_no_name_points_instead_of_naming() -> None:
    assert faults(lambda tree: (defined(tree) | assigned(tree)) & POINTING_WORDS) == {}


def test_no_replaced_name_is_left() -> None:
    assert faults(lambda tree: {name: REPLACED[name] for name in declared(tree) & REPLACED.keys()}) == {}


def test_no_name_of_the_tests_points_or_was_replaced() -> None:
    assert len(modules(TESTS)) > 100
    assert faults(lambda tree: declared(tree) & (POINTING_WORDS | REPLACED.keys()), TESTS) == {}


def test_every_public_function_and_class_has_a_docstring() -> None:
    assert faults(lambda tree: [(node.name, fault) for node in public(tree) if (fault := docstring_fault(node))]) == {}


def test_every_module_has_a_docstring() -> None:
    assert len(modules()) > 100
    assert faults(lambda tree: tree.body and not ast.get_docstring(tree)) == {}


def test_the_rules_see_what_they_forbid() -> None:
    tree = ast.parse("found = 1\ndef told(one):\n    given, there.asked = 1, 2\nclass Slot:\n    held: int\n")
    assert declared(tree) == {"found", "told", "one", "Slot", "held"}
    assert assigned(tree) == {"found", "given", "asked", "held"}
    assert [(node.name, docstring_fault(node)) for node in public(tree)] == [
        ("told", "has no docstring"),
        ("Slot", "has no docstring"),
    ]
