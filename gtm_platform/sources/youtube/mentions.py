"""Which company a video is about, which competitor it uses, and what hurts: rules about titles and descriptions.

A company counts by an exact address, or by its name where a title is written as such titles are. Everything else is a
guess, and is not made.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+", re.IGNORECASE)
NOT_OWN = frozenset(
    "youtube.com youtu.be github.com github.io gitlab.com linkedin.com twitter.com x.com medium.com facebook.com"  # noqa: SIM905
    " instagram.com t.me discord.gg discord.com bit.ly goo.gl google.com substack.com eventbrite.com meetup.com"
    " slideshare.net speakerdeck.com arxiv.org huggingface.co kaggle.com lu.ma linktr.ee amzn.to amazon.com tiktok.com"
    " pinecone.io weaviate.io qdrant.tech qdrant.io milvus.io zilliz.com elastic.co trychroma.com langchain.com".split()
)
VERBS = "built|builds|is building|uses?|used|is using|scaled|scales|runs?|ships?|moved|migrated"
ENDS = r"(?: (?:on|with|and|uses|using)\b|[|:-]|$)"
TITLES = (  # {product} stands for any competitor's name
    rf"^how (?P<name>.+?) (?:{VERBS})\b",
    rf"^(?:customer|user|success) (?:story|stories|case)\s*[:|-]\s*(?P<name>.+?){ENDS}",
    rf"^case study\s*[:|-]\s*(?P<name>.+?){ENDS}",
    r"^(?P<name>[^:|]+?) (?:x|×|\+|&) {product}\b",
)
NO_NAMES = frozenset(["to", "you", "we", "i", "the", "your", "our", "and why", "it", "they"])
LONGEST_NAME = 60
PAINS: dict[str, tuple[str, ...]] = {
    "cost": ("cost", "expensive", "pricing", "bill"),
    "latency": ("latency", "slow", "response time"),
    "scale": ("scale", "scaling", "billions of vectors", "throughput"),
    "migration": ("migration", "migrate", "moving off", "moved off"),
    "filtering": ("filtering", "metadata filter", "hybrid search"),
    "lock-in": ("lock-in", "vendor lock", "proprietary"),
}
BY_BOTH, BY_ADDRESS, BY_NAME = 0.9, 0.5, 0.6


@dataclass(frozen=True)
class Mention:
    """A company in a video, and how sure that is; nothing of it where none is recognised."""

    company_name: str | None = None
    company_domain: str | None = None
    company_confidence: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return what is put beside a record."""
        return asdict(self)


def competitor_in(title: str, description: str, competitors: Sequence[str]) -> str | None:
    """Return the competitor that a title names, else a description, in lower case."""
    for text in (title, description):
        for name in competitors:
            if re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
                return name.lower()
    return None


def company_in(title: str, description: str, competitors: Sequence[str]) -> Mention:
    """Return the company that a video is about: surest where its address and its name go together."""
    name = name_in(title, competitors)
    domains = _own_domains(description)
    letters = _letters(name or title)
    for domain in domains:
        label = _letters(domain.rpartition(".")[0].rpartition(".")[2] or domain)
        if label and (label == letters if name else label in letters and len(label) > 4):
            return Mention(name, domain, BY_BOTH)
    if name:
        return Mention(name, None, BY_NAME)
    return Mention(None, domains[0], BY_ADDRESS) if len(domains) == 1 else Mention()


def name_in(title: str, competitors: Sequence[str]) -> str | None:
    """Return the company's name in a title that is written as those of case studies are."""
    products = "|".join(map(re.escape, competitors)) or r"(?!)"
    for pattern in TITLES:
        match = re.search(pattern.replace("{product}", f"(?:{products})"), title, re.IGNORECASE)
        name = match["name"].strip(" '\"") if match else ""
        is_product = any(name.lower() == each.lower() for each in competitors)
        if name and not is_product and name.lower() not in NO_NAMES and len(name) <= LONGEST_NAME:
            return name
    return None


def pains_in(text: str) -> list[str]:
    """Return what is said to hurt, by the words that stand for it."""
    lowered = text.lower()
    return sorted(pain for pain, words in PAINS.items() if any(word in lowered for word in words))


def _own_domains(text: str) -> list[str]:
    hosts = [_host(address) for address in ADDRESS.findall(text)]
    own = [h for h in hosts if "." in h and not any(h == each or h.endswith(f".{each}") for each in NOT_OWN)]
    return list(dict.fromkeys(own))


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:
        return ""


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
