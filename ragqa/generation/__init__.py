"""Have an LLM write an answer, and lay every sentence beside the passages that it cites."""

from ragqa.generation.writer import (
    INSTRUCTIONS,
    Request,
    Writer,
    request_for,
    what_is_sent,
    with_sections,
    writer_of,
    written_answer,
)

__all__ = [
    "INSTRUCTIONS",
    "Request",
    "Writer",
    "request_for",
    "what_is_sent",
    "with_sections",
    "writer_of",
    "written_answer",
]
