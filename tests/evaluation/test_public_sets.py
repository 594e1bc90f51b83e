"""`eval/beir.py` and `eval/qa.py`: a public set is measured by its judgements, and its answers."""

import json
import sys
from pathlib import Path

import pytest
from hashed import HashedEmbedder
from support import QUICK, write_notes

sys.path.append(str(Path(__file__).parents[2] / "eval"))
from beir import main

DOCUMENTS = {
    "fig": ("Figs", "A fig is the fruit of the fig tree. Figs ripen in August in most gardens."),
    "kiwi": ("", "The kiwi is a berry from China. It was named after the bird in 1959."),
    "plum": ("Plums", "Plums are stone fruit. A dried plum is called a prune."),
    "void": ("", ""),
}
QUERIES = {
    "q1": ("when do figs ripen", ["August"]),
    "q2": ("what is a dried plum called", ["prune", "a prune"]),
    "q3": ("kiwi berry named after which bird", ["1959"]),
    "q4": ("tuning an old piano", []),
}
QRELS = (
    "query-id\tcorpus-id\tscore\nq1\tfig\t2\nq1\tplum\t0\nq2\tplum\t1\nq3\tkiwi\t1\nq3\tgone\t1\n"
)


@pytest.fixture
def measure(tmp_path, monkeypatch, capsys):
    """Measure the set, with documents added to it; gives the document."""
    for name, value in (QUICK | {"RAGQA_CACHE": str(tmp_path / "cache")}).items():
        monkeypatch.setenv(name, value)

    def run(*options, answers=False, **more):
        documents = DOCUMENTS | {id_: ("", text) for id_, text in more.items()}
        files = {
            "corpus.jsonl": [{"_id": i, "title": t, "text": s} for i, (t, s) in documents.items()],
            "queries.jsonl": [{"_id": i, "text": text} for i, (text, _) in QUERIES.items()],
            "answers.jsonl": [
                {"_id": i, "answers": said, "answerable": bool(said)}
                for i, (_, said) in QUERIES.items()
            ],
        }
        lines = {name: "".join(f"{json.dumps(r)}\n" for r in rows) for name, rows in files.items()}
        folder = write_notes(tmp_path / "fruit", lines | {"qrels/test.tsv": QRELS})
        monkeypatch.setattr(sys, "argv", ["beir.py", str(folder), "--json", *options])
        main(answers=answers)
        return json.loads(capsys.readouterr().out)

    return run


def test_documents_are_ranked_by_their_best_passage_and_what_does_not_fit_is_told(measure):
    found = measure()
    assert (found["dataset"], found["mode"], found["queries"]) == ("fruit", "beir", 3)
    assert found["methods"]["hybrid"] == {
        "ndcg@10": 0.871,
        **dict.fromkeys(("recall@1", "recall@5", "recall@10", "recall@100"), 0.8333),
        "mrr@10": 1.0,
    }
    assert found["questions"][2]["ranks"]["terms"] == [1, None]
    assert [row["missed"] for row in found["questions"]] == [None] * 3
    assert found["warnings"] == [
        "missing judged documents, counted as not found: 1 (gone for q3)",
        "queries without a relevant document, not asked: 1 (q4)",
        "documents without a passage: 1",
    ]
    assert measure("--limit", "2")["partial"]


def test_answers_are_measured_and_those_of_questions_without_one(measure):
    found = measure(answers=True)
    assert [found[name] for name in ("mode", "shown@1", "shown@3", "sure")] == ["qa", 1, 1, 0.75]
    assert found["abstention"]["unanswerable"]["answered"] == 0
    assert found["questions"][0]["cited"][0]["path"] == "fig"


def test_a_set_that_was_measured_before_embeds_only_what_is_new(measure, monkeypatch):
    embedded = []
    embed = HashedEmbedder.embed_passages

    def watched(self, texts, **kwargs):
        embedded.extend(texts)
        return embed(self, texts, **kwargs)

    monkeypatch.setattr(HashedEmbedder, "embed_passages", watched)
    first = measure()
    assert (len(embedded), measure(), len(embedded)) == (3, first, 3)
    measure(new="Quinces are hard.")
    assert len(embedded) == 4
