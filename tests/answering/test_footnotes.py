"""Which units of a note belong together by their footnotes."""

from excerpting import layout_of

from ragqa.answering.embeds import footnotes_of
from ragqa.types import Kind

NOTE = (
    "It is hot.[^a] It is dry.[^b]\n\nNobody knows.[^nowhere]\n\n"
    "[^a]: Measured twice. By day.\n[^b]: Says Ann.\n\nThe end.\n"
)


def joined(note, quote, kind=Kind.PARAGRAPH):
    layout = layout_of(note)
    return [layout.quote(run) for _, run in footnotes_of(layout, quote, kind)]


def test_a_mark_leads_to_all_sentences_of_its_footnote():
    assert joined(NOTE, "It is hot.[^a]") == ["[^a]: Measured twice. By day."]
    assert joined(NOTE, "[^b] [^a] [^b]") == ["[^b]: Says Ann.", "[^a]: Measured twice. By day."]


def test_a_footnote_leads_to_the_sentence_that_has_its_mark():
    assert joined(NOTE, "[^b]: Says Ann.") == ["It is dry.[^b]"]


def test_code_and_marks_without_a_footnote_lead_nowhere():
    assert joined(NOTE, "Nobody knows.[^nowhere]") == []
    assert joined(NOTE, "[^a]", Kind.CODE) == []
    assert joined("[^a]: Alone.\n", "[^a]: Alone.") == []
