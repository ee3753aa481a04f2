"""The plain text of what people write in HTML."""

import pytest

from gtm_platform.ingest.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>I want to <b>cancel</b></p><p>now</p>", "I want to cancel\nnow"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("a &lt; b &amp; c&nbsp;d", "a < b & c d"),
        ("<style>p {color: red}</style><p>seen</p><script>alert(1)</script>", "seen"),
        ("no markup,   only\n words", "no markup, only\nwords"),
        ("<p></p>", None),
        ("<p>never closed", "never closed"),
        (None, None),
    ],
)
def test_it_is_what_a_person_reads(html: str | None, expected: str | None) -> None:
    assert plain_text(html) == expected
