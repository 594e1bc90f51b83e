"""Make the notes and questions in six languages: documentation of Debian, and questions about it.

    python eval/languages/material.py --dir /tmp/languages

Downloads the packages of each set with apt-get, unpacks them with dpkg, and converts their pages
with pandoc, which must be installed (the package
pypandoc_binary has it). The questions here name their gold by its place in a note; in the folder
they get the text itself, as `ragqa eval --questions` reads them. Nothing is installed.
"""

import argparse
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Manual = tuple[str, str, str]
"""A folder of notes, and the package and the folder in it that they are made of."""


def _debian(in_guide: str, in_reference: str) -> tuple[Manual, ...]:
    """The installation guide and the reference in a language, by what it is called in each."""
    guide = "installation-guide-amd64"
    reference = f"debian-reference-{in_reference}"
    return (
        ("guide", guide, f"usr/share/doc/{guide}/{in_guide}"),
        ("reference", reference, "usr/share/doc/debian-reference-common/docs"),
    )


def _developers(language: str) -> tuple[Manual, ...]:
    """The questions often asked about Debian, and the manual for its developers."""
    developers = "developers-reference"
    return (
        ("faq", f"debian-faq-{language}", f"usr/share/doc/debian/FAQ/{language}"),
        ("developers", f"{developers}-{language}", f"usr/share/{developers}/{language}"),
    )


SETS: dict[str, tuple[Manual, ...]] = {
    "de": _debian("de", "de"),
    "en": _debian("en", "en"),
    "es": _debian("es", "es"),
    "fr": _debian("fr", "fr"),
    "ja": _debian("ja", "ja"),
    "zh": _debian("zh_CN", "zh-cn"),
    "de-packaging": _developers("de"),
    "fr-packaging": _developers("fr"),
    "es-packaging": (
        ("aptitude", "aptitude-doc-es", "usr/share/doc/aptitude/html/es"),
        ("maintainers", "maint-guide-es", "usr/share/doc/maint-guide-es/html"),
    ),
}

_MIN_CHARS = 400
"""Shorter pages are lists of contents."""

_NAVIGATION = re.compile(r'<div class="nav(?:header|footer)">.*?</div>', re.DOTALL)
_ANCHOR = re.compile(r'<a (?:id|name)="[^"]*"\s*(?:class="indexterm"\s*)?(?:/>|></a>)')
# A note or warning is laid out as a table with an icon.
_ADMONITION = re.compile(
    r"^\|  \|  \|\n\|:--:\|:---\|\n\| !\[[^\n]*?\) \| (.*?) \|\n\|  \| (.*?) \|$", re.MULTILINE
)


def main() -> None:
    """Make the notes and the questions of each set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--pandoc", default="pandoc")
    args = parser.parse_args()
    for name in args.sets:
        notes = args.dir / "notes" / name
        for folder, package, pages in SETS[name]:
            convert(unpacked(package, args.dir) / pages, notes / folder, args.pandoc)
        lines = (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()
        asked = [quoted(json.loads(line), notes) for line in lines]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked)
        (args.dir / f"{name}.jsonl").write_text(text, "utf-8")
        print(f"{name}: {len(list(notes.rglob('*.md')))} notes, {len(asked)} questions")


def unpacked(package: str, folder: Path) -> Path:
    """The folder with a Debian package's files, downloaded unless that was done before."""
    target = folder / "packages" / package
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        subprocess.run(["apt-get", "download", "-qq", package], cwd=target.parent, check=True)  # noqa: S607 - on the PATH
        (archive,) = target.parent.glob(f"{package}_*.deb")
        subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)  # noqa: S607 - on the PATH
    return target


def convert(pages: Path, notes: Path, pandoc: str) -> None:
    """Convert each page of a folder to Markdown."""
    notes.mkdir(parents=True, exist_ok=True)
    for page in sorted(pages.glob("*.html")):
        html = _ANCHOR.sub("", _NAVIGATION.sub("", page.read_text("utf-8")))
        command = [pandoc, "-f", "html", "-t", "gfm-raw_html", "--wrap=none", "--no-highlight"]
        made = subprocess.run(command, input=html, capture_output=True, text=True, check=True)
        markdown = _ADMONITION.sub(r"> **\1:** \2", made.stdout).replace("\n\\\n", "\n")
        if not page.name.startswith("index") and len(made.stdout) >= _MIN_CHARS:
            (notes / f"{page.name.split('.')[0]}.md").write_text(markdown, "utf-8")


def quoted(row: dict[str, Any], notes: Path) -> dict[str, Any]:
    """A question with the text of its gold in place of its characters and digest.

    :raises SystemExit: the text is another: a package or pandoc has changed.
    """
    for gold in row["excerpts"]:
        start, end = gold.pop("chars")
        quote = (notes / gold["note"]).read_text("utf-8")[start:end]
        if digest(quote) != gold.pop("digest"):
            raise SystemExit(f"{gold['note']} is not as it was when {row['id']} was written")
        gold["quote"] = quote
    return row


def digest(quote: str) -> str:
    """A short digest of a quotation."""
    return hashlib.sha256(quote.encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
