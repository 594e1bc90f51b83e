"""An answer on a terminal: the very words that answer, or differ, stand out."""

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from citing import cited
from support import make_answer

from ragqa.render.results import Linker, print_answer
from ragqa.render.view import trust_line
from ragqa.safe import safe_line
from ragqa.types import Corpus, Kind, Unit, Written, WrittenSentence

SHORT = re.compile(r"\x1b\[1;4m(.*?)\x1b\[0m", re.DOTALL)
DIM = re.compile(r"\x1b\[2m(.*?)\x1b\[0m", re.DOTALL)


@pytest.fixture
def printed(tmp_path, capsys, monkeypatch):
    """What is printed of an answer in colour."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def print_it(answer):
        print_answer(answer, Linker(Corpus.of(tmp_path), "file://{path}"))
        return capsys.readouterr().out

    return print_it


def answer_of(*quotes, text, short, kind=Kind.PARAGRAPH):
    """An answer with citations, the last one with what answers directly at some characters."""
    answer = make_answer(text=text)
    citations = [
        replace(
            answer.citations[0],
            n=n,
            quote=quote,
            chars=(100 * n, 100 * n + len(quote)),
            units=(Unit(kind, 100 * n, 100 * n + len(quote), quote),),
        )
        for n, quote in enumerate(quotes, start=1)
    ]
    start = citations[-1].chars[0]
    citations[-1] = replace(citations[-1], span=(start + short[0], start + short[1]))
    return replace(answer, citations=tuple(citations))


def plain(printed):
    return re.sub(r"\x1b\[[\d;]*m", "", printed)


def test_only_the_excerpt_of_its_citation_is_marked_and_once(printed):
    text = "It has 5 parts and 5 lids. [1] There are 5 of nine files. [2] Then 5 more."
    answer = answer_of(
        "It has 5 parts and 5 lids.", "There are 5 of nine files.", text=text, short=(10, 11)
    )
    out = printed(answer)
    assert SHORT.findall(out) == ["5"]
    assert "There are <5> of nine files.\n" in plain(SHORT.sub(r"<\1>", out))


HIDING = "It is 5. ![It is 6.](x.png)"


def test_on_a_terminal_an_excerpt_is_as_a_reader_sees_it_and_a_source_of_an_llm_is_not(printed):
    answer = make_answer(text="It is 5. [1]", quote=HIDING)
    sentence = WrittenSentence("", ("It is 6.",), (1,))
    assert "It is 6." not in plain(printed(answer))
    written = replace(answer, written=Written("scripted:x", (sentence,), given=1))
    assert f"\n   {HIDING}\n" in plain(printed(written))


def test_long_code_is_shown_whole_and_marked_in_its_line(printed):
    quote = "\n".join(f"line {n}" for n in range(1, 41))
    start = quote.index("39")
    code = answer_of(quote, text="It is. [1]", short=(start, start + 2), kind=Kind.CODE)
    out = printed(code)
    assert re.findall(r"\x1b\[1;4;36m(.*?)\x1b", out) == ["39"]
    assert [line for line in quote.splitlines() if line not in plain(out)] == []


def test_on_a_terminal_what_stands_around_an_excerpt_is_dimmed_in_its_place(printed):
    text = "Mara has the tape.\n\n| room | use |\n|-|-|\n| shed | dumps |\n| hall | keys |\n"
    quote = "| shed | dumps |"
    answer = replace(make_answer(), confidence=0.3, citations=(cited(text, quote, whole=True),))
    out = printed(answer)
    dim = "".join(DIM.findall(out))
    assert all(word in dim for word in ("Mara has the tape.", "hall", "keys"))
    assert not any(word in dim for word in ("shed", "dumps"))
    assert re.search("shed.*dumps.*\n.*hall.*keys", plain(out))


@pytest.mark.parametrize(
    "name",
    ["a b.md", "?a=1#b.md", "{line}.md", "%2e%2e%2f.md", "a:9.md", "\x1b]8;;\x07.md", "\udcff.md"],
)
def test_a_link_leads_to_its_note_whatever_the_name_of_that(name):
    place = Linker(Corpus.of(Path("/notes")), "editor://open{path}:{line}").place(name, (3, 4))
    link = place.spans[0].style.link
    assert re.fullmatch("editor://open/notes/[A-Za-z0-9.%_-]+:3", link)
    path = link.removeprefix("editor://open").removesuffix(":3")
    assert os.fsdecode(unquote_to_bytes(path)) == f"/notes/{name}"
    assert link == safe_line(link)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"confidence": 0.7}, ""),
        ({"confidence": 0.4}, "Probably:"),
        (
            {"confidence": 0.9, "no_note_has": ("GPT-9",)},
            "Probably (no note has: GPT-9):",
        ),
        ({"confidence": 0.1}, "Not sure; nearest:"),
        (
            {"answered": False, "citations": (), "no_note_has": ("a", "b")},
            "Your notes do not seem to answer this (no note has: a, b).",
        ),
        ({"answered": False, "citations": ()}, "Your notes do not seem to answer this."),
    ],
)
def test_how_far_to_trust_an_answer_is_said_in_words_and_never_as_a_number(
    tmp_path, capsys, given, said
):
    answer = make_answer(**given)
    print_answer(answer, Linker(Corpus.of(tmp_path), "file://{path}"))
    out = capsys.readouterr().out
    line = trust_line(answer)
    assert line == said
    assert out.startswith(line)
    assert "0." not in out
