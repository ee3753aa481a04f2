"""The files that people of the made-up company drop: lists, partners, research, drawn from the same world."""

from gtm_platform.sandbox.files.dropped import DroppedFile, files_between, newest_drop

__all__ = ["DroppedFile", "files_between", "newest_drop"]
