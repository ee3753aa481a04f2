"""What Userflow saw of a user: when last, how often, and how far the onboarding checklist got."""

from datetime import datetime, timedelta

from gtm_platform.sandbox.userflow.store import UserflowUser

TASKS = ("Invite a colleague", "Import a list", "Run a search", "Export leads", "Connect a CRM")


def last_seen(user: UserflowUser, before: datetime) -> datetime:
    """The latest login or finished task before an instant.

    The first sight, where nothing else is recorded.
    """
    done = [task for task in user.tasks if task < before]
    return max([user.use.latest(before), *done])


def logins(user: UserflowUser, now: datetime) -> int:
    """The counter that the product keeps on the user."""
    return user.earlier_logins + user.use.count(user.use.first_day, now.date(), now + timedelta(seconds=1))


def session_start(user: UserflowUser, now: datetime) -> datetime:
    """When the present run through the checklist began: with the user, or when the progress was reset."""
    return user.reset if user.reset and user.reset <= now else user.created + timedelta(minutes=1)


def done(user: UserflowUser, now: datetime) -> list[datetime]:
    """When each task of the present run was finished."""
    start = user.reset if user.reset and user.reset <= now else user.created
    return [task for task in user.tasks if start <= task <= now]
