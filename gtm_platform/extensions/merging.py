"""People's own definitions beside the platform's: what is broken is left out, and heard of until it is mended."""

import logging
from collections.abc import Callable, Sequence

import dagster as dg

from gtm_platform.extensions.modules import Broken, Extension, load
from gtm_platform.settings import settings

log = logging.getLogger(__name__)

Complete = Callable[[dg.Definitions], dg.Definitions]


class BrokenExtension(RuntimeError):
    """A module of a person's own was left out; the message names its file and says why."""


def extended(platform: dg.Definitions, complete: Complete) -> dg.Definitions:
    """Merge what GTM_EXTENSIONS names into the platform's definitions.

    A module that is broken takes nothing down: it is left out, logged as an error, listed by `gtm doctor`, and a sensor
    fails with its sentence, which the UI shows and the alerts about failing sensors pass on.
    """
    if not settings().gtm_extensions:
        return platform
    merged, broken = merge(platform, complete)
    for extension in broken:
        log.error("%s", extension)
    return dg.Definitions.merge(merged, dg.Definitions(sensors=[_report(broken)])) if broken else merged


def merge(platform: dg.Definitions, complete: Complete) -> tuple[dg.Definitions, list[Broken]]:
    """Return the platform with every extension that is sound, and those that are not.

    `complete` adds what is made for the whole graph: an extension must not clash with that either.
    """
    extensions, broken = load()
    extensions = _with_all_dependencies(platform, extensions, broken)
    try:
        return _merged(platform, extensions, complete), broken
    except Exception:  # one of them is at fault: each is tried with those that are not
        log.debug("The extensions cannot be merged at once; each is tried by itself.", exc_info=True)
    sound: list[Extension] = []
    for extension in extensions:
        try:
            _merged(platform, [*sound, extension], complete)
        except Exception as error:
            broken.append(Broken(extension.path, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"))
        else:
            sound.append(extension)
    return _merged(platform, sound, complete), broken


def _merged(platform: dg.Definitions, extensions: Sequence[Extension], complete: Complete) -> dg.Definitions:
    merged = dg.Definitions.merge(platform, *(extension.definitions for extension in extensions))
    dg.Definitions.validate_loadable(complete(merged))
    return merged


def _with_all_dependencies(
    platform: dg.Definitions, extensions: list[Extension], broken: list[Broken]
) -> list[Extension]:
    """Leave out what depends on tables nobody makes: Dagster takes them for another system's."""
    made = set(platform.resolve_asset_graph().get_all_asset_keys())
    while True:
        keys = made.union(*(_keys(extension) for extension in extensions))
        missing = {extension.path: _dependencies(extension) - keys for extension in extensions}
        if not any(missing.values()):
            return extensions
        for path, names in missing.items():
            if names:
                tables = ", ".join(sorted(key.to_user_string() for key in names))
                broken.append(
                    Broken(path, f"it depends on {tables}, which nobody makes. If another system does: dg.AssetSpec.")
                )
        extensions = [extension for extension in extensions if not missing[extension.path]]


def _keys(extension: Extension) -> set[dg.AssetKey]:
    assets = extension.definitions.assets or []
    made = {key for asset in assets if isinstance(asset, dg.AssetsDefinition) for key in asset.keys}
    return made | {asset.key for asset in assets if isinstance(asset, dg.AssetSpec)}


def _dependencies(extension: Extension) -> set[dg.AssetKey]:
    assets = extension.definitions.assets or []
    return {key for asset in assets if isinstance(asset, dg.AssetsDefinition) for key in asset.dependency_keys}


def _report(broken: Sequence[Broken]) -> dg.SensorDefinition:
    sentences = "\n".join(map(str, broken))

    @dg.sensor(
        name="report_broken_extensions",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=300,
        description=f"Fails as long as modules of GTM_EXTENSIONS are broken. {sentences}",
    )
    def report() -> dg.SkipReason:
        raise BrokenExtension(sentences)

    return report
