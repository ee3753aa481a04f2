"""`gtm doctor`: every source and destination, from its keys to the age of its data, and what to do where one fails."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gtm_platform.accounts import describe_account
from gtm_platform.delivery.access import DestinationAccess
from gtm_platform.demo.world import BUCKET_MARK, is_demo_home
from gtm_platform.enrichment.budget import budget_of
from gtm_platform.http.errors import ApiFailure, Forbidden, Unauthorized
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.assets import windows
from gtm_platform.ingest.credits import CreditAllowance
from gtm_platform.ingest.discovery import discover
from gtm_platform.ingest.hooks.hook import discover_hooks
from gtm_platform.ingest.source import Source, Stream, Window
from gtm_platform.keyring import can_encrypt, keyring, require_right_keys
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.postgres_extension import ExtensionMissing
from gtm_platform.lake.store import listed_once, the_bucket
from gtm_platform.policy import policy
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.privacy import at_rest
from gtm_platform.privacy.at_rest import reason_of
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.warehouse import WarehouseFailed, opened, warehouses
from gtm_platform.serving.answers.hooks import hooks_now
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.serving.sign_in import is_on
from gtm_platform.settings import SettingsError, SystemSettings, settings, settings_of
from gtm_platform.sources.assets import SOURCES
from gtm_platform.state import open_state
from gtm_platform.state.api_tokens import all_tokens
from gtm_platform.state.state_file import file_of

if TYPE_CHECKING:
    from gtm_platform.lake.bucket import Bucket

COLOURS = {"ok": "green", "off": "yellow", "failing": "red"}
LATE = timedelta(hours=12)
AT_ONCE = 8  # systems

Check = Callable[[], DestinationAccess]


@dataclass(frozen=True)
class Finding:
    """What was seen of a system, and in further lines what to do or to know."""

    system: str
    state: str  # ok | off | failing
    sentence: str
    details: Sequence[str] = ()


def examine() -> int:
    """Print what is seen of each system; 1 where one that is configured does not work."""
    lake, now = the_lake(), settings().now()
    if bucket := the_bucket():
        show_finding(finding := _bucket(bucket))
        if finding.state == "failing":
            click.echo("Nothing else can be told without the lake.")
            return 1
    checks = discover("gtm_platform.delivery", "access", "check_access")
    destinations = discover("gtm_platform.delivery", "settings", "SETTINGS")
    looks = [partial(source_finding, source, lake, now) for source in SOURCES]
    looks += [partial(_destination, f"delivery/{name}", kind, checks.get(name)) for name, kind in destinations.items()]
    looks += [partial(_warehouse, schema) for schema in policy().publish.schemas]
    findings = []
    with listed_once(), ThreadPoolExecutor(AT_ONCE) as threads:  # each waits for a system of its own
        for finding in chain(
            threads.map(lambda look: look(), looks),
            [_hot_path(now)],
            _extensions(lake, now),
            [_access(now), encryption_finding(settings().home)],
        ):
            findings.append(finding)
            show_finding(finding)
    return int(any(finding.state == "failing" for finding in findings))


def show_finding(finding: Finding) -> None:
    """Print a finding with its details."""
    click.secho(f"{finding.system:<18} {finding.state:<8}", fg=COLOURS[finding.state], nl=False)
    click.echo(f" {finding.sentence}")
    for line in finding.details:
        click.echo(f"{'':<28}{line}")


# --- the lake --------------------------------------------------------------------------------------------------------


def _bucket(bucket: "Bucket") -> Finding:
    """Whether the bucket of the lake can be listed, written to and trusted, and whose data it holds."""
    from gtm_platform.lake.bucket_errors import BucketFailed

    try:
        tables, keeps_names = len(bucket.tables()), bucket.refuses_a_second_put()
        is_demo = bucket.read_mark(BUCKET_MARK) is not None
    except BucketFailed as failure:
        return Finding("lake", "failing", str(failure))
    if not keeps_names:
        return Finding("lake", "failing", f"{bucket.address} lets one file replace another: use another store.")
    if is_demo and not is_demo_home(settings().home):
        return Finding("lake", "failing", f"{bucket.address} holds a made-up company: name another in GTM_LAKE.")
    copies = f"copies, {bucket.copies.taken() / 1e6:,.0f} MB of {bucket.room / 1e6:,.0f}, are in {bucket.root}"
    return Finding("lake", "ok", f"{bucket.address}: {tables} tables; listed, written to and kept", (copies,))


# --- sources ---------------------------------------------------------------------------------------------------------


def source_finding(source: Source, lake: Lake, now: datetime) -> Finding:
    """Look at the keys, connection, permissions and freshness of a source."""
    age = f"last sync: {_freshness(source, lake, now)}"
    hooks = _hooks(source.name, now)
    advice, share = _advice(source.settings), LimitShare(policy().limits.share_of(source.name))
    try:
        if off := source.off():
            return Finding(source.name, "off", off, (*advice, age))
        with source.open(share, _allowance(source)) as client:
            identity, notes = _identity(source, client), tuple(source.notes(client))
            readable = {stream.name: source.stream_for(client, stream) for stream in source.streams}
            streams = [stream for stream in readable.values() if isinstance(stream, Stream)]
            refusals = _refusals(streams, client, now)
    except (ApiFailure, SettingsError) as failure:
        hint = (source.settings.when_refused,) if isinstance(failure, Unauthorized | Forbidden) else ()
        return Finding(source.name, "failing", str(failure), (*hint, age))
    if refusals:
        return Finding(
            source.name, "failing", f"{identity}; {'; '.join(refusals)}", (source.settings.when_refused, *notes, age)
        )
    sentence = f"{identity}; may read {', '.join(stream.name for stream in streams)}"
    return Finding(
        source.name, "ok", sentence, (age, *hooks, *notes, *filter(None, (share.describe(),)), *_credits(source, now))
    )


def _hooks(source: str, now: datetime) -> list[str]:
    """Say of each webhook because of which the source is read whether it comes, and what it lacks."""
    hooks = [hook for hook in discover_hooks() if hook.source == source]
    if not hooks:
        return []
    with closing(open_state(settings().state_url)) as state:
        states = hooks_now(state, now, hooks)
    see = "; see gtm hooks show "
    return [f"webhook {hook.name}: {hook.about}{see + hook.name if hook.trouble else ''}" for hook in states]


def _hot_path(now: datetime) -> Finding:
    """What becomes of webhooks that are followed at once; one that was stopped needs somebody."""
    with closing(open_state(settings().state_url)) as state:
        answer = hot_path_now(state, now)
    is_working = answer.is_on and answer.is_running
    details = (answer.process, answer.last_run and f"last: {answer.last_run}", answer.comparison)
    state_word = "failing" if answer.is_stopped else "ok" if is_working else "off"
    return Finding("hot_path", state_word, answer.about, tuple(each for each in details if each))


def _allowance(source: Source) -> CreditAllowance:
    return CreditAllowance(policy().enrichment.monthly_cap.get(source.name), "doctor")


def _credits(source: Source, now: datetime) -> tuple[str, ...]:
    """What the month has cost of a source that is paid for, where the policy has a cap for it."""
    budget = budget_of(source.name, policy().enrichment, settings().state_url, now)
    return (budget.used,) if budget.cap else ()


def _identity(source: Source, client: Any) -> str:
    """Whose account the key opens, and whether the home belongs to it."""
    sentence = source.check(client).removesuffix(".")
    account = source.account(client)
    if account is None:
        return sentence
    described = describe_account(account)
    return described if sentence == account.label else f"{sentence}; {described}"


def _refusals(streams: Sequence[Stream], client: Any, now: datetime) -> list[str]:
    """Ask each stream for its last minute, and list what is not allowed, or does not work."""
    refusals = []
    for stream in streams:
        try:
            stream.check_access(client, Window(now - timedelta(minutes=1), now))
        except ApiFailure as failure:
            refusals.append(f"{stream.name}: {failure}")
    return refusals


def _freshness(source: Source, lake: Lake, now: datetime) -> str:
    """The end of the newest window of the stream that is furthest behind, and whether that is late."""
    newest = {
        stream.name: max((file.partition for file in lake.closed_files(source.table(stream))), default="")
        for stream in source.streams
    }
    if not source.is_scheduled:
        return f"{max(newest.values()) or 'never'}; it is asked on demand (gtm enrich)"
    if never := [name for name, partition in newest.items() if not partition]:
        return f"never{'' if len(never) == len(newest) else ' for ' + ', '.join(never)}; not fresh"
    end = windows(source.hours).time_window_for_partition_key(min(newest.values())).end
    late = now - end - timedelta(hours=source.hours)
    fresh = "fresh" if late <= LATE else f"stale by {late.total_seconds() / 3600:.0f} hours"
    return f"{end:%Y-%m-%d %H:%M} UTC; {fresh}"


# --- destinations ----------------------------------------------------------------------------------------------------


def _destination(name: str, kind: type[SystemSettings], check: Check | None) -> Finding:
    """Keys, switches, account and permissions of a destination; nothing is sent to it."""
    try:
        config = settings_of(kind)
        if missing := config.missing():
            return Finding(name, "off", f"off: set {' and '.join(missing)} (see .env.example)", _advice(kind))
        access = check() if check else None
        account = describe_account(access.account) if access else "its keys are set"
    except (ApiFailure, SettingsError) as failure:
        hint = (kind.when_refused,) if isinstance(failure, Unauthorized | Forbidden) and kind.when_refused else ()
        return Finding(name, "failing", str(failure), hint)
    if access and access.refusals:
        return Finding(name, "failing", f"{account}; {'; '.join(access.refusals)}", (kind.when_refused, *_advice(kind)))
    switches = [field for field, value in config.model_dump().items() if isinstance(value, bool) and not value]
    if switches:
        variables = " and ".join(f"{field.upper()}=true" for field in switches)
        return Finding(name, "off", f"{account}; it sends nothing: set {variables}", _advice(kind))
    details = (*config.hints(), *(access.notes if access else ()), *filter(None, (access.limits if access else "",)))
    return Finding(name, "ok", f"{account}, and it may send", details)


def _warehouse(schema: PublishedSchema) -> Finding:
    """Keys and connection of the warehouse that a schema of the policy is in; nothing is written."""
    label, kind = f"publish/{schema.name}", warehouses()[schema.warehouse]
    try:
        if missing := settings_of(kind).missing():
            return Finding(label, "off", f"off: set {' and '.join(missing)} (see .env.example)", _advice(kind))
        with opened(schema.warehouse, schema.name):
            pass
    except (CannotPublish, ExtensionMissing, SettingsError, WarehouseFailed) as failure:
        return Finding(label, "failing", str(failure), (kind.when_refused,))
    return Finding(label, "ok", f"{kind.title} can be reached, and {len(schema.tables)} tables are published to it")


# --- people's own ----------------------------------------------------------------------------------------------------


def _extensions(lake: Lake, now: datetime) -> list[Finding]:
    """The modules of GTM_EXTENSIONS: the sources that they declare, and which are left out."""
    if not settings().gtm_extensions:
        return []
    from gtm_platform.automation.definitions import automated
    from gtm_platform.definitions import platform
    from gtm_platform.extensions.declared_source import declared_sources
    from gtm_platform.extensions.merging import merge

    _, broken = merge(platform(), automated)
    sources = [source_finding(source, lake, now) for source in declared_sources()]
    if broken:
        return [*sources, Finding("extensions", "failing", "left out until mended", tuple(map(str, broken)))]
    return [*sources, Finding("extensions", "ok", f"every module of {settings().gtm_extensions} takes part")]


# --- who may see what ------------------------------------------------------------------------------------------------


def _access(now: datetime) -> Finding:
    """Whether people sign in to the dashboard, and whether tokens are narrowed by roles."""
    try:
        signs_in = is_on(settings())
    except SettingsError as failure:
        return Finding("access", "failing", str(failure))
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        tokens = [token for token in all_tokens(tx) if token.is_valid(now)]
    roleless = sum(token.role is None for token in tokens)
    listed = f"{len(tokens)} tokens, {roleless} without a role" if tokens else "no token"
    if not signs_in:
        open_to_all = "nobody signs in to the dashboard: whoever reaches it sees everything; it listens on this machine"
        return Finding("access", "off", f"{open_to_all} only. {listed}", ("to change it: GTM_OIDC_*, docs/access.md",))
    rules = policy().access
    members = f"{len(rules.members)} members and {len(rules.groups)} groups have roles"
    return Finding("access", "ok", f"people sign in to the dashboard; {members}. {listed}")


# --- encryption ------------------------------------------------------------------------------------------------------


def encryption_finding(home: Path) -> Finding:
    """What of the home is encrypted, by its bytes, and what everybody can read who has its disk."""
    try:
        require_right_keys()
        seen = at_rest.look(home)
    except SettingsError as failure:
        return Finding("encryption", "failing", str(failure))
    shares = tuple(f"{name}: {use.describe()}" for name, use in seen.uses.items() if use.files)
    if file_of(settings().state_url) is None:
        shares += ("state: on the disk of its server, encrypted where that is",)
    plain = tuple(f"plain: {name} ({size / 1e6:,.1f} MB): {reason_of(name)}" for name, size in seen.plain.items())
    if lost := seen.keys - keyring().keys.keys():
        names = ", ".join(sorted(lost))
        return Finding("encryption", "failing", f"GTM_KEYS lacks {names}, which files are encrypted with", shares)
    if not seen.writing:
        to_do = ("to end it: gtm key rotate",) if seen.keys else ("to change it: gtm key new, docs/encryption.md",)
        return Finding(
            "encryption", "off", "what is written is plain: GTM_KEYS names no key that encrypts", (*shares, *to_do)
        )
    if not can_encrypt():
        return Finding("encryption", "failing", "it needs packages: pip install 'gtm-platform[encryption]'", shares)
    if seen.to_rotate:
        rest = f"what is written is under {seen.writing}; {seen.to_rotate:,} files are not: gtm key rotate"
        return Finding("encryption", "ok", rest, (*shares, *plain))
    return Finding("encryption", "ok", f"lake, snapshots, state and files are under {seen.writing}", (*shares, *plain))


def _advice(kind: type[SystemSettings]) -> tuple[str, ...]:
    lines = (("get it at: ", kind.where), ("it needs: ", kind.permissions.replace("`", "")))
    return tuple(f"{label}{text}" for label, text in lines if text)
