"""The families of metrics, a module each."""
