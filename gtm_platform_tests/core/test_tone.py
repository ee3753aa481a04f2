"""The tone of what people write."""

import subprocess
import sys

from gtm_platform.core.tone import tone


def test_tone_tells_anger_from_delight() -> None:
    assert tone("This is terrible, the worst support ever") < -0.5
    assert tone("Excellent, I love it") > 0.4
    assert tone("The invoice is from March") == 0
    assert tone("") == 0


AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from gtm_platform.core.tone import tone

sys.setswitchinterval(1e-6)
texts = ["This is really bad.", "Nobody answers, which is truly terrible."] * 3
with ThreadPoolExecutor(8) as threads:
    tones = list(threads.map(lambda _: [tone(text) for text in texts], range(8)))
right = [tone(text) for text in texts]
assert all(each == right for each in tones), tones
"""


def test_the_first_of_several_threads_gets_the_same_as_the_others() -> None:
    subprocess.run([sys.executable, "-c", AT_ONCE], check=True)
