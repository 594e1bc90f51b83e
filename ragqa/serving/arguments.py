"""The arguments of the tools; their JSON schemas and checks follow from these classes."""

from pydantic import BaseModel, ConfigDict, Field

from ragqa.serving.given import filters_from
from ragqa.types import Filters

MAX_QUOTES = 50
MAX_TOKENS = 20_000


class Arguments(BaseModel):
    """What a tool takes; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Budgeted(Arguments):
    """What every tool takes."""

    max_tokens: int = Field(
        2_000, ge=50, le=MAX_TOKENS, description="At most this many tokens, as text and as data."
    )


class Scoped(Budgeted):
    """A tool that looks through notes."""

    tags: list[str] = Field([], description="Only notes with all of these tags.")
    paths: list[str] = Field([], description="Only notes in these folders or matching these globs.")
    since: str = Field(
        "", description="Only notes dated on or after this day: 2025-03-31, 2025-03 or 2025."
    )
    where: str = Field(
        "", description="Only notes with such properties: status = done and due < 2026-01-01"
    )

    @property
    def filters(self) -> Filters:
        """The filters as the index takes them.

        :raises UsageError: `since` is not a date.
        """
        return filters_from(self.tags, self.paths, self.since, self.where)


class Ask(Scoped):
    """Arguments of `ask`."""

    question: str = Field(description="A question in plain words.")


class Search(Scoped):
    """Arguments of `search`."""

    query: str = Field(description="What to look for, in words of the notes.")
    limit: int = Field(5, ge=1, le=50, description="How many passages.")


class Get(Budgeted):
    """Arguments of `get`."""

    address: str = Field(
        description="NOTE, NOTE:FIRST:LAST (lines), NOTE:FIRST:LAST+CHARACTERS (without the first "
        "characters of these), NOTE#HEADING or NOTE#^BLOCK, or a place as the tools print it, such "
        "as 'x.pdf, p. 3'; the note by path, file name, title or alias; or an Obsidian link."
    )


class Quote(Arguments):
    """A quote to verify."""

    quote: str
    path: str = Field("", description="The note that it is from, if known.")


class Verify(Budgeted):
    """Arguments of `verify`: one of the two."""

    answer: str = Field("", description="A saved answer, as JSON or Markdown.")
    quotes: list[Quote] = Field([], max_length=MAX_QUOTES, description="Quotes from notes.")


class Why(Budgeted):
    """Arguments of `why`."""

    question: str
    address: str = Field(description="The note, or a part of it, as `get` takes it.")


class Status(Budgeted):
    """`status` takes nothing else."""
