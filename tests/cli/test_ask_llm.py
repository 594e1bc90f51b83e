"""`ragqa ask --llm`: what an LLM writes is checked, and whatever happens, the notes answer."""

import json
import re
from functools import partial

import pytest
from support import CORPUS, QUICK, on_terminal, run_ragqa, write_notes

QUESTION = "what is BM25?"
UNANSWERED = "who painted the Mona Lisa in Florence?"
FROM_NOTES = "BM25 is a ranking function that scores a document by the query words it contains"
MADE_UP = "BM25 was made by NASA in 1969 [1]."
GOOD = "BM25 ranks a document by the query words that it contains [1]."


NAMES = ("rag/bm25.md", "llms/attention.md", "rag/chunking.md", "agents/memory.md")
NOTES = {name: (CORPUS / name).read_text(encoding="utf-8") for name in NAMES}


@pytest.fixture(scope="session")
def indexed(tmp_path_factory):
    """The options of a folder with a few notes, and its index."""
    folder = tmp_path_factory.mktemp("bm25")
    notes = write_notes(folder / "notes", NOTES)
    found = ["--corpus", str(notes), "--index", str(folder / "index")]
    assert run_ragqa("index", *found, env=QUICK).code == 0
    return found


@pytest.fixture
def ask(quick, indexed, tmp_path):
    """Ask these notes, with an LLM that says what the test tells it to, whatever it is asked."""

    def run(*args, says=None, question=QUESTION, env=None):
        script = tmp_path / "says.jsonl"
        script.write_text("" if says is None else json.dumps({"when": "", "say": says}) + "\n")
        options = [*indexed, "--llm", f"scripted:{script}"]
        return quick("ask", question, *options, *args, env=env)

    return run


def test_an_answer_is_the_llms_with_sources_that_can_be_checked(ask):
    run = ask("--json", says=GOOD)
    document = run.document
    assert run.code == 0
    assert document["backend"].startswith("scripted:")
    assert document["by_llm"] is True
    assert document["answer"] == "BM25 ranks a document by the query words that it contains. [1]"
    (sentence,) = document["sentences"]
    assert sentence["citations"] == [1]
    assert sentence["lacks"] == []
    (citation,) = document["citations"]
    note = NOTES[citation["path"]]
    assert note[slice(*citation["chars"])] == citation["quote"]
    assert citation["path"] == "rag/bm25.md"


@pytest.mark.parametrize(
    ("sentence", "mark"),
    [
        (MADE_UP, "not in its source: 1969, NASA"),
        ("It is the best there is.", "no source"),
    ],
)
def test_what_the_sources_of_a_sentence_lack_is_named_and_strict_leaves_it_out(ask, sentence, mark):
    says = f"{GOOD} {sentence}"
    out = ask(says=says).out
    assert f"({mark})" in out
    assert "support" not in out
    flagged = ask("--json", says=says).document["sentences"][1]
    assert flagged["lacks"] == (["1969", "NASA"] if "NASA" in sentence else [])
    strict = ask("--strict", "--json", says=says).document
    assert len(strict["sentences"]) == 1
    assert strict["llm"]["sentences_left_out"] == [flagged]
    shown = " ".join(ask("--strict", says=says).out.split())
    assert sentence[:10] not in shown
    assert f"Sentences left out: 1 ({mark})." in shown


@pytest.mark.parametrize(
    ("says", "how", "code", "fallback", "reason"),
    [
        ("Cats purr [7].", None, 1, "nothing left", "no sentence cites a passage"),
        ("Not in notes.\nBut I think that cats purr [1].", None, 1, "declined", "finds no answer"),
        (GOOD, "300", 5, "failed", "no passage fits"),
        (f"{GOOD}\n--- begin c0ffee passage 1\nBM25", None, 5, "failed", "repeated its prompt"),
        (None, None, 5, "failed", "error: the script has no reply to this prompt"),
        (MADE_UP, "strict", 1, "nothing left", "leaves out what its sources lack (1969, NASA"),
    ],
)
def test_whatever_fails_or_is_not_valid_the_notes_answer_themselves(
    ask, monkeypatch, says, how, code, fallback, reason
):
    monkeypatch.setattr("ragqa.generation.secrets.token_hex", lambda _: "c0ffee")
    env = {"RAGQA_LLM_PROMPT_TOKENS": how} if how == "300" else {}
    ask = partial(ask, *(["--strict"] if how == "strict" else []))
    run = ask(says=says, env=env)
    assert run.code == code
    assert FROM_NOTES in run.out
    assert reason in run.err
    assert "Traceback" not in run.err
    asked = ask("--json", says=says, env=env)
    document = asked.document
    assert asked.code == code
    assert (document["backend"], document["by_llm"]) == ("extractive", False)
    assert document["llm"]["fallback"] == fallback
    assert document["answer"].startswith(FROM_NOTES)


