"""What a note embeds, and a footnote, is part of the answer and cited where it stands."""

import json

import pytest
from support import write_notes

NOTES = {
    "shop/policy.md": (
        "---\ntitle: Policy\ntoken: hunter2\n---\n# Policy\n\n## Refunds\n\n"
        "Customers may return lamps within 30 days of delivery. ^window\n\n"
        "%% The manager hates refunds of lamps. %%\n\n"
        "The refund is paid to the card that was used.\n\n"
        "| Lamp | Days |\n| --- | --- |\n| Desk | 30 |\n| Floor | 45 |\n\n^days\n\n"
        "## Opening hours\n\nThe shop closes at six.\n"
    ),
    "desk.md": (
        "# Service desk\n\nWhat the desk tells callers about refunds:\n\n![[policy#Refunds]]\n\n"
        "What the desk tells callers about the gong: ![[gong]]\n\n"
        "The deadlines that hang beside the phone:\n\n![[Policy#^days|deadlines]]\n\n"
        "What the desk says about parking:\n\n![[parking plan.png]]\n\n![[nowhere]]\n"
    ),
    "gong.md": "The gong sounds twice at closing time, as in the rules: ![[rules]]\n",
    "rules.md": (
        "# Rules\n\nThe bell is rung by the youngest. `![[policy]]`\n\n"
        "%% ![[policy#Opening hours]] %%\n\n![[gong]]\n\n![[rules]]\n"
    ),
    "bread.md": "# Bread\n\nSourdough proofs for 12 hours.\n",
    "compost.md": (
        "# Compost\n\n## Heat\n\nThe heap reached 58 degrees in the second week.[^temp]\n\n"
        "## Notes\n\n[^temp]: Measured with a meat thermometer. It was 30 cm deep.\n"
    ),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeds")
    return ["--corpus", write_notes(folder / "notes", NOTES), "--index", folder / "index"]


@pytest.fixture
def asked(quick, places):
    return lambda question: quick("ask", question, "--json", *places).document


def cited(document):
    return [(one["path"], one["quote"]) for one in document["citations"]]


def test_an_embedded_section_follows_its_lead_in_without_what_is_hidden_and_verifies(
    quick, places, asked, tmp_path
):
    document = asked("what does the desk tell callers about refunds?")
    (first, lead_in), *others = cited(document)
    assert first == "desk.md"
    assert lead_in == "What the desk tells callers about refunds:\n\n![[policy#Refunds]]"
    assert {path for path, _ in others} == {"shop/policy.md"}
    assert "within 30 days of delivery. [2]" in document["answer"]
    assert "The refund is paid to the card" in document["answer"]
    assert "closes at six" not in document["answer"]
    assert "hunter2" not in json.dumps(document)
    assert "hates" not in document["answer"] + "".join(quote for _, quote in others)
    for one in document["citations"]:
        assert NOTES[one["path"]][slice(*one["chars"])] == one["quote"]
    (tmp_path / "answer.json").write_text(json.dumps(document), encoding="utf-8")
    checked = quick("verify", tmp_path / "answer.json", "--json", *places[:2]).document
    assert {one["status"] for one in checked["citations"]} == {"intact"}


def test_notes_that_embed_each_other_are_each_shown_once(asked):
    document = asked("how often does the gong sound at closing time?")
    assert [path for path, _ in cited(document)] == ["gong.md", "rules.md"]
    assert document["answer"].count("The gong sounds twice") == 1
    assert document["answer"].count("rung by the youngest") == 1


def test_a_sentence_brings_its_footnote_as_a_citation_of_its_own(asked):
    document = asked("how many degrees did the heap reach in the second week?")
    assert cited(document) == [
        ("compost.md", "The heap reached 58 degrees in the second week.[^temp]"),
        ("compost.md", "[^temp]: Measured with a meat thermometer. It was 30 cm deep."),
    ]
    assert document["answer"] == (
        "The heap reached 58 degrees in the second week. [1]\n\n"
        "Measured with a meat thermometer. It was 30 cm deep. [2]"
    )
