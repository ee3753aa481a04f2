"""The commands and queries that the docs tell people to type, read out of their Markdown."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from gtm_platform.cli import gtm

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUNBOOKS = DOCS / "runbooks"
AT_THE_ROOT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*gtm [^`]*)`")
NOT_TYPED = {"python", "json", "toml", "yaml", "sql", "text", "xml", "ini"}  # languages of fences that hold no commands
SEPARATORS = {"|", "||", "&&", ";", ">", ">>", "<", "2>&1", "&"}


class Typed(NamedTuple):
    """A command as a page has it; one that is only named in a sentence may lack its arguments."""

    page: str
    words: tuple[str, ...]
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def pages() -> dict[str, str]:
    """The text of every page that is committed, by its path."""
    paths = [*(ROOT / name for name in AT_THE_ROOT), *sorted(DOCS.rglob("*.md"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def commands(page: str, text: str) -> Iterator[Typed]:
    """Every call of `gtm` in a page."""
    for fence in FENCE.finditer(text):
        if fence[2] not in NOT_TYPED:
            lines = re.sub(r"\\\n\s*", " ", fence[3]).splitlines()
            yield from (Typed(page, words, True) for line in lines for words in calls(line))
    for inline in INLINE.finditer(FENCE.sub("", text)):
        yield from (Typed(page, words, False) for words in calls(" ".join(inline[1].split())))


def calls(line: str) -> Iterator[tuple[str, ...]]:
    """Every call of `gtm` in a line of a shell, without what stands before it."""
    if "gtm " not in f"{line} ":
        return
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:
        return  # a quotation mark of a sentence: no line of a shell
    call: list[str] = []
    for word in [*words, ";"]:
        if word in SEPARATORS:
            while call and re.fullmatch(r"[A-Z_]+=.*", call[0]):
                call.pop(0)
            if call and call[0].rpartition("/")[2] == "gtm":
                yield tuple(call[1:])
            call = []
        else:
            call.append(word)


def wrong(typed: Typed) -> str | None:
    """What the command line would refuse of it, before it looks at any file or home."""
    command: click.Command = gtm
    rest, path = list(typed.words), ["gtm"]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        alternatives = [command.get_command(click.Context(command), name) for name in rest[0].split("|")]
        if None in alternatives:
            return f"`{' '.join(path)}` has no command {rest[0]}"
        path.append(rest.pop(0))
        command = next(each for each in alternatives if each)
    context = click.Context(command, info_name=" ".join(path))
    try:
        given, left, _ = command.make_parser(context).parse_args(rest)
    except click.UsageError as error:
        return error.format_message()
    if left:
        return f"`{' '.join(path)}` takes no {' '.join(left)}"
    present = {name for name, value in given.items() if value is not None and not _is_unset(value)}
    for parameter in command.params:
        name = parameter.name or ""
        if typed.is_whole and parameter.required and name not in present and "--help" not in rest:
            return f"`{' '.join(path)}` needs {parameter.human_readable_name}"
        if name in present and isinstance(parameter.type, click.Choice | click.types.IntParamType):
            values = given[name] if isinstance(given[name], list | tuple) else [given[name]]
            for value in values:
                try:
                    parameter.type.convert(value, parameter, context)
                except click.BadParameter as error:
                    if typed.is_whole or not str(value).isupper():  # N, or NAME, in a sentence
                        return error.format_message()
    return None


def _is_unset(value: object) -> bool:
    return type(value).__name__ == "Sentinel"


def queries(page: str, text: str) -> Iterator[str]:
    """The SQL of every `gtm query` in the fences of a page."""
    for typed in commands(page, text):
        if typed.is_whole and typed.words[:1] == ("query",):
            yield from (word for word in typed.words[1:] if " " in word)
