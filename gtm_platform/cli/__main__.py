"""`python -m gtm_platform.cli`, the same as `gtm`."""

from gtm_platform.cli import gtm

if __name__ == "__main__":
    gtm()
