"""Having a lander sync before its tables are read, through Dagster's own packages for Fivetran and Airbyte.

They come with the extras `fivetran` and `airbyte`. Without the id of a connection the lander syncs by itself only.
"""

import warnings
from collections.abc import Callable
from typing import Any

import dagster as dg

from gtm_platform.http.errors import ApiFailure, BadRequest, Unavailable
from gtm_platform.http.redaction import excerpt
from gtm_platform.settings import Secret
from gtm_platform.sources.landed.settings import LandedSettings

POLL_SECONDS = 10.0
LONGEST_SYNC = 2 * 60 * 60.0  # seconds that a sync is waited for
PUBLIC_API, CONFIGURATION_API = "/api/public/v1", "/api/v1"  # of one's own Airbyte, below its address


def trigger_sync(settings: LandedSettings) -> None:
    """Have the lander sync, and wait until it has."""
    if settings.way == "api" or settings.connection is None:
        return
    lander = settings.way
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # of the packages themselves
            TRIGGERS[lander](settings, settings.connection)
    except ModuleNotFoundError:
        raise BadRequest(lander, f"To have it sync beforehand: pip install 'gtm-platform[{lander}]'.") from None
    except ApiFailure:
        raise
    except dg.RetryRequested:
        raise Unavailable(lander, f"{lander} has put the sync of {settings.title} off.") from None
    except Exception as error:  # what its package raises is not declared
        reason = error.description if isinstance(error, dg.Failure) else type(error).__name__
        raise Unavailable(lander, f"{lander} did not sync {settings.title}: {excerpt(reason or '')}") from None


def _fivetran(settings: LandedSettings, connection: str) -> None:
    from dagster_fivetran import FivetranWorkspace

    key, secret = _required(settings, "fivetran_api_key"), _required(settings, "fivetran_api_secret")
    workspace = FivetranWorkspace(account_id=key, api_key=key, api_secret=secret, disable_schedule_on_trigger=False)
    workspace.get_client().sync_and_poll(connection, poll_interval=POLL_SECONDS, poll_timeout=LONGEST_SYNC)


def _airbyte(settings: LandedSettings, connection: str) -> None:
    from dagster_airbyte import AirbyteCloudWorkspace, AirbyteWorkspace

    access: dict[str, Any] = {
        "workspace_id": settings.airbyte_workspace_id or "",
        "client_id": _required(settings, "airbyte_client_id"),
        "client_secret": _required(settings, "airbyte_client_secret"),
        "poll_interval": POLL_SECONDS,
        "poll_timeout": LONGEST_SYNC,
        "poll_previous_running_sync": True,
    }
    if base := settings.airbyte_base_url:
        configuration = base.replace(PUBLIC_API, CONFIGURATION_API)
        own = AirbyteWorkspace(rest_api_base_url=base, configuration_api_base_url=configuration, **access)
        own.get_client().sync_and_poll(connection)
    else:
        AirbyteCloudWorkspace(**access).get_client().sync_and_poll(connection)


TRIGGERS: dict[str, Callable[[LandedSettings, str], None]] = {"fivetran": _fivetran, "airbyte": _airbyte}


def _required(settings: LandedSettings, name: str) -> str:
    value: Secret = getattr(settings, name)
    if value is None:
        raise BadRequest(settings.way, f"To have {settings.way} sync {settings.title} beforehand, set {name.upper()}.")
    return value.get_secret_value()
