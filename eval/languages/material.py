"""Make the notes and questions in six languages: documentation of Debian, and questions about it.

    python eval/languages/material.py --dir /tmp/languages

Downloads the packages installation-guide-amd64 and debian-reference-LANGUAGE with apt-get, unpacks
them with dpkg, and converts their pages with pandoc, which must be installed (the package
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
GUIDE, REFERENCE = "installation-guide-amd64", "debian-reference"
LANGUAGES = {
    "de": ("de", "de"),
    "en": ("en", "en"),
    "es": ("es", "es"),
    "fr": ("fr", "fr"),
    "ja": ("ja", "ja"),
    "zh": ("zh_CN", "zh-cn"),
}
"""What each language is called in the guide, and in the name of the reference's package."""

_MIN_CHARS = 400
"""Shorter pages are lists of contents."""

_NAVIGATION = re.compile(r'<div class="nav(?:header|footer)">.*?</div>', re.DOTALL)
_ANCHOR = re.compile(r'<a (?:id|name)="[^"]*"\s*(?:class="indexterm"\s*)?(?:/>|></a>)')
# A note or warning is laid out as a table with an icon.
_ADMONITION = re.compile(
    r"^\|  \|  \|\n\|:--:\|:---\|\n\| !\[[^\n]*?\) \| (.*?) \|\n\|  \| (.*?) \|$", re.MULTILINE
)


def main() -> None:
    """Make the notes and the questions of each language."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", default=list(LANGUAGES))
    parser.add_argument("--pandoc", default="pandoc")
    args = parser.parse_args()
    guide = unpacked(GUIDE, args.dir) / "usr/share/doc" / GUIDE
    for language in args.languages:
        in_guide, in_reference = LANGUAGES[language]
        package = unpacked(f"{REFERENCE}-{in_reference}", args.dir)
        reference = package / "usr/share/doc/debian-reference-common/docs"
        notes = args.dir / "notes" / language
        for name, folder in (("guide", guide / in_guide), ("reference", reference)):
            convert(folder, notes / name, args.pandoc)
        lines = (HERE / f"{language}.jsonl").read_text("utf-8").splitlines()
        asked = [quoted(json.loads(line), notes) for line in lines]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked)
        (args.dir / f"{language}.jsonl").write_text(text, "utf-8")
        print(f"{language}: {len(list(notes.rglob('*.md')))} notes, {len(asked)} questions")


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
