"""Which packages the platform is installed with: their licences as a page, and advisories about their versions.

`python -m gtm_platform_tests.security.dependencies` says what is known against the versions of `constraints.txt`, and
ends with 1 where something is; `--refresh FILE DAY` takes advisories over from a file of OSV (https://osv.dev), which
has to be fetched beforehand; `--licences` writes `docs/licences.md` from the installed packages.

Nothing is fetched here. The list is `advisories.json` beside this module: an object with `checked`, the day on which it
was compared with OSV, or null; and `advisories`, each with id, package, the versions it holds for, and a summary.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CONSTRAINTS, PAGE = ROOT / "constraints.txt", ROOT / "docs" / "licences.md"
LIST = Path(__file__).with_name("advisories.json")
HEAD = """# Licences

The packages that the platform is installed with, with what they need themselves, and the licence that each states.
Written from the installed packages by `python -m gtm_platform_tests.security.dependencies --licences`.

| package | licence |
|---|---|
"""
OF_CLASSIFIER = re.compile(r"^License :: (?:OSI Approved :: )?(.+)$")
LONGEST_LICENCE = 60  # characters; what is longer is a whole text, of which the classifiers say more


@dataclass(frozen=True)
class Advisory:
    """Something known against some versions of a package."""

    id: str
    package: str
    affected: str  # such as >=1.0,<1.2.3; several ranges are separated by ||
    summary: str

    def holds_for(self, version: str) -> bool:
        """Whether a version is affected."""
        return any(
            SpecifierSet(part).contains(Version(version), prereleases=True) for part in self.affected.split("||")
        )


@dataclass(frozen=True)
class Advisories:
    """The stored list, and when it was last compared with OSV."""

    checked: str | None
    advisories: tuple[Advisory, ...]


def stored(path: Path = LIST) -> Advisories:
    """Read the list; ValueError where it is none."""
    content = json.loads(path.read_text())
    return Advisories(content["checked"], tuple(Advisory(**each) for each in content["advisories"]))


def pinned(path: Path = CONSTRAINTS) -> dict[str, str]:
    """Return the version of each package that the constraints name."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def known_against(versions: Mapping[str, str], advisories: Iterable[Advisory]) -> list[str]:
    """Say which packages have a version that something is known against."""
    return [
        f"{each.package} {versions[each.package]}: {each.id}, {each.summary}"
        for each in advisories
        if each.package in versions and each.holds_for(versions[each.package])
    ]


def of_osv(documents: Iterable[Mapping[str, Any]], packages: Iterable[str]) -> list[Advisory]:
    """Return what documents of OSV say of some packages of PyPI; what was withdrawn is left out."""
    wanted = set(packages)
    found = []
    for document in documents:
        for affected in document.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if package.get("ecosystem") != "PyPI" or name not in wanted or document.get("withdrawn"):
                continue
            ranges = [text for each in affected.get("ranges", ()) for text in _ranges(each)]
            exact = [f"=={version}" for version in affected.get("versions", ()) if not ranges]
            if ranges or exact:
                summary = document.get("summary") or document.get("details", "").split("\n")[0]
                found.append(Advisory(document["id"], name, "||".join([*ranges, *exact]), summary[:200]))
    return sorted(found, key=lambda each: (each.package, each.id))


def _ranges(of: Mapping[str, Any]) -> list[str]:
    """Return the ranges of versions that events of OSV come to."""
    if of.get("type") != "ECOSYSTEM":
        return []
    ranges: list[list[str]] = []
    for event in of.get("events", ()):
        if "introduced" in event:
            ranges.append([] if event["introduced"] == "0" else [f">={event['introduced']}"])
        elif "fixed" in event and ranges:
            ranges[-1].append(f"<{event['fixed']}")
        elif "last_affected" in event and ranges:
            ranges[-1].append(f"<={event['last_affected']}")
    return [",".join(each) for each in ranges]


def refresh(source: Path, checked: str) -> Advisories:
    """Read a file of OSV: a JSON list of its documents, or a document a line."""
    text = source.read_text()
    documents = json.loads(text) if text.lstrip().startswith("[") else [json.loads(x) for x in text.splitlines() if x]
    return Advisories(checked, tuple(of_osv(documents, pinned())))


def licences() -> str:
    """Return the page of licences of all that the platform needs, by what is installed."""
    lines = [f"| {name} | {licence_of(distribution(name))} |" for name in sorted(needed("gtm-platform"))]
    return HEAD + "\n".join(lines) + "\n"


def needed(name: str) -> set[str]:
    """Return the packages that a package needs, and those need, without its extras."""
    seen, waiting = set(), [(name, frozenset[str]())]
    while waiting:
        package, extras = waiting.pop()
        for text in requires(package) or ():
            requirement = Requirement(text)
            applies = not requirement.marker or any(requirement.marker.evaluate({"extra": e}) for e in extras or {""})
            other = canonicalize_name(requirement.name)
            if applies and (other, frozenset(requirement.extras)) not in seen:
                seen.add((other, frozenset(requirement.extras)))
                waiting.append((other, frozenset(requirement.extras)))
    return {package for package, _ in seen}


def licence_of(package: Distribution) -> str:
    """Return the licence that a package states: its expression, else its classifiers, else its own words."""
    stated = package.metadata
    classified = [match[1] for text in stated.get_all("Classifier", ()) if (match := OF_CLASSIFIER.match(text))]
    words = (stated.get("License") or "").strip()
    short = words if words and len(words) <= LONGEST_LICENCE and "\n" not in words else ""
    return stated.get("License-Expression") or " or ".join(classified) or short or "see the package"


def main(arguments: list[str]) -> int:
    """Do what the arguments say; 1 where something is known against a version."""
    if arguments[:1] == ["--licences"]:
        PAGE.write_text(licences())
        return 0
    if arguments[:1] == ["--refresh"] and len(arguments) == 3:
        LIST.write_text(json.dumps(asdict(refresh(Path(arguments[1]), arguments[2])), indent=2) + "\n")
    known = stored()
    problems = known_against(pinned(), known.advisories)
    print("\n".join(problems) or f"Nothing of the list is about the {len(pinned())} versions of constraints.txt.")
    print(f"The list has {len(known.advisories)} advisories, compared with OSV: {known.checked or 'never yet'}.")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
