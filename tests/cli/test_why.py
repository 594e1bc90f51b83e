"""`ragqa why`: how a note ranked and at which stage it was lost; `transcripts/why.txt` has more."""

import pytest
from support import CORPUS

QUESTION = "when should I fine-tune?"
SAID = "fine-tuning/decision-framework.md"


@pytest.fixture
def why(ragqa, wiki_index):
    def run(question, target, *args):
        places = ["--corpus", CORPUS, "--index", wiki_index]
        return ragqa("why", question, "--target", target, *args, *places)

    return run


def test_a_note_in_the_answer_has_its_ranks_and_its_best_sentence(why):
    document = why(QUESTION, SAID, "--json").document
    assert (document["stage"], document["verdict"]) == ("said", "in the answer")
    assert document["by_both"] == 1
    out = why(QUESTION, SAID).out
    assert out.startswith(f"{SAID}: in the answer\nRank {document['by_meaning']} by meaning, ")
    assert f"Best sentence: {SAID}:{document['lines'][0]}" in out
    assert document["sentence"].split()[0] in out


@pytest.mark.parametrize(
    ("question", "target", "args", "stage"),
    [
        (QUESTION, "lora.md", [], "dense"),
        (QUESTION, f"{SAID}:1", [], "chunking"),
        (QUESTION, SAID, ["--path", "rag"], "filters"),
        ("how do I prune roses in winter?", "lora.md", [], "terms"),
    ],
)
def test_one_line_says_at_which_stage_a_note_was_lost(why, question, target, args, stage):
    document = why(question, target, "--json", *args).document
    assert document["stage"] == stage
    assert document["verdict"].startswith("not in the answer, lost at ")
    assert document["verdict"] in " ".join(why(question, target, *args).out.split())
