"""People's own assets: modules in a folder or package of theirs, merged into the platform's graph. None is ours."""
