"""Have an LLM write an answer, and check every sentence against the passages it cites."""

from ragqa.generation.draft import cited_text
from ragqa.generation.prompt import INSTRUCTIONS, Request, numbers_given, request_for
from ragqa.generation.writer import Writer, write

__all__ = [
    "INSTRUCTIONS",
    "Request",
    "Writer",
    "cited_text",
    "numbers_given",
    "request_for",
    "write",
]
