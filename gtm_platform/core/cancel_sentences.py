"""By which sentence a text speaks of cancelling: meant, and about what we sell. The words are the policy's."""

import ibis

from gtm_platform.policy.support import Cancelling

SENTENCE_ENDS = r"[.!?…\n。！？]+"


def cancel_sentence(text: ibis.ir.StringValue, words: Cancelling) -> ibis.ir.StringValue:
    """Return the first sentence that speaks of cancelling; null where none does."""
    sentences = text.re_split(SENTENCE_ENDS).filter(lambda sentence: _is_meant(sentence, words))
    return ibis.ifelse(sentences.length() > 0, sentences[0].strip(), ibis.null("string"))


def _is_meant(sentence: ibis.ir.StringValue, words: Cancelling) -> ibis.ir.BooleanValue:
    """Both engines know small letters of any language; their patterns do not."""
    plain = sentence.lower().replace("’", "'")
    elsewhere = plain.re_search(words.of_something_else) & ~plain.re_search(words.of_ours)
    return plain.re_search(words.words) & ~plain.re_search(words.negated) & ~elsewhere
