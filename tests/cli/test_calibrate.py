"""`ragqa calibrate`, by the real command line, with the embedder that needs no model."""

import json
import shutil

import pytest
from support import CORPUS, QUICK, run_ragqa

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.evaluation.questions import read_questions
from ragqa.types import Pieces

QUESTION = "when should I fine-tune?"
GOLDEN = CORPUS.parent / "eval" / "questions.jsonl"
TUNE = [question for question in read_questions(GOLDEN) if question.half == "tune"]
ANSWERABLE = sum(bool(question.gold) for question in TUNE)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick") / "index"
    assert run_ragqa("index", "--corpus", CORPUS, "--index", folder, env=QUICK).code == 0
    return folder


@pytest.fixture
def index(built, tmp_path):
    """An index of its own; an index and its corpus may move only together, so it stays beside."""
    folder = built.with_name(f"index-{tmp_path.name}")
    shutil.copytree(built, folder, copy_function=shutil.copy2)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def places(index):
    return ["--corpus", CORPUS, "--index", index]


@pytest.fixture
def few_notes(tmp_path):
    """Fewer notes, from which questions are made faster."""
    return ["--corpus", CORPUS / "rag", "--index", tmp_path / "index"]


@pytest.fixture
def own(index):
    return index / "confidence.json"


@pytest.fixture(scope="module")
def fitted(built):
    """What a calibration on the questions of the wiki says and keeps, made once."""
    args = ["--questions", GOLDEN, "--corpus", CORPUS, "--index", built]
    run = run_ragqa("calibrate", "--json", *args, env=QUICK)
    kept = (built / "confidence.json").read_text(encoding="utf-8")
    (built / "confidence.json").unlink()
    assert run.code == 0, run.err
    return run.document, kept


def test_own_questions_fit_the_model_which_is_used_from_then_on(quick, places, own, fitted):
    document, kept = fitted
    before = quick("ask", QUESTION, "--json", *places).document
    own.write_text(kept, encoding="utf-8")
    after = quick("ask", QUESTION, "--json", *places).document
    assert (before["calibration"], after["calibration"]) == ("shipped", "own")
    assert before["confidence"] != after["confidence"]
    assert document["refitted"] == "weights"
    asked = document["questions"]
    assert asked["answerable"] == asked["near"] == ANSWERABLE, (
        "the half that settings are chosen on"
    )
    assert asked["unanswerable"] == len(TUNE) - ANSWERABLE
    assert document["answerable_share_from"] == "your questions"


def test_a_fit_says_better_of_what_it_had_not_seen_than_what_was_there(fitted):
    # The shipped model was not fitted for this embedder at all.
    document, _ = fitted
    assert document["after"]["ece"] < document["before"]["ece"]
    answered = document["after"]["answered"]["answerable"]["answered"]
    assert answered >= 0.9 * document["questions"]["answerable"]


def test_what_is_kept_says_where_it_comes_from(fitted):
    _, kept = fitted
    told = json.loads(kept)["provenance"]
    assert told["questions"]["answerable"] == ANSWERABLE
    assert {"threshold", "auroc", "ece"} <= told["before"].keys()


def test_status_and_doctor_and_eval_say_which_model_is_in_use(quick, places, own, fitted):
    assert quick("status", "--json", *places).document["calibration"]["in_use"] == "shipped"
    own.write_text(fitted[1], encoding="utf-8")
    assert quick("status", "--json", *places).document["calibration"]["in_use"] == "own"
    doctor = quick("doctor", *places)
    assert doctor.code == 0
    assert "a model fitted on your own questions" in doctor.out
    found = quick("eval", "--questions", GOLDEN, "--limit", 3, "--json", *places).document
    assert found["calibration"] == "own"


def test_a_rebuild_keeps_it_and_reset_removes_it(quick, places, own, fitted):
    own.write_text(fitted[1], encoding="utf-8")
    assert quick("index", "--rebuild", *places).code == 0
    assert quick("doctor", "--json", *places).document["sound"]
    assert quick("ask", QUESTION, "--json", *places).document["calibration"] == "own"
    assert quick("calibrate", "--reset", "--json", *places).document["removed"]
    assert not own.exists()
    again = quick("calibrate", "--reset", *places)
    assert (again.code, again.err) == (0, "")
    assert quick("ask", QUESTION, "--json", *places).document["calibration"] == "shipped"


