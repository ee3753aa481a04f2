"""The body of an answer as it was before it was packed, in small pieces: a few bytes can unpack to gigabytes."""

import zlib
from collections.abc import Iterator

import httpx

PIECE = 1 << 16
GZIP = zlib.MAX_WBITS | 16


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        return response.iter_raw()
    if packing != "gzip":
        raise httpx.DecodingError(f"The answer is packed as '{packing}', which was not asked for")
    return _gunzipped(response.iter_raw())


def _gunzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
    gzip = zlib.decompressobj(GZIP)
    for chunk in packed:
        while chunk and not gzip.eof:
            try:
                yield gzip.decompress(chunk, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            chunk = gzip.unconsumed_tail
    if not gzip.eof:
        raise httpx.DecodingError("The packed answer breaks off")
