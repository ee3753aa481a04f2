"""What can be declared of a source whose API is a plain paged list: where it is, how it is asked, what it brings."""

import re
from typing import Annotated, Literal

import dagster as dg
from pydantic import Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Path = Annotated[str, Field(pattern=r"^[^.\s][^\s]*$")]  # names joined by dots
FieldType = Literal["id", "text", "texts", "integer", "number", "amount", "boolean", "instant", "day"]


class AuthDeclaration(dg.Resolvable, dg.Model):
    """How a call says who asks; the key itself stands in the environment, under `env`."""

    by: Literal["bearer", "header", "query", "basic"]
    env: Variable
    name: str = ""  # of the header or parameter
    prefix: str = ""  # by header: what stands before the key, such as "Token "
    user: str = ""  # by basic: with it the key is the password; without it the key is the user
    password_env: Variable | None = None  # by basic: where the password stands, if the key is the user

    @model_validator(mode="after")
    def _is_whole(self) -> "AuthDeclaration":
        if self.by in ("header", "query") and not self.name:
            raise ValueError(f"auth by {self.by} needs the name of the {self.by}: name: X-Api-Key")
        if self.user and self.password_env:
            raise ValueError("auth by basic has the key as the password of `user`, or as the user of `password_env`")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables without which nothing can be asked."""
        return (self.env, self.password_env) if self.password_env else (self.env,)


class PagingDeclaration(dg.Resolvable, dg.Model):
    """How a list goes on. Which of the fields count depends on `by`."""

    by: Literal["cursor", "last_id", "page", "offset", "link", "none"] = "none"
    send_as: str = ""  # the parameter that asks for the next page
    # Where the answer has the cursor, by default next_cursor, or the address of the next page, by default in the
    # header Link.
    next_at: Path | None = None
    more_at: Path | None = None  # where the answer says whether there is more
    first: Annotated[int, Field(ge=0, le=1)] = 1  # by page: the number of the first
    size: Annotated[int, Field(ge=1, le=10_000)] | None = None  # records of a page
    size_as: str = "limit"

    @model_validator(mode="after")
    def _is_whole(self) -> "PagingDeclaration":
        if self.by in ("cursor", "page", "offset", "last_id") and not self.send_as:
            raise ValueError(f"paging by {self.by} needs the parameter that asks for the next page: send_as: page")
        if self.by == "last_id" and not self.more_at:
            raise ValueError("paging by last_id needs where the answer says whether there is more: more_at: has_more")
        if self.by == "offset" and not self.size:
            raise ValueError("paging by offset needs the number of records of a page: size: 100")
        return self


class ChangedDeclaration(dg.Resolvable, dg.Model):
    """How the list is asked for what changed, and which field says when a record did."""

    field: Name
    since_as: str
    until_as: str = ""
    written_as: Literal["iso", "day", "unix_seconds", "unix_milliseconds"] = "iso"


class FieldDeclaration(dg.Resolvable, dg.Model):
    """A field of a record: our name, where it lies in theirs, its type."""

    name: Name
    type: FieldType = "text"
    at: Path | None = None  # its own name, without it
    about: str = ""
    required: bool = False
    personal: bool = False


class StreamDeclaration(dg.Resolvable, dg.Model):
    """A list of the API, and one table of the lake."""

    name: Name
    about: str
    path: Annotated[str, Field(pattern="^/")]
    rows: str = "data"  # where the records lie in an answer; "" for a list at the top
    params: dict[str, str] = Field(default={})
    paging: PagingDeclaration = PagingDeclaration()
    changed: ChangedDeclaration | None = None  # without it the list is read whole each time
    key: list[Name] = Field(default=["id"])
    fields: list[FieldDeclaration]

    @model_validator(mode="after")
    def _names_its_fields(self) -> "StreamDeclaration":
        names = [field.name for field in self.fields]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(repeated)} is declared twice among the fields of {self.name}")
        needed = [*self.key, *([self.changed.field] if self.changed else [])]
        if missing := [name for name in needed if name not in names]:
            raise ValueError(f"{self.name} has no field {', '.join(missing)}, which its key or `changed` names")
        if self.changed and self._type_of(self.changed.field) != "instant":
            raise ValueError(f"{self.changed.field} of {self.name} says when a record changed: its type is instant")
        return self

    def _type_of(self, name: str) -> str:
        return next(field.type for field in self.fields if field.name == name)


class LimitDeclaration(dg.Resolvable, dg.Model):
    """How many calls the system allows in so many seconds."""

    calls: Annotated[int, Field(ge=1)] = 60
    seconds: Annotated[float, Field(gt=0)] = 60


class SourceDeclaration(dg.Resolvable, dg.Model):
    """A source: its name is the schema of its tables, and the prefix of its variables."""

    name: Name
    title: str
    about: str
    base_url: Annotated[str, Field(pattern=r"^https?://")]
    base_url_env: Variable | None = None  # the variable that overrides it; without it the source's name and _BASE_URL
    auth: AuthDeclaration | None = None
    hours: Literal[1, 2, 3, 4, 6, 8, 12, 24] = 24
    minute: Annotated[int, Field(ge=0, le=59)] = 30
    limit: LimitDeclaration = LimitDeclaration()
    where: str = ""  # to get the key
    streams: Annotated[list[StreamDeclaration], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> "SourceDeclaration":
        names = [stream.name for stream in self.streams]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(repeated)} is declared twice among the streams")
        return self


def steps(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path: names, and places in lists as numbers."""
    return tuple(int(step) if re.fullmatch(r"\d+", step) else step for step in path.split("."))
