"""How runs live: the Dagster instance, the policy of the whole graph, which runs are alive. It knows no GTM."""