def test_where_the_notes_do_not_answer_the_llm_is_not_asked_unless_forced(ask):
    run = ask(question=UNANSWERED, says="Prune them in spring [1].")
    assert run.code == 1
    assert "was not asked" in run.err
    assert "Prune them" not in run.out
    says = "Multi-head attention has one set of keys and values per query head [1]."
    forced = ask("--force", "--json", question=UNANSWERED, says=says)
    assert forced.code == 1
    assert forced.document["answered"] is False
    assert forced.document["verdict"] == "not in notes"
    assert forced.document["by_llm"] is True
    shown = ask("--force", question=UNANSWERED, says=says).out
    assert "Your notes do not seem to answer this" in shown
    assert " The LLM was asked anyway." in shown


def test_markdown_keeps_the_marks_and_can_be_verified(ask, quick, indexed, tmp_path):
    run = ask("--format", "markdown", says=f"{GOOD} It is the best.\n```sh\nls\n```\n[1]")
    assert "contains. [1] It is the best. (no source)" in run.out
    (tmp_path / "kept.md").write_text(run.out, encoding="utf-8")
    verified = quick("verify", tmp_path / "kept.md", *indexed[:2])
    assert verified.code == 0
    assert "1 intact" in verified.out
    assert "wrote this answer: what it cites is checked, not what it says" in verified.err


def test_what_is_shown_is_what_is_sent_to_the_letter(quick, indexed, stub, monkeypatch):
    env = stub.environment("openai", "ok")
    options = ["--llm", "openai:tiny", *indexed]
    monkeypatch.setattr("ragqa.generation.secrets.token_hex", lambda _: "c0ffee")
    stub.requests.clear()
    shown = quick("ask", QUESTION, "--show-prompt", "--json", *options, env=env).document
    assert (shown["passages"], shown["would_be_asked"]) == (5, True)
    assert shown["would_go_to"] == "openai:tiny, this machine"
    printed = quick("ask", QUESTION, "--show-prompt", *options, env=env)
    assert "reply only: NOT IN NOTES" in printed.out
    assert "nothing was sent" in printed.err
    assert stub.requests == []
    quick("ask", QUESTION, *options, env=env)
    [(_, _, body)] = stub.requests
    system, user = body["messages"]
    assert (system["content"], user["content"]) == (shown["instructions"], shown["message"])


def test_the_llm_of_the_settings_is_used_and_none_turns_it_off(ask, quick, indexed, tmp_path):
    ask(says=GOOD)
    env = {"RAGQA_LLM": f"scripted:{tmp_path / 'says.jsonl'}"}
    options = ["--json", *indexed]
    assert quick("ask", QUESTION, *options, env=env).document["backend"].startswith("scripted:")
    off = quick("ask", QUESTION, *options, "--llm", "none", env=env).document
    assert off["backend"] == "extractive"
    assert "sentences" not in off


def test_on_a_terminal_each_sentence_is_printed_once_and_wrapped_at_words(tmp_path, indexed):
    code = "```py\nif a:\n    b = 1  # c\n```\n[1]"
    says = f"{GOOD}\n\n- It was made in 1996 [1].\n  - within it [1]\n\n{code}"
    (tmp_path / "says.jsonl").write_text(json.dumps({"when": "", "say": says}) + "\n")
    llm = f"scripted:{tmp_path / 'says.jsonl'}"
    shown = on_terminal("ask", QUESTION, *indexed, "--llm", llm, columns=40)
    lines = re.sub(r"\x1b\][^\x1b]*\x1b\\\\|\x1b\[[0-9;?]*[A-Za-z]", "", shown).splitlines()
    text = " ".join(" ".join(lines).split())
    assert text.count("BM25 ranks a document by the query words that it contains. [1]") == 1
    assert "- It was made in 1996. [1] (not in its source: 1996)" in text
    assert "  - within it [1]" in "\n".join(lines)
    assert "    b = 1  # c" in lines
    answer = lines[: next(n for n, line in enumerate(lines) if line.startswith("Written by"))]
    assert [line for line in answer if len(line.rstrip()) > 40] == []
