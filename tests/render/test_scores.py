"""Tables of scores fit the screen, whatever the signals are called and however many there are."""

import io
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.theme import Theme

from ragqa.render import scores, screen
from ragqa.render.scores import print_scores
from ragqa.types import Answer, Citation, EmbedderInfo, Hit, IndexInfo, Passage, Reason

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
INFO = IndexInfo(1, EmbedderInfo("hashed", "", 64, 256, "mean"), "float32", (), {}, 1, 1, ".", "")
SCORES = st.floats(-99, 999, allow_nan=False)
PARTS = st.dictionaries(
    st.sampled_from(["cosine", "holds", "a new signal of many words, so long", "\x1b[31m\n"])
    | st.text(max_size=50),
    SCORES,
    max_size=9,
)


def passage(number):
    return Passage(
        id=number,
        embedding_key=number,
        path=f"{number}.md",
        title="Note",
        start=0,
        end=10,
        lines=(1, 2),
        heading=(),
        text="x" * 10,
        units=(),
        note_sha256="",
    )


def citation(number, parts):
    return Citation(number, f"{number}.md", (1, 1), (0, 5), (), "xxxxx", "", 0.5, parts=parts)


def answer(all_parts, hits, reasons=()):
    return Answer(
        question="?",
        answered=bool(all_parts),
        confidence=0.5,
        backend="extractive",
        text="",
        citations=tuple(citation(n, parts) for n, parts in enumerate(all_parts, start=1)),
        hits=tuple(hits),
        info=INFO,
        reasons=tuple(reasons),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PARTS, max_size=10), st.integers(0, 8), st.dictionaries(st.text(), SCORES))
def test_every_table_fits_80_columns_and_steers_nothing(capsys, all_parts, hits, features):
    found = [Hit(passage(n), 0.5, None, 1.0, None, 100_000) for n in range(1, hits + 1)]
    reasons = [Reason(name, value, 0.0, value) for name, value in features.items()]
    print_scores(answer(all_parts, found, reasons))
    out = capsys.readouterr().out
    assert not UNSAFE.search(out.replace("\n", ""))
    assert max(map(len, out.splitlines())) <= 80
    for n in range(1, len(all_parts) + 1):
        assert f"[{n}]" in out


def test_a_passage_that_is_not_among_those_shown_has_a_dash_for_its_rank(capsys):
    hits = [Hit(passage(2), 0.9, 0.75, 7.0, 3, 4)]
    print_scores(answer([{"cosine": 0.5}, {"cosine": 0.25}], hits))
    rows = {line[:33].strip(): line[33:].split() for line in capsys.readouterr().out.splitlines()}
    assert rows["rank"] == ["-", "1"]
    assert rows["rank by meaning"] == ["-", "3"]
    assert rows["BM25, unbounded"] == ["-", "7.00"]
    assert rows["meaning of the sentence"] == ["0.50", "0.25"]


@pytest.mark.parametrize(("columns", "across"), [(45, 1), (60, 3), (80, 5)])
def test_on_a_narrow_screen_columns_that_do_not_fit_stand_below(monkeypatch, columns, across):
    console = Console(file=io.StringIO(), width=columns, theme=Theme({"heading": ""}))
    for module in (scores, screen):
        monkeypatch.setattr(module, "stdout", lambda: console)
    reasons = [Reason("closest", 0.8, 0.6, 0.5)]
    print_scores(answer([{"cosine": n / 8} for n in range(1, 6)], [], reasons))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    heads = [line.split() for line in lines if "[" in line]
    assert [len(head) for head in heads] == [across] * (5 // across) + [5 % across] * (
        5 % across > 0
    )
    meaning = [line[33:].split() for line in lines if "meaning of the sentence" in line]
    assert [len(row) for row in meaning] == [len(head) for head in heads]
    assert any(line.startswith("  meaning of the nearest passage ") for line in lines)


def test_a_signal_without_words_for_it_goes_by_its_name(capsys):
    print_scores(answer([{"new_signal": 0.5}], []))
    assert "  new signal" in capsys.readouterr().out
