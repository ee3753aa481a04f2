"""Research by hand as a source: which companies use a competitor's product, as somebody of ours saw it."""
