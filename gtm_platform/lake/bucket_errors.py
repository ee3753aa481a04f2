"""What goes wrong with a bucket, as sentences: the client's own text may hold a signature, or the id of a key."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

MISSING = "GTM_LAKE names a bucket, which needs obstore: pip install 'gtm-platform[bucket]'."
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or the role of the machine",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or the service account of the machine",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or the identity of the machine",
}
REASONS = {  # by what the client names its own errors
    "TimedOut": "no answer in time",
    "ConnectionRefused": "nobody listens there",
    "dns error": "its name is not known",
    "error sending request": "the connection broke",
    "decoding response body": "the connection broke",
}


class BucketFailed(RuntimeError):
    """The bucket did not do what it was asked; the message says why and what to do, and holds no key."""


class NameUsed(BucketFailed):
    """Another file has the name that a file was to get; nothing was replaced."""


@contextmanager
def failing(address: str, what: str) -> Iterator[None]:
    """Turn what the client raises into a sentence that begins with what the bucket could not do."""
    try:
        yield
    except BucketFailed:
        raise
    except Exception as error:
        if (sentence := _sentence(address, error)) is None:
            raise
        raise BucketFailed(f"{address} could not {what}: {sentence}") from None


def _sentence(address: str, error: Exception) -> str | None:
    """What went wrong, and what to do; None where it is not the bucket's fault."""
    kind, answer = type(error).__name__, str(error)
    status = next(iter(re.findall(r"status code: ([45]\d\d)\b", answer)), "")
    code = next(iter(re.findall(r"<Code>(\w+)</Code>", answer)), "")
    why = " ".join(filter(None, (status, code)))
    scheme = address.partition("://")[0]
    if code == "NoSuchBucket":
        return "there is no such bucket. Make it, or mend GTM_LAKE."
    if kind in ("PermissionDeniedError", "UnauthenticatedError") or status in ("401", "403"):
        keys = CREDENTIALS.get(scheme, "the keys")
        return f"it refuses the keys ({why or kind}). See {keys}, and that they may list, read, write and delete."
    if kind == "NotFoundError" or isinstance(error, FileNotFoundError):
        return "it is not there any more. It was removed after it was listed; run it again."
    if status == "501" or kind == "NotSupportedError":
        return "it knows no conditional put, which keeps one file from replacing another. Use another store."
    if type(error).__module__.startswith("obstore"):
        return f"it cannot be reached, or answers with errors ({why or _reason(answer)}), also when asked again."
    return None


def _reason(answer: str) -> str:
    return next((reason for word, reason in REASONS.items() if word in answer), "no reason given")
