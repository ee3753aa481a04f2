"""Which account manager needs help."""

import orjson

from gtm_platform.serving.answers.account_managers import account_managers
from gtm_platform.serving.chat.answers import AccountManagers
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.snapshot.layout import CUSTOMERS


def answer(question: Question) -> AccountManagers:
    """Compare the account managers by the MRR that they have at risk.

    Customers, MRR, mean health and how it moved in 7 days, MRR lost in 30 days. The first needs help most: it has most
    MRR at risk.
    """
    return AccountManagers(
        **question.origin(CUSTOMERS),
        currency=orjson.loads(question.snapshot.fact("summary"))["currency"],
        account_managers=account_managers(question.snapshot),
    )


TOOL = Tool("account_managers", "Account managers", answer)
