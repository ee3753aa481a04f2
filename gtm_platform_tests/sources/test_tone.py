"""The plain text of what people write, and its tone."""

import subprocess
import sys

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


AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from gtm_platform.sources.tone import tone

sys.setswitchinterval(1e-6)
asked = ["This is really bad.", "Nobody answers, which is truly terrible."] * 3
with ThreadPoolExecutor(8) as threads:
    told = list(threads.map(lambda _: [tone(text) for text in asked], range(8)))
right = [tone(text) for text in asked]
assert all(each == right for each in told), told
"""


def test_whoever_asks_first_is_told_the_same_as_whoever_asks_later() -> None:
    subprocess.run([sys.executable, "-c", AT_ONCE], check=True)
