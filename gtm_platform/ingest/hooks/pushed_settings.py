"""The variables of systems that only send. The receiver of webhooks needs no more of such a source than these."""

from gtm_platform.settings import SystemSettings


class PushedSettings(SystemSettings):
    """What holds for every system that only sends: one secret of several is enough."""

    permissions = "none: it sends, and nothing is read there"
    when_refused = "`gtm hooks` says what came of what it sent."

    def secrets_missing(self) -> list[str]:
        """List the variables of secrets, where none of them is set."""
        names = [name for name in type(self).model_fields if name.endswith("_webhook_secret")]
        return [] if any(getattr(self, name) for name in names) else [" or ".join(name.upper() for name in names)]
