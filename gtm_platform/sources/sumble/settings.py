"""The variables that Sumble is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Words, words


class SumbleSettings(SystemSettings):
    """What Sumble is read with."""

    title = "Sumble"
    required_env = ("SUMBLE_API_KEY",)
    where = "Account → API keys; a key is shown once"
    permissions = "none to choose; every call costs credits of the account"
    when_refused = (
        "A 401 is a key that was deleted: make a new one. A 402 means that the credits are used up: buy some."
    )

    sumble_api_key: Secret = Field(default=None, description="API key of Sumble.")
    sumble_base_url: str = Field(default="https://api.sumble.com", description="Address of the API.")
    sumble_api_version: str = Field(default="v9", description="Version of the API; others have other shapes.")
    sumble_max_credits_per_run: int = Field(
        default=5_000,
        ge=1,
        description="Credits that one run may spend; a page that would pass them is not asked for.",
    )
    sumble_competitors: Words = Field(
        default="pinecone,weaviate,qdrant,milvus,elasticsearch,pgvector",
        description="Sumble's slugs of competing products, separated by commas: posts that mention one are read.",
    )
    sumble_technologies: Words = Field(
        default="langchain,llamaindex,rag,llm",
        description="Slugs of further technologies whose mention is a buying signal, separated by commas.",
    )
    sumble_job_functions: Words = Field(
        default="Machine Learning Engineer,AI Engineer",
        description="Job functions whose posts are a buying signal, as Sumble calls them, separated by commas.",
    )

    @property
    def competitors(self) -> tuple[str, ...]:
        """The slugs of competing products."""
        return words(self.sumble_competitors)

    @property
    def technologies(self) -> tuple[str, ...]:
        """The slugs of technologies that are a signal."""
        return words(self.sumble_technologies)

    @property
    def job_functions(self) -> tuple[str, ...]:
        """The job functions that are a signal."""
        return words(self.sumble_job_functions)
