"""A source that is declared in YAML, as a Dagster component and as a file of an extensions folder.

In a folder of GTM_EXTENSIONS it is a file `<anything>.yaml` whose `type` is this component; in a project of `dg` it is
the `defs.yaml` of any component. Mistakes in such a file are sentences with its name and line.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from pydantic import ValidationError

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.declared.build import build_source
from gtm_platform.ingest.declared.schema import SourceDeclaration
from gtm_platform.ingest.discovery import SOURCES_PACKAGE
from gtm_platform.ingest.source import Source
from gtm_platform.lake.contracts import TABLES
from gtm_platform.sync_rules import sync_rules

TYPE = "gtm_platform.extensions.declared_source.DeclaredSource"
ENDINGS = (".yaml", ".yml")
KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field of it",
    "string_pattern_mismatch": "is not written as it should be",
    "literal_error": "is none of the words that are allowed",
}
EXAMPLE: dict[str, Any] = {
    "name": "surveys",
    "title": "Surveys",
    "about": "Answers to surveys.",
    "base_url": "https://api.example.com/v1",
    "auth": {"by": "bearer", "env": "SURVEYS_TOKEN"},
    "streams": [
        {
            "name": "answers",
            "about": "An answer to a survey.",
            "path": "/answers",
            "rows": "data",
            "paging": {"by": "cursor", "send_as": "cursor", "next_at": "next_cursor", "size": 100},
            "changed": {"field": "updated_at", "since_as": "updated_since"},
            "fields": [
                {"name": "id", "type": "id"},
                {"name": "email", "at": "respondent.email", "personal": True},
                {"name": "score", "type": "integer", "about": "From 0 to 10."},
                {"name": "updated_at", "type": "instant"},
            ],
        }
    ],
}


LOADED: dict[str, tuple[Path, Source]] = {}  # by name: the file that declares it, and the source


class BrokenDeclaration(ValueError):
    """A file that declares no source; the message names its line."""


class ExampleScaffolder(dg.Scaffolder[Any]):
    """Writes a `defs.yaml` in which everything is filled in once, to be changed."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the file."""
        dg.scaffold_component(request, EXAMPLE)


@dg.scaffold_with(ExampleScaffolder)
class DeclaredSource(SourceDeclaration, dg.Component):
    """A source whose API is a plain paged list, with tables, checks, job and schedule as any has."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 (Dagster passes it)
        """Build the source's definitions; a run asks the policy for the rules when it begins."""
        return definitions(build_source(self))


def definitions(source: Source) -> dg.Definitions:
    """Return what a declared source adds to the graph."""
    return definitions_of(source, sync_rules)


# --- files of an extensions folder -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeclarationFile:
    """A YAML file that declares a source."""

    path: Path

    def definitions(self) -> dg.Definitions:
        """Read the file and build its definitions; BrokenDeclaration where it cannot be."""
        declared = self.read()
        if declared.name in _taken_names(self.path):
            raise BrokenDeclaration(self._at(self._line("name"), f"{declared.name} is taken; give it another name"))
        LOADED[declared.name] = self.path, build_source(declared)
        return definitions(LOADED[declared.name][1])

    def read(self) -> SourceDeclaration:
        """Read what the file declares."""
        try:
            tree = yaml.compose(self.path.read_text(), yaml.SafeLoader)
            content = yaml.safe_load(self.path.read_text())
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise BrokenDeclaration(self._at(line, f"it is no YAML: {error.problem}")) from None
        attributes = content.get("attributes") if isinstance(content, dict) else None
        if not isinstance(attributes, dict) or tree is None:
            raise BrokenDeclaration(self._at(1, f"it needs `type: {TYPE}` and `attributes:` below it"))
        try:
            return SourceDeclaration.model_validate(attributes)
        except ValidationError as error:
            raise BrokenDeclaration("; ".join(self._mistakes(tree, error))) from None

    def _mistakes(self, tree: yaml.Node, error: ValidationError) -> Iterator[str]:
        for mistake in error.errors(include_url=False, include_input=False):
            place = ("attributes", *mistake["loc"])
            line = _line_of(tree, place)
            name = ".".join(map(str, mistake["loc"])) or "attributes"
            if mistake["type"] == "value_error":
                yield self._at(line, str(mistake["ctx"]["error"]))
            else:
                yield self._at(line, f"{name} {_words(mistake)}")

    def _line(self, *path: str) -> int:
        tree = yaml.compose(self.path.read_text(), yaml.SafeLoader)
        return _line_of(tree, ("attributes", *path)) if tree else 1

    def _at(self, line: int, sentence: str) -> str:
        return f"{self.path.name}, line {line}: {sentence}"


def _words(mistake: Any) -> str:
    message = str(mistake["msg"])
    words = KINDS.get(mistake["type"], message[:1].lower() + message[1:])
    if mistake["type"] == "literal_error":
        return f"is none of {mistake['ctx']['expected'].replace(' or ', ', ')}"
    if mistake["type"] == "string_pattern_mismatch":
        return f"{words}: it has to match {mistake['ctx']['pattern']}"
    return words


def _line_of(node: yaml.Node, place: Sequence[str | int]) -> int:
    """The line on which something stands; of what is missing, the line of what it is missing in."""
    line: int = node.start_mark.line + 1
    for step in place:
        below = _below(node, step)
        if below is None:
            break
        line, node = below
    return line


def _below(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = ((key, value) for key, value in node.value if key.value == step)
        return next(((key.start_mark.line + 1, value) for key, value in pairs), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def declaration_files(folder: Path) -> Iterator[DeclarationFile]:
    """Yield the files below a folder that declare a source; hidden ones and others are left alone."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix in ENDINGS and not any(part[:1] in "._" for part in relative.parts) and _is_declaration(path):
            yield DeclarationFile(path)


def _is_declaration(path: Path) -> bool:
    return any(line.split("#")[0].strip() == f"type: {TYPE}" for line in path.read_text(errors="replace").splitlines())


def _taken_names(path: Path) -> set[str]:
    """The names that a file's source may not have: schemas of tables that another one declares, and packages."""
    own = {name for name, (loaded, _) in LOADED.items() if loaded == path}  # from an earlier load of the same file
    packages = pkgutil.iter_modules(importlib.import_module(SOURCES_PACKAGE).__path__)
    return ({table.split("/")[0] for table in TABLES} | {info.name for info in packages}) - own


def declared_sources() -> list[Source]:
    """Return the sources that files of extensions folders declare, as they were loaded last."""
    return [source for _, (_, source) in sorted(LOADED.items())]
