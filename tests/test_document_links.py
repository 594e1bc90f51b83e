"""Every relative link in a document, and every anchor, leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(path for path in (ROOT / "eval").rglob("*.md") if not {"vault", "notes"} & {*path.parts}),
        *(ROOT / "plugins").glob("*/*.md"),
    ]
)
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


def anchors(text):
    """The anchors of a document's headings, made as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCED.sub("", text), flags=re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        repeated = [anchor, *(f"{anchor}-{number}" for number in range(1, 100))]
        found.add(next(each for each in repeated if each not in found))
    return found


def problem(path, target):
    """What is wrong with a link in this document; "" where nothing is."""
    name, _, anchor = target.partition("#")
    led_to = (path.parent / name).resolve() if name else path
    if not led_to.exists() or not led_to.is_relative_to(ROOT):
        return f"{target}: no such file"
    if anchor and anchor not in anchors(led_to.read_text(encoding="utf-8")):
        return f"{target}: no such heading"
    return ""


def relative(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_links_lead_somewhere(path):
    targets = _LINK.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
    assert [wrong for target in targets if (wrong := problem(path, target))] == []


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or not path.exists():
            continue
        reached.add(path)
        links = (target.partition("#")[0] for target in _LINK.findall(path.read_text("utf-8")))
        waiting += [(path.parent / link).resolve() for link in links if link.endswith(".md")]
    assert set(DOCUMENTS) - reached == set()
