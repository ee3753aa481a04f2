"""The plain text of what people write, and its tone."""

import pytest

from gtm_platform.sources.tone import plain, tone


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
def test_plain_is_what_is_read(html: str | None, expected: str | None) -> None:
    assert plain(html) == expected


def test_tone_tells_anger_from_delight() -> None:
    assert tone("This is terrible, the worst support ever") < -0.5
    assert tone("Excellent, I love it") > 0.4
    assert tone("The invoice is from March") == 0
    assert tone("") == 0
