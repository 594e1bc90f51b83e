"""`ragqa why` and `ragqa ask --explain`: how far a note came, by the real command line."""

import pytest
from support import CORPUS, write_notes

NOTES = {
    "cats.md": "---\ntitle: Cats\naliases: [Felines]\ntags: [animals]\ndate: 2024-05-01\n---\n\n"
    "# Cats\n\nCats sleep for most of the day. A cat purrs when it is content.\n",
    "garden/roses.md": "---\ntags: [plants]\ndate: 2023-01-01\n---\n\n# Roses\n\n"
    "Roses need pruning in late winter. Feed roses in spring.\n",
    "garden/plan.md": "# Plan\n\nDig the beds in autumn and mulch them well.\n",
    "work/plan.md": "# Plan\n\nWrite the report before the end of the quarter.\n",
    "drafts/old.md": "# Old\n\nCats sleep on the old drafts all day.\n",
    ".ragqaignore": "# what is not finished\ndrafts/\n",
    "picture.png": "not a picture",
    ".hidden.md": "# Hidden\n\nCats sleep in hiding all day long.\n",
    "binary.md": "Cats sleep\0all day.\n",
    "empty.md": "",
}


@pytest.fixture
def notes(tmp_path):
    return write_notes(tmp_path / "notes", NOTES)


@pytest.fixture
def why(quick, notes, tmp_path):
    """Why a note is in the answer about cats, or is not."""
    places = ["--corpus", notes, "--index", tmp_path / "index"]

    def run(target, *args, **kwargs):
        question = "what do cats do all day?"
        return quick("why", question, "--target", target, *args, *places, **kwargs)

    return run


@pytest.fixture
def wiki_why(ragqa, wiki_index):
    def run(question, target, *args):
        places = ["--corpus", CORPUS, "--index", wiki_index]
        return ragqa("why", question, "--target", target, *args, *places)

    return run


def test_a_note_in_the_answer_is_said_to_be_there_with_its_numbers(ragqa, wiki_why, wiki_index):
    question = "when should I fine-tune?"
    run = wiki_why(question, "decision-framework.md", "--json")
    document = run.document
    assert run.code == 0
    assert (document["stage"], document["answered"]) == ("said", True)
    assert document["target"] == {"path": "fine-tuning/decision-framework.md", "lines": None}
    assert document["passages"][0]["rank"] == document["passages"][0]["dense_rank"] == 1
    asked = ragqa("ask", question, "--json", "--corpus", CORPUS, "--index", wiki_index).document
    said = [citation["quote"] for citation in document["citations"]]
    assert said == [citation["quote"] for citation in asked["citations"]]
    assert document["confidence"] == asked["confidence"]
    out = wiki_why(question, "decision-framework.md").out
    assert out.startswith("Yes: fine-tuning/decision-framework.md is in the answer, as [1]")


def test_a_sentence_that_was_found_and_is_in_no_excerpt_is_set_beside_those_that_were(wiki_why):
    question, note = "when should I fine-tune?", "fine-tuning/decision-framework.md"
    whole = wiki_why(question, note, "--json").document
    won = whole["citations"][0]["score"]
    better = [
        one["lines"]
        for one in whole["sentences"]
        if one["lost"] != "weak" or one["score"] > 0.9 * won
    ]
    unsaid = next(
        one["lines"][0]
        for one in whole["sentences"]
        if all(not low <= one["lines"][0] <= high for low, high in better)
    )
    document = wiki_why(question, f"{note}:{unsaid}", "--json").document
    assert document["stage"] == "composer"
    best = document["sentences"][0]
    assert best["lines"][0] <= unsaid <= best["lines"][1]
    assert best["lost"] == "weak"
    assert 1 < best["rank"] <= document["candidates"]
    for one in (best, *document["citations"]):
        assert sum(one["parts"].values()) == pytest.approx(one["score"], abs=0.001)
    out = wiki_why(question, f"{note}:{unsaid}").out
    assert out.startswith(
        f"{note}:{unsaid} was found, but no excerpt of it is in the answer: another "
        f"sentence answers the question better, with {won:.2f} against {best['score']:.2f} "
        f"(rank {best['rank']} of {document['candidates']} sentences). It leads in "
    )
    weighed = out.partition("Weighed there")[2].partition("The answer")[0]
    assert f"{best['rank']:>2} {best['score']:.2f}  {note}:{best['lines'][0]}" in weighed
    assert best["quote"].split()[0] in weighed
    assert "[1]" in out


