"""Sources without code: a paged list of an API, declared as values, that becomes a Source like any other.

How such a declaration is written in a file, and loaded, stands in `extensions.declared_source`.
"""
