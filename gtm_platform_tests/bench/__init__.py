"""What the platform costs, measured beside something that everybody knows. Nothing in here is a test: no figure decides
whether a change is right, and none is looked at by pytest. `python -m gtm_platform_tests.bench --help`."""