def test_a_note_that_was_found_where_no_answer_was_given_is_said_to_be_withheld(
    ragqa, wiki_why, wiki_index
):
    question = "how do I prune roses?"
    places = ["--corpus", CORPUS, "--index", wiki_index]
    nearest = ragqa("search", question, "--json", *places).document["hits"][0]["path"]
    run = wiki_why(question, nearest)
    assert run.code == 0
    assert "no answer was given at all" in run.out
    assert "Lost at: confidence" in run.out
    assert wiki_why(question, nearest, "--json").document["confidence_reasons"]


@pytest.mark.parametrize(
    ("target", "path", "reason"),
    [
        ("drafts/old.md", "drafts/old.md", 'line 2 of .ragqaignore leaves it out: "drafts/"'),
        (".hidden.md", ".hidden.md", "the name .hidden.md begins with a dot"),
        ("picture.png", "picture.png", "not a note, which ends in .md, .markdown, .txt or .org"),
        ("binary.md", "binary.md", "binary: a NUL at byte 10"),
        ("garden", "garden", "a folder, not a note"),
        ("../elsewhere.md", "../elsewhere.md", "outside the folder of notes"),
        ("/etc/hostname", "/etc/hostname", "outside the folder of notes"),
    ],
)
def test_a_note_that_is_not_indexed_is_given_the_reason(why, target, path, reason):
    run = why(target, "--json")
    assert run.code == 0, run.err
    document = run.document
    assert (document["stage"], document["target"]["path"]) == ("not indexed", path)
    assert document["reason"] == reason
    assert document["verdict"].startswith(f"{path} is not indexed")


def test_a_note_that_does_not_exist_is_an_error_that_names_one_like_it(why):
    run = why("cast.md")
    assert run.code == 2
    assert run.out == ""
    assert "there is no note 'cast.md'" in run.err
    assert "--target cats.md" in run.err


def test_a_note_that_filters_leave_out_is_told_which_and_what_it_ranks_without(why):
    document = why("cats", "--tag", "plants", "--since", "2020", "--json").document
    assert document["stage"] == "filters"
    assert document["filters"] == ["--tag plants"]
    assert document["passages"][0]["rank"] == 1
    assert "cats.md is left out by --tag plants. Without any filter it ranks 1." in (
        why("cats", "--tag", "plants").out
    )


def test_a_line_that_no_passage_holds_was_lost_by_cutting_the_note_up(why):
    document = why("cats.md:2", "--json").document
    assert document["stage"] == "chunking"
    assert "No passage holds cats.md:2" in document["verdict"]
    assert why("empty.md", "--json").document["verdict"].endswith("no searchable text.")


def test_a_note_changed_or_added_since_is_said_to_need_indexing(why, notes):
    assert why("cats.md").code == 0
    (notes / "cats.md").write_text("# Cats\n\nCats do nothing.\n", encoding="utf-8")
    (notes / "dogs.md").write_text("# Dogs\n\nDogs bark all day.\n", encoding="utf-8")
    assert why("cats.md", "--no-refresh", "--json").document["stage"] == "changed"
    reason = why("dogs.md", "--no-refresh", "--json").document["reason"]
    assert reason == "not in the index yet; run ragqa index"
    assert why("dogs.md", "--json").document["stage"] != "not indexed"
