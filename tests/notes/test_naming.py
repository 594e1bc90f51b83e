"""Which note a link means, and which place in it."""

import pytest

from ragqa.notes import parse_note
from ragqa.notes.links import NoteNames, block_ids, section_of
from ragqa.types import NoteRecord, Stamp

PATHS = ("tea.md", "a/tea.md", "a/b/Tea.md", "c/pot.md", "c/deep/pot.md", "rain.org", "v/lid.md")
PATHS += ("w/other/deep/lid.md",)


def record(path, title="", aliases=()):
    return NoteRecord(path, Stamp(1, 1), "0" * 64, True, title, (), "", tuple(aliases))


NAMES = NoteNames.of([*map(record, PATHS), record("d/kettle.md", "tea", ["pot", "boiler"])])


@pytest.mark.parametrize(
    ("link", "source", "path"),
    [
        ("tea", "", "tea.md"),
        ("TEA.md", "x.md", "tea.md"),
        ("tea", "a/x.md", "a/tea.md"),
        ("tea", "a/b/x.md", "a/b/Tea.md"),
        ("../tea", "a/b/x.md", "a/tea.md"),
        ("/tea", "a/b/x.md", "a/b/Tea.md"),
        ("b/tea", "", "a/b/Tea.md"),
        ("a/tea", "c/x.md", "a/tea.md"),
        ("pot", "", "c/pot.md"),
        ("pot", "c/deep/x.md", "c/deep/pot.md"),
        ("c%2Fpot.md", "", "c/pot.md"),
        ("lid", "w/here/x.md", "w/other/deep/lid.md"),
        ("boiler", "", "d/kettle.md"),
        ("rain", "", "rain.org"),
        ("rain.org", "", "rain.org"),
        ("snow", "", ""),
        ("", "a/x.md", ""),
    ],
)
def test_a_link_means_the_nearest_note_of_its_name(link, source, path):
    assert NAMES.path_of(link, source) == path


TEXT = """\
# Shop

## Lamps

A lamp
is lit. ^lit

### Care

- Wipe it ^wipe
  - dry
  - gently
- Dust

> A quotation
> of two lines.

^quoted

## Chairs

### Care

| Wood | Oil |
| --- | --- |
| oak | linseed |

^oils

```
no id ^code
```

<!-- hidden ^hidden -->
"""


@pytest.fixture(scope="module")
def shop():
    return parse_note("shop.md", TEXT, "", Stamp(0, 0))


@pytest.mark.parametrize(
    ("id_", "starts", "ends"),
    [
        ("lit", "A lamp\n", "is lit. ^lit"),
        ("wipe", "- Wipe it", "gently"),
        ("quoted", "> A quotation", "of two lines."),
        ("oils", "| Wood", "linseed |"),
    ],
)
def test_an_id_names_the_whole_block_that_it_ends_or_follows(shop, id_, starts, ends):
    start, end = block_ids(shop.text, shop.blocks)[id_]
    assert shop.text[start:end].startswith(starts)
    assert shop.text[start:end].endswith(ends)


def test_code_and_comments_have_no_ids(shop):
    assert not {"code", "hidden"}.intersection(block_ids(shop.text, shop.blocks))


@pytest.mark.parametrize(
    ("anchor", "starts", "has"),
    [
        ("Lamps", "## Lamps", "quoted"),
        ("Care", "### Care", "Wipe"),
        ("chairs#care", "### Care", "oak"),
        ("Shop#Chairs#Care", "### Care", "oak"),
        ("Tables#Care", "### Care", "Wipe"),
    ],
)
def test_a_section_ends_at_the_next_heading_of_its_level(shop, anchor, starts, has):
    start, end = section_of(shop.blocks, len(shop.text), anchor)
    assert shop.text[start:end].startswith(starts)
    assert has in shop.text[start:end]
    assert shop.text[start + 4 : end].count("\n## ") == 0


def test_no_section_has_a_heading_that_is_not_there(shop):
    assert section_of(shop.blocks, len(shop.text), "Lamp") is None
