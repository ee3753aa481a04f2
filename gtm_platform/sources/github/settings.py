"""The variables that GitHub is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text, Words, words


class GitHubSettings(SystemSettings):
    """What GitHub is read with."""

    title = "GitHub"
    required_env = ("GITHUB_TOKEN",)
    where = "Settings → Developer settings → Fine-grained tokens"
    permissions = "public repositories, read only; read:user shows public e-mail addresses of those who star"
    when_refused = "A 401 is a token that has expired or was revoked: make a new one and set GITHUB_TOKEN."

    github_token: Secret = Field(default=None, description="Personal access token, for what is public only.")
    github_base_url: str = Field(default="https://api.github.com", description="Address of the REST API.")
    github_graphql_url: Text = Field(
        default=None, description="Address of the GraphQL API; default: graphql below GITHUB_BASE_URL."
    )
    github_watched_repos: Words = Field(
        default="chroma-core/chroma,langchain-ai/langchain,run-llama/llama_index",
        description="Repositories whose stars, forks and issues are read, as owner/name, separated by commas.",
    )
    github_competitor_packages: Words = Field(
        default=(
            "pinecone:pinecone-client,weaviate:weaviate-client,qdrant:qdrant-client,milvus:pymilvus,"
            "elasticsearch:elasticsearch,pgvector:pgvector"
        ),
        description="Packages whose import is searched for, as competitor:package, separated by commas.",
    )

    @property
    def repositories(self) -> tuple[str, ...]:
        """The watched repositories."""
        return words(self.github_watched_repos)

    @property
    def packages(self) -> tuple[tuple[str, str], ...]:
        """Competitor and package, in the order of the setting."""
        pairs = (word.partition(":") for word in words(self.github_competitor_packages))
        return tuple((competitor.strip(), package.strip()) for competitor, _, package in pairs if package.strip())
