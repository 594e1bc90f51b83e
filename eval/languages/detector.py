"""How often is a note's language told right, by the length of its text? Prints a table.

    python eval/languages/detector.py --dir /tmp/languages

`--dir` is the folder that material.py made. The texts are the beginnings of paragraphs. Some
paragraphs were left in English, so one counts only if it is told as its folder's language when it
is whole. Of Chinese and Japanese, two characters are a word.
"""

import argparse
import random
from pathlib import Path

from ragqa.languages import AUTO
from ragqa.notes import parse_note
from ragqa.passages.language import with_language
from ragqa.text.words import unspaced_count
from ragqa.types import Stamp

WORDS = (2, 4, 8, 16, 32)
PARAGRAPHS = 300
_MIN_CHARS = 60


def main() -> None:
    """Print the share of texts told right, by language and length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", default=["de", "en", "es", "fr", "ja", "zh"])
    args = parser.parse_args()
    print(f"| language | {' | '.join(f'{words} words' for words in WORDS)} |")
    print(f"| --- |{' ---: |' * len(WORDS)}")
    for language in args.languages:
        paragraphs = whole_paragraphs(args.dir / "notes" / language, language)
        shares = []
        for words in WORDS:
            told = [language_of(beginning(text, words)) == language for text in paragraphs]
            shares.append(f"{sum(told) / len(told):.3f}")
        print(f"| {language} | {' | '.join(shares)} |")


def whole_paragraphs(notes: Path, language: str) -> list[str]:
    """Paragraphs of the notes that are surely in a language, in random order."""
    found = [
        text
        for path in sorted(notes.rglob("*.md"))
        for text in path.read_text("utf-8").split("\n\n")
        if len(text) >= _MIN_CHARS and text[0] not in "|`>#-"
    ]
    random.Random(1).shuffle(found)  # noqa: S311 - a sample, no secret
    chosen = (text for text in found if language_of(text) == language)
    return [text for text, _ in zip(chosen, range(PARAGRAPHS), strict=False)]


def beginning(text: str, words: int) -> str:
    """The first words of a text."""
    return text[: 2 * words] if unspaced_count(text) else " ".join(text.split()[:words])


def language_of(text: str) -> str:
    """The language that a note of this text is taken for."""
    return with_language(parse_note("", text, "", Stamp(0, 0)), AUTO).language


if __name__ == "__main__":
    main()
