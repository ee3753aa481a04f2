"""The technologies that Sumble has a name for, and the categories that they are in."""

from typing import Any

from gtm_platform.sandbox.world.market_signals import COMPETITORS, TOPICS

CATEGORIES = {
    "vector-database": ("Vector Database", "Vector DB", tuple(COMPETITORS)),
    "gen-ai": ("Generative AI", "Gen AI", ("langchain", "llamaindex", "rag", "llm")),
    "ml-training": ("ML Training", "ML Training", ("pytorch",)),
}
NAMES = {**COMPETITORS, **TOPICS}
_NUMBERS = {slug: number for number, slug in enumerate(NAMES, start=1)}


def categories_of(slug: str) -> list[str]:
    """The slugs of the categories that a technology is in."""
    return [category for category, (_, _, slugs) in CATEGORIES.items() if slug in slugs]


def technology(slug: str) -> dict[str, Any] | None:
    """A technology with its categories; None for one that Sumble has no name for."""
    if slug not in NAMES:
        return None
    categories = [category(each) for each in categories_of(slug)]
    return {**short(slug), "categories": categories}


def short(slug: str) -> dict[str, Any]:
    """A technology by number, slug and name."""
    return {"id": _NUMBERS[slug], "slug": slug, "name": NAMES[slug]}


def category(slug: str) -> dict[str, Any]:
    """A category by its names."""
    name, name_short, _ = CATEGORIES[slug]
    return {"slug": slug, "name": name, "name_short": name_short}
