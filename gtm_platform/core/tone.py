"""How friendly a text sounds."""

from threading import Lock

# The first caller has the words loaded; a thread that calls meanwhile would be answered out of half of them.
_lexicon = Lock()


def tone(text: str) -> float:
    """Rate a text from -1 (hostile) to 1 (delighted); 0 where no word is rated, as outside English."""
    from textblob.en import polarity  # brings all of nltk, which only a process that reads messages needs

    with _lexicon:
        return float(polarity(text))
