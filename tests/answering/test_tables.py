"""Each cell of a table is quoted with the label of its own column, however the table is written."""

from cases import cases
from excerpting import layout_of

from ragqa.answering.excerpt_blocks import excerpt_text
from ragqa.text.markdown import plain_text
from ragqa.types import Kind


def many(word):
    return " ".join([word] * 25)


NOTE = f"""# Teas

| Tea | Steep \\| min | [[Places/Shop\\|Shop]] | |
|:--|--:|---|---|
| Assam | 3 | [[Leaf House]] | hot |
| Sencha | | [[Cha\\|The Cha]] | 70\u00b0 |
| Mate | 5 |
| Rooibos | 6 | `a\\|b` | x | y |
| **Tulsi** | 4<br>or 5 | [Herbs & Co](herbs.md) | a \\| b |
| Puerh | {many("long")} | {many("far")} | {many("dark")} |
| Oolong | ~~9~~ 7 | Cart | |

| | 2025 | | 2026 | |
|---|---|---|---|---|
| Team | Q1 | Q2 | Q1 | Q2 |
| Ann | 1 | 2 | 3 | 4 |

- Cups:

  | Cup | Size |
  |---|---|
  | Gaiwan | 120 ml |

> | Pot | Clay |
> |---|---|
> | Kyusu | red |

Kettle | Watts
---|---
Gooseneck | 900

| **Leaf** | [Grade](g.md) | `a\\|b` |
|---|---|---|
| | SFTGFOP | x |
| ![p](p.png) | FOP | |
| Broken | OP | `c\\|d` |
| Fannings || z |
| Dust | D | e | |

| Word |
|---|
| matcha |
"""


@cases("rows")
def test_a_row_or_a_part_of_one_is_said_with_the_labels_of_its_own_cells(begins, shown):
    layout = layout_of(NOTE, window=60, target=40)
    at = NOTE.index(begins)
    unit = layout.pieces[layout.at(at)].unit
    assert plain_text(NOTE[unit.start : unit.end], kind=Kind.ROW, labels=unit.labels) == shown
    assert excerpt_text(NOTE[unit.start : unit.end], [unit], unit.start) == shown
