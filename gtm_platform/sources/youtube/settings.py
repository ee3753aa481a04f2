"""The variables that YouTube is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Words, words


class YouTubeSettings(SystemSettings):
    """What YouTube is read with."""

    title = "YouTube"
    required_env = ("YOUTUBE_API_KEY",)
    where = "Google Cloud console → APIs & Services → Credentials, with the YouTube Data API v3 enabled"
    permissions = "none: an API key reads what is public; restrict it to the YouTube Data API"
    when_refused = (
        "A key that is not valid was deleted: make a new one. A 403 is a project without the YouTube Data API v3: "
        "enable it, or take the restriction off the key."
    )

    youtube_api_key: Secret = Field(default=None, description="API key of a Google Cloud project.")
    youtube_base_url: str = Field(
        default="https://youtube.googleapis.com/youtube/v3", description="Address of the API, with its version."
    )
    youtube_max_searches_per_day: int = Field(
        default=80, ge=1, description="Searches of a day's run, of the 100 that a project may make a day."
    )
    youtube_channel_ids: Words = Field(
        default="", description="Channels whose uploads are read, such as competitors' own, separated by commas."
    )
    youtube_competitors: Words = Field(
        default="Pinecone,Weaviate,Qdrant,Milvus,Elasticsearch,pgvector",
        description="Names of competing products that are searched for, separated by commas.",
    )

    @property
    def channel_ids(self) -> tuple[str, ...]:
        """The channels whose uploads are read."""
        return words(self.youtube_channel_ids)

    @property
    def competitors(self) -> tuple[str, ...]:
        """The names of competing products."""
        return words(self.youtube_competitors)
