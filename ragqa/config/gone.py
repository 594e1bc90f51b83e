"""Names of commands, options and settings that went; for one release, each says what to do instead.

A command or an option is an error. A setting is a warning, so that a line in a file stops nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ragqa calibrate": (
            "confidence is fitted once, and shipped",
            "ragqa eval --questions FILE measures how well it fits your notes",
        ),
        **dict.fromkeys(
            ("ragqa eval --generate", "ragqa eval --out"),
            (
                "questions made from notes are too easy to tell good settings apart",
                "write some of your own (docs/evaluation.md says how): ragqa eval --questions FILE",
            ),
        ),
        "ragqa eval --chunking": (
            "passages are no longer measured by the characters that they share with spans",
            "ragqa eval --questions FILE or --beir DIR, with --set passage_tokens=N",
        ),
        "ragqa eval --grounding": (
            "the check of sentences is measured by a script in ragqa's repository",
            "python eval/grounding.py FILE",
        ),
        "ragqa eval --follow-ups": (
            "follow-ups are no longer measured apart",
            "put each as a question that stands alone in a file: ragqa eval --questions FILE",
        ),
        **dict.fromkeys(
            ("ragqa eval --hold-out", "ragqa eval --seed"),
            (
                "documents are no longer left out of a public set",
                "add questions that it does not answer to answers.jsonl, with answerable false",
            ),
        ),
    }
)
"""Commands, and options after their command: why each went, and the hint."""

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "sentences": "excerpts and excerpt_words took its place",
        "embedder_scripts": "what the embedder can read is measured",
    }
)
"""Settings: why each went, or what took its place."""