@pytest.mark.integration
def test_made_questions_leave_confidence_as_it_is_and_the_output_says_why(
    quick, few_notes, tmp_path
):
    before = quick("ask", QUESTION, "--json", *few_notes).document
    run = quick("calibrate", "--generate", 40, *few_notes)
    assert run.code == 0, run.err
    assert "easier than people's" in run.out
    assert "ragqa calibrate --questions FILE" in run.out
    # The path of the index is as long as it is.
    wide = [line for line in run.out.splitlines() if str(tmp_path) not in line]
    assert max(map(len, wide)) <= 100
    table = run.out.partition("Asked")[2].partition("Generated questions")[0]
    assert max(map(len, table.splitlines())) <= 80
    after = quick("ask", QUESTION, "--json", *few_notes).document
    assert after["calibration"] == "own"
    assert after["confidence"] == before["confidence"]
    kept = json.loads((tmp_path / "index" / "confidence.json").read_text(encoding="utf-8"))
    assert kept["refitted"] == "threshold"
    assert list((tmp_path / "index").glob(".*")) == []


@pytest.mark.integration
def test_the_same_seed_gives_the_same_file_and_another_one_another(quick, few_notes, tmp_path):
    texts = []
    for seed in (3, 3, 4):
        assert quick("calibrate", "--generate", 40, "--seed", seed, *few_notes).code == 0
        texts.append((tmp_path / "index" / "confidence.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("how", ["own", "made"])
def test_too_few_questions_write_nothing_and_the_hint_says_what_to_do(
    quick, few_notes, tmp_path, how
):
    few = tmp_path / "few.jsonl"
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()[:40]
    few.write_text("\n".join(lines), encoding="utf-8")
    given = ["--questions", few] if how == "own" else ["--generate", 5]
    run = quick("calibrate", *given, *few_notes)
    assert (run.code, run.out) == (2, "")
    assert "; 30 that the notes answer are needed" in run.err
    assert "ragqa calibrate --questions FILE" in run.err
    assert not (tmp_path / "index" / "confidence.json").exists()


@pytest.mark.parametrize(
    "args",
    [["--questions", GOLDEN, "--generate", 40], ["--reset", "--questions", GOLDEN]],
)
def test_options_of_which_one_would_be_ignored_are_a_usage_error(quick, places, args):
    run = quick("calibrate", *args, *places)
    assert (run.code, run.out) == (2, "")


def test_a_damaged_file_is_told_of_and_not_used(quick, places, own):
    own.write_text('{"models": \x1b[31m', encoding="utf-8")
    asked = quick("ask", QUESTION, "--json", *places)
    assert asked.document["calibration"] == "shipped"
    assert any("is damaged" in warning for warning in asked.document["warnings"])
    assert "ragqa calibrate --reset" in asked.err
    why = quick("why", QUESTION, "--target", "lora.md", *places)
    assert "is damaged" in why.err
    doctor = quick("doctor", *places)
    assert doctor.code == 0
    assert "is damaged" in doctor.out
    assert f"ragqa calibrate --reset --corpus {CORPUS}" in doctor.out


def test_a_file_for_another_embedder_is_not_used(quick, places, own, fitted):
    own.write_text(fitted[1], encoding="utf-8")
    other = {"RAGQA_EMBEDDER": "hashed:32"}
    assert quick("index", "--rebuild", *places, env=other).code == 0
    asked = quick("ask", QUESTION, "--json", *places, env=other)
    assert asked.document["calibration"] == "shipped"
    assert "another embedder" in asked.err


def test_what_is_found_by_its_words_alone_is_not_judged_by_an_own_model(
    quick, places, own, fitted, monkeypatch
):
    own.write_text(fitted[1], encoding="utf-8")
    # An embedder that knows no piece of a question in another script.
    monkeypatch.setattr(HashedEmbedder, "pieces", lambda _self, texts: Pieces(len(texts)))
    asked = quick("ask", "что такое LoRA", "--json", *places)
    assert asked.document["calibration"] == "shipped"
