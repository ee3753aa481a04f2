"""In which encoding a text file is written: by its mark, else by what its bytes can be. Read in pieces, never whole."""

import codecs
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gtm_platform.sealed_files import open_file

CHUNK = 1 << 20
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ESCAPED = re.compile("[\udc80-\udcff]")  # a byte that is not UTF-8, as the decoder keeps it
NOT_ASCII = re.compile("[^\x00-\x7f]")
NUL_SHARE = 0.2  # of the bytes at even or odd places, from which on they are halves of UTF-16
NAMES = {"utf-8-sig": "UTF-8 with a mark", "utf-8": "UTF-8", "cp1252": "Windows-1252", "utf-32": "UTF-32"}
WORKBOOKS = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed with gzip",
}
UNREADABLE = "\ufffd"  # what stands where bytes could not be read


@dataclass(frozen=True)
class Encoding:
    """The codec that reads a file, and what people call it."""

    codec: str

    @property
    def title(self) -> str:
        """What people call it."""
        return NAMES.get(self.codec, self.codec.upper())

    def open(self, path: Path) -> IO[str]:
        """Open the file to read lines; what cannot be decoded becomes the mark UNREADABLE in its row."""
        return io.TextIOWrapper(open_file(path), encoding=self.codec, errors="replace", newline="")


def foreign_kind(path: Path) -> str | None:
    """Say what a file is that is no text; None for one that may be text."""
    with open_file(path) as file:
        begin = file.read(512)
    for mark, kind in WORKBOOKS.items():
        if begin.startswith(mark):
            return kind
    if begin.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None


def encoding_of(path: Path) -> Encoding:
    """Return the encoding of a text file."""
    with open_file(path) as file:
        begin = file.read(CHUNK)
        for mark, codec in MARKS:
            if begin.startswith(mark):
                return Encoding(codec)
        if unmarked := _unmarked_utf16(begin):
            return Encoding(unmarked)
        return Encoding(_eight_bit(begin, file))


def _unmarked_utf16(begin: bytes) -> str | None:
    """UTF-16 without a mark: most text in it has a NUL in every second byte."""
    half = max(1, len(begin) // 2)
    if begin[1::2].count(0) > NUL_SHARE * half and begin[0::2].count(0) <= NUL_SHARE * half / 10:
        return "utf-16-le"
    if begin[0::2].count(0) > NUL_SHARE * half and begin[1::2].count(0) <= NUL_SHARE * half / 10:
        return "utf-16-be"
    return None


def _eight_bit(begin: bytes, file: IO[bytes]) -> str:
    """UTF-8, also where a few bytes of it are damaged; Windows-1252 where its letters are none of UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    wrong, right = 0, 0
    chunk = begin
    while chunk:
        text = decoder.decode(chunk)
        escaped = len(ESCAPED.findall(text))
        wrong, right = wrong + escaped, right + len(NOT_ASCII.findall(text)) - escaped
        chunk = file.read(CHUNK)
    wrong += len(ESCAPED.findall(decoder.decode(b"", final=True)))
    return "cp1252" if wrong > right else "utf-8"
