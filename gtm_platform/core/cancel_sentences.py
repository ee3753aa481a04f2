"""By which sentence a text speaks of cancelling: meant, and about what we sell. The words are the policy's."""

import re

import ibis

from gtm_platform.policy.support import Cancelling

ANCHORED = re.compile(r"[\^$]|\\[Az]")
SENTENCE_ENDS = r"[.!?…\n。！？]+"


def cancel_sentence(text: ibis.ir.StringValue, words: Cancelling) -> ibis.ir.StringValue:
    """Return the first sentence that speaks of cancelling; null where none does."""
    sentences = text.re_split(SENTENCE_ENDS).filter(lambda sentence: _is_meant(sentence, words))
    return ibis.ifelse(sentences.length() > 0, sentences[0].strip(), ibis.null("string"))


def may_speak(text: ibis.ir.StringValue, words: Cancelling) -> ibis.ir.BooleanValue:
    """Whether a text has the words at all: few do, and only these need a careful look.

    A pattern that asks where a sentence begins or ends is left to that look.
    """
    if ANCHORED.search(words.words):
        return ibis.literal(value=True)
    return _plain(text).re_search(words.words)


def _is_meant(sentence: ibis.ir.StringValue, words: Cancelling) -> ibis.ir.BooleanValue:
    plain = _plain(sentence)
    elsewhere = plain.re_search(words.of_something_else) & ~plain.re_search(words.of_ours)
    return plain.re_search(words.words) & ~plain.re_search(words.negated) & ~elsewhere


def _plain(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Both engines know small letters of any language; their patterns do not."""
    return text.lower().replace("’", "'")
