"""Which sentences speak of cancelling, in several languages: meant, by the writer, and about what we sell."""

import ibis
import pytest

from gtm_platform.core.cancel_sentences import cancel_sentence, may_speak
from gtm_platform.core.own_words import own_words
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import policy

MEANT = [
    "We have decided to cancel our subscription at the end of the month.",
    "how do I cancel? I can't find the button anywhere.",
    "If search is not fixed by Friday we will have to cancel.",
    "I cannot cancel my plan, please do it for me",
    "Why can't I cancel my account",
    "You can not cancel this for us?",
    "What are your cancellation terms? We are moving to another tool.",
    "our CFO asks us to be cancelled before the next renewal",
    "We’re thinking about canceling because exports never worked for us",
    "After our call we decided to cancel",
    "We cancel because your exports never run",
    "The meeting about our contract was cancelled, so please cancel our contract, too",
    "We are going to terminate our contract",
    "Please close our account.",
    "We won't be renewing in March",
    "We do not plan to renew",
    "Hiermit kündigen wir unseren Vertrag zum 31.12.",
    "Der Vertrag ist gekündigt",
    "KÜNDIGUNG",
    "Nous souhaitons résilier notre abonnement",
    "Je veux annuler mon abonnement",
    "Queremos cancelar la suscripción",
    "Quiero darme de baja, es decir: darnos de baja a todos",
    "No funciona, quiero cancelar",
    "Gostaríamos de cancelar a assinatura",
    "Vogliamo disdire il contratto",
    "Vorremmo mandare la disdetta",
    "Wij willen ons abonnement opzeggen",
    "解約したいです",
]
NOT_MEANT = [
    "We do not want to cancel",
    "I don't want to cancel, I only have a question about the invoice",
    "we aren't going to cancel our plan",
    "Rest assured, we have no plans to cancel",
    "We decided not to cancel",
    "We will never cancel",
    "I'd like to downgrade rather than cancel",
    "we no longer want to cancel",
    "I cancelled my Zoom meeting",
    "Can we cancel tomorrow's call?",
    "Our demo was cancelled, when is the next one",
    "The import has been cancelled, why?",
    "Press cancel and the dialog hangs",
    "The cancel button in the dialog is grey",
    "noise-cancelling headphones arrived",
    "The plan was uncancelled",
    "Wir möchten nicht kündigen",
    "Wir kündigen euch nicht",
    "Nous ne voulons pas résilier",
    "No queremos cancelar",
    "Wij willen niet opzeggen",
    "Thanks, that helps",
    "",
]
QUOTED = [
    "Thanks!\n> I want to cancel\n> our plan",
    "Thanks!\n\nOn Mon, 16 Nov 2026 at 10:03, Support wrote:\nYou may cancel any time.",
    "Danke!\nAm 16.11.2026 um 10:03 schrieb Support:\nSie können jederzeit kündigen.",
    "Thanks\n-----Original Message-----\nYou may cancel any time.",
    "Thanks\nFrom: Support\nSent: Monday\nYou may cancel any time.",
    "Automatic reply: I am out of the office. To cancel an appointment, or your subscription, call me.",
    "Abwesenheitsnotiz: Kündigungen bearbeitet meine Kollegin.",
]


def sentence(text: str) -> str | None:
    rules = policy().support
    answer = cancel_sentence(own_words(ibis.memtable({"body": [text]})["body"], rules.auto_reply), rules.cancelling)
    return engine().to_pyarrow(answer.name("sentence")).to_pylist()[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_is_noticed(text: str) -> None:
    assert sentence(text)


@pytest.mark.parametrize("text", NOT_MEANT)
def test_what_is_negated_or_about_something_else_is_not(text: str) -> None:
    assert sentence(text) is None


@pytest.mark.parametrize("text", QUOTED)
def test_what_is_quoted_or_automatic_is_not(text: str) -> None:
    assert sentence(text) is None


def test_the_evidence_is_the_sentence_as_it_was_written() -> None:
    assert sentence("Hello!\nWe’re unhappy. Please CANCEL our plan, thanks! Bye.") == "Please CANCEL our plan, thanks"
    assert sentence("We do not want to cancel. But if this goes on we have to cancel.") == (
        "But if this goes on we have to cancel"
    )


@pytest.mark.parametrize("words", [policy().support.cancelling.words, r"^ *we (?:cancel|are going)", r"cancel *$"])
def test_whoever_speaks_of_it_is_among_those_that_may(words: str) -> None:
    """Few texts are looked at with care; none of those that speak of cancelling is left out, whatever the pattern."""
    rules = policy().support.cancelling.model_copy(update={"words": words})
    texts = ibis.memtable({"body": [*MEANT, *(f"Hello. {each} Thanks!" for each in MEANT), "Good morning"]})
    body = texts["body"]
    speaking = texts.filter(cancel_sentence(body, rules).notnull())
    left_out = speaking.filter(lambda t: ~may_speak(t["body"], rules))
    assert engine().to_pyarrow(speaking.count()).as_py()
    assert engine().to_pyarrow(left_out.count()).as_py() == 0
