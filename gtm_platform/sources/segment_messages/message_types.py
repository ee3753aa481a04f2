"""Which stream each type of message belongs to: what its webhook and its source agree on."""

DELETE = "delete"
STREAM_OF = {
    "track": "happenings",
    "page": "happenings",
    "screen": "happenings",
    "identify": "people",
    "group": "companies",
    DELETE: "people",
}
