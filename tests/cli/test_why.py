"""`ragqa why` and `ragqa ask --explain`: how far a note came, by the real command line."""

from dataclasses import replace

import pytest
from support import CORPUS, write_notes

from ragqa import open_index
from ragqa.answering.score import SIGNALS
from ragqa.explaining import explain
from ragqa.render.explanations import verdict

NOTES = {
    "cats.md": "---\ntitle: Cats\naliases: [Felines]\ntags: [animals]\ndate: 2024-05-01\n---\n\n"
    "# Cats\n\nCats sleep for most of the day. A cat purrs when it is content.\n",
    "garden/roses.md": "---\ntags: [plants]\ndate: 2023-01-01\n---\n\n# Roses\n\n"
    "Roses need pruning in late winter. Feed roses in spring.\n",
}
RATES = {
    "gateway.md": "---\ndate: 2026-01-01\n---\nThe API rate limit is 250 requests per minute.\n",
    "client.md": "---\ndate: 2021-01-01\n---\nThe API rate limit is 100 requests per minute.\n",
}
TOKENS = {
    "gateway.md": "# Gateway\n\nThe token of the gateway lives for 30 minutes.\n\n"
    "The token of the gateway lives for 45 days.\n\nBananas ripen in a paper bag.\n"
}
ASKS_FOR_A_FIGURE = "does the token of the gateway live for 30 minutes?"


@pytest.fixture
def wiki_why(ragqa, wiki_index):
    def run(question, target, *args):
        places = ["--corpus", CORPUS, "--index", wiki_index]
        return ragqa("why", question, "--target", target, *args, *places)

    return run


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


def test_the_best_sentence_is_said_to_be_passed_over_for_what_a_newer_note_says(ragqa, tmp_path):
    places = ["--corpus", write_notes(tmp_path / "rates", RATES), "--index", tmp_path / "index"]
    why = ["why", "what is the API rate limit?", "--target", "client.md", "--json", *places]
    document = ragqa(*why).document
    best = document["sentences"][0]
    assert (document["stage"], best["rank"], best["lost"]) == ("composer", 1, "passed over")
    assert "a newer note that says something else, takes precedence" in document["verdict"]


@pytest.fixture(scope="module")
def outdone(tmp_path_factory):
    """The explanation of a sentence that another one outdoes."""
    folder = tmp_path_factory.mktemp("outdone")
    corpus = write_notes(folder / "notes", TOKENS)
    settings = {"embedder": "hashed:64"}
    with open_index(corpus, index=folder / "index", settings=settings) as index:
        found = explain(index, ASKS_FOR_A_FIGURE, target="gateway.md:5")
    assert "and figures of the question in it (+0." in verdict(found)
    return found


@pytest.mark.parametrize("name", SIGNALS)
def test_whatever_another_sentence_leads_in_is_named_in_words(outdone, name):
    winner = max(outdone.said, key=lambda one: one.score)
    best, *others = outdone.sentences
    own = replace(best, citation=replace(best.citation, parts={}))
    led = replace(outdone, said=(replace(winner, parts={name: 0.5}),), sentences=(own, *others))
    assert verdict(led).endswith(f" It leads in {SIGNALS[name].words} (+0.50).")
    assert " " in SIGNALS[name].words
