"""What a hook declares: everything that differs from system to system. A new hook is one file, `hook.py` with HOOKS."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

from gtm_platform.ingest.discovery import discover
from gtm_platform.ingest.hooks.bodies import has_key
from gtm_platform.ingest.hooks.delivery import Delivery, Event, Reply
from gtm_platform.ingest.hooks.verifiers import Verifier
from gtm_platform.settings import SystemSettings, settings, settings_of, words

PATH = "/webhooks/"
PACKAGES = ("gtm_platform.sources", "gtm_platform.delivery")
ENCRYPTION_KEY = "GTM_ENCRYPTION_KEY"
NO_KEY = f"{ENCRYPTION_KEY} (`gtm hooks key` makes one)"


@dataclass(frozen=True)
class Hook:
    """A webhook that a system sends to `/webhooks/<name>`.

    `secret` is the variable with the secret; several, separated by commas, are valid at once while one replaces
    another. `source` is whose windows are read because of it. Of a system that cannot be asked the hook `keeps_bodies`,
    until what is in them has landed. `setup` says where in the system it is registered, `topics` what to choose there.
    """

    name: str
    title: str
    settings: type[SystemSettings]
    secret: str
    verifier: Verifier
    events: Callable[[Delivery], Iterator[Event]]
    source: str
    setup: str
    topics: str
    repeats: str  # how it repeats what was not answered
    needs_public_url: bool = False
    keeps_bodies: bool = False
    reply: Callable[[Delivery], Reply | None] = lambda _delivery: None

    @property
    def path(self) -> str:
        """The path of its address."""
        return PATH + self.name

    @property
    def address(self) -> str:
        """Its address as the system is to be given it."""
        return public_url() + self.path

    def secrets(self) -> list[bytes]:
        """Return the secrets that are valid now."""
        value = getattr(settings_of(self.settings), self.secret.lower())
        return [word.encode() for word in words(value.get_secret_value())] if value else []

    def missing(self) -> list[str]:
        """List what is to be set before it is on."""
        return [
            *([] if self.secrets() else [self.secret]),
            *(["GTM_PUBLIC_URL"] if self.needs_public_url and not settings().gtm_public_url else []),
            *([NO_KEY] if self.keeps_bodies and not has_key() else []),
        ]

    def off(self) -> str | None:
        """Say why it is off; None where it is on."""
        missing = self.missing()
        return f"off: set {' and '.join(missing)} (see .env.example)" if missing else None


def discover_hooks() -> tuple[Hook, ...]:
    """Return every hook that a package of a source or of a destination declares, by name."""
    declared = chain.from_iterable(discover(package, "hook", "HOOKS").values() for package in PACKAGES)
    hooks = sorted(chain.from_iterable(declared), key=lambda hook: hook.name)
    names = [hook.name for hook in hooks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(f"Several hooks are called {min(twice)!r}: name each after what sends it.")
    return tuple(hooks)


@cache
def hooked_sources() -> frozenset[str]:
    """Return the sources whose windows are read because of hooks."""
    return frozenset(hook.source for hook in discover_hooks())


def public_url() -> str:
    """Return the address under which the API is reached from outside, else that of this machine."""
    url = settings().gtm_public_url
    return url.rstrip("/") if url else "http://127.0.0.1:8000"


def longest_prefix(kind: str, streams: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the streams of the longest dotted beginning of a kind that is listed."""
    parts = kind.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((streams[each] for each in beginnings if each in streams), ())
