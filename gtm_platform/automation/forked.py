"""What the fork server of `step_processes` imports first: what holds in it and in all its copies."""

import warnings

warnings.filterwarnings("ignore", message="Parameter `.*` is currently in beta")
