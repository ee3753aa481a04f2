"""What a buying signal is worth, who counts as a competitor, and which words tell what a company builds."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Days, Pattern, Rules, Share

Worth = Annotated[float, Field(ge=0)]
Words = tuple[str, ...]


class SignalPoints(Rules):
    """What each signal is worth on its day; the worth halves with each half-life."""

    half_life_days: Days = 14
    job: Worth = 10.0
    star: Worth = 2.0
    fork: Worth = 4.0
    issue: Worth = 6.0
    pull_request: Worth = 8.0
    page: Worth = 1.0
    most_pages: Worth = 10.0
    pricing_page: Worth = 5.0
    listed: Worth = 0.0


class SignalStrength(Rules):
    """The least points of each strength; anything above nothing is weak."""

    moderate: Worth = 8.0
    strong: Worth = 16.0
    very_strong: Worth = 30.0


class Evaluating(Rules):
    """When visits of the website say that a company evaluates the product."""

    pages: Words = ("/pricing", "/docs", "/compare")
    pricing_pages: Words = ("/pricing",)
    visits: Annotated[int, Field(ge=1)] = 3
    days: Days = 14


class Hiring(Rules):
    """How many open AI jobs are how much hiring, and which jobs are AI jobs."""

    ai_job_words: Pattern = r"(?i)\b(ai|ml|llm|nlp|machine learning|data scientist|applied scientist|deep learning)\b"
    medium: Annotated[int, Field(ge=1)] = 3
    high: Annotated[int, Field(ge=1)] = 5


class UseCase(Rules):
    """A use case, and the words that tell of it."""

    name: str
    words: Pattern


USE_CASES = (
    UseCase(name="rag", words=r"(?i)langchain|llama[_-]?index|\brag\b|retrieval"),
    UseCase(name="agent", words=r"(?i)autogen|crewai|langgraph|\bagents?\b"),
    UseCase(name="search", words=r"(?i)chroma|search|vector"),
)

COMPETITORS: dict[str, Words] = {
    "pinecone": ("pinecone", "pinecone-client", "@pinecone-database/pinecone"),
    "weaviate": ("weaviate", "weaviate-client"),
    "qdrant": ("qdrant", "qdrant-client"),
    "milvus": ("milvus", "pymilvus", "zilliz"),
    "elasticsearch": ("elasticsearch", "elastic", "opensearch"),
    "pgvector": ("pgvector", "pg_vector"),
}


class Market(Rules):
    """Companies in the market."""

    points: SignalPoints = SignalPoints()
    strength: SignalStrength = SignalStrength()
    evaluating: Evaluating = Evaluating()
    hiring: Hiring = Hiring()
    building_rag: Words = ("rag", "vector-database", "vector-search", "llm", "langchain", "llamaindex")
    use_cases: tuple[UseCase, ...] = USE_CASES
    competitors: dict[str, Words] = COMPETITORS
    least_confidence: Share = 0.5
    precedence: dict[str, Words] = Field(default_factory=dict)
