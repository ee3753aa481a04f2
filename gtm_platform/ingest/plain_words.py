"""Names out of the data as words for people: at_risk becomes at risk, and systems are written as they write themselves.

How a system is written is declared once, as the title of its settings.
"""

import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from gtm_platform.ingest.discovery import SOURCES_PACKAGE
from gtm_platform.settings import SystemSettings

WAREHOUSES_PACKAGE = "gtm_platform.publish"
ACRONYMS = ("AI", "AM", "ARR", "CSAT", "ICP", "LTV", "MRR", "NRR", "RAG")
INNER_CAPITAL = re.compile(r"\b[A-Za-z]+[A-Z][A-Za-z]*\b")


def plain_words(name: str) -> str:
    """Return a name as words within a sentence: small letters, but for systems and acronyms."""
    text = name.replace("_", " ").lower()
    begin, title = "", ""
    if system := _of_system().match(text):
        begin, title, text = system[1], source_titles()[system[2].replace(" ", "_")], text[system.end() :]
    written = _written()
    return begin + title + _capitals().sub(lambda word: written[word[0]], text)


def sentence_case(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


@cache
def source_titles() -> dict[str, str]:
    """Return what people call each source, by its name; nothing that reads one is imported."""
    return dict(_titles(SOURCES_PACKAGE))


def _titles(package: str) -> Iterable[tuple[str, str]]:
    for info in pkgutil.iter_modules(import_module(package).__path__):
        module = f"{package}.{info.name}.settings"
        if info.ispkg and find_spec(module):
            kinds = [each for each in vars(import_module(module)).values() if isinstance(each, type)]
            own = [kind for kind in kinds if issubclass(kind, SystemSettings) and kind.__module__ == module]
            yield from ((info.name, kind.title) for kind in own if kind.title)


@cache
def _written() -> dict[str, str]:
    """Return the words that have capitals wherever they stand, by their small letters."""
    titles = [*source_titles().values(), *dict(_titles(WAREHOUSES_PACKAGE)).values()]
    capitals = [word for title in titles for word in INNER_CAPITAL.findall(title)]
    return {word.lower(): word for word in (*capitals, *ACRONYMS)}


@cache
def _capitals() -> re.Pattern[str]:
    return re.compile(rf"\b({_any_of(_written())})\b")


@cache
def _of_system() -> re.Pattern[str]:
    """Find a source by its name where a name begins with it: elsewhere its name may be a common word."""
    names = (name.replace("_", " ") for name in source_titles())
    return re.compile(rf"(sync |last |)({_any_of(names)})(?= |$)")


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, texts), key=len, reverse=True))
