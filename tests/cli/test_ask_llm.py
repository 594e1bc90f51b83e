"""`ragqa ask --llm`: what an LLM writes is checked, and whatever happens, the notes answer."""

import json
import re

import pytest
from support import CORPUS, Run, on_terminal

from ragqa.cli import run as run_here

QUESTION = "what is BM25?"
FROM_NOTES = "BM25 is a ranking function that scores a document by the query words it contains"
GOOD = "BM25 ranks a document by the query words that it contains [1]."


@pytest.fixture
def ask(wiki_index, tmp_path, capsys, monkeypatch):
    """Ask the wiki, with an LLM that says what the test tells it to, whatever it is asked.

    In this process, since there are many questions.
    """

    def run(*args, says=None, question=QUESTION, env=None):
        script = tmp_path / "says.jsonl"
        script.write_text("" if says is None else json.dumps({"when": "", "say": says}) + "\n")
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        options = ["--corpus", CORPUS, "--index", wiki_index, "--llm", f"scripted:{script}"]
        code = run_here(["ask", question, *map(str, options), *args])
        return Run(code, *capsys.readouterr())

    return run


def test_a_supported_answer_is_the_llms_with_sources_that_can_be_checked(ask):
    run = ask("--json", says=GOOD)
    document = run.document
    assert run.code == 0
    assert document["backend"].startswith("scripted:")
    assert document["grounded"] is True
    assert document["answer"] == "BM25 ranks a document by the query words that it contains. [1]"
    (sentence,) = document["sentences"]
    assert sentence["citations"] == [1]
    assert sentence["supported"] is True
    assert 0.5 <= sentence["support"] <= 1
    (citation,) = document["citations"]
    note = (CORPUS / citation["path"]).read_text(encoding="utf-8")
    assert note[slice(*citation["chars"])] == citation["quote"]
    assert FROM_NOTES in " ".join(citation["quote"].split())


@pytest.mark.parametrize(
    ("sentence", "mark"),
    [
        ("BM25 was made by NASA in 1969 [1].", "(not supported"),
        ("It is the best there is.", "(no source)"),
        ('The note calls it "the queen of rankings" [1].', "(not supported"),
    ],
)
def test_a_sentence_without_support_is_marked_and_strict_leaves_it_out(ask, sentence, mark):
    says = f"{GOOD} {sentence}"
    assert mark in ask(says=says).out
    flagged = ask("--json", says=says).document["sentences"][1]
    assert flagged["supported"] is False
    strict = ask("--strict", "--json", says=says).document
    assert [one["supported"] for one in strict["sentences"]] == [True]
    assert strict["llm"]["sentences_left_out"] == 1
    assert mark not in ask("--strict", says=says).out


@pytest.mark.parametrize(
    ("says", "reason", "fallback"),
    [
        ("Aliens built it [1].", "nothing that scripted:", "unsupported"),
        ("Cats purr.", "nothing that scripted:", "unsupported"),
        ("Cats purr [7].", "nothing that scripted:", "unsupported"),
        ("NOT IN NOTES", "finds no answer", "declined"),
        ("Not in notes.\nBut I think that cats purr [1].", "finds no answer", "declined"),
    ],
)
def test_where_nothing_valid_remains_the_notes_answer_themselves(ask, says, reason, fallback):
    run = ask(says=says)
    assert run.code == 1
    assert run.out.startswith(FROM_NOTES)
    assert reason in run.err
    assert "in your notes' own words" in run.err
    document = ask("--json", says=says).document
    assert document["backend"] == "extractive"
    assert document["grounded"] is False
    assert document["llm"]["fallback"] == fallback
    assert document["answer"].startswith(FROM_NOTES)
    assert document["citations"][0]["path"] == "rag/bm25.md"


def test_a_budget_for_no_passage_costs_exit_code_5_and_not_the_answer(ask):
    run = ask(says=GOOD, env={"RAGQA_LLM_PROMPT_TOKENS": "300"})
    assert run.code == 5
    assert "no passage fits" in run.err
    assert "llm_prompt_tokens" in run.err
    assert run.out.startswith(FROM_NOTES)


def test_an_llm_that_repeats_its_prompt_has_failed(ask, tmp_path, monkeypatch):
    monkeypatch.setattr("ragqa.generation.writer.secrets.token_hex", lambda _: "c0ffee")
    run = ask(says=f"{GOOD}\n--- begin c0ffee passage 1\nBM25")
    assert run.code == 5
    assert "repeated its prompt" in run.err
    assert run.out.startswith(FROM_NOTES)


def test_a_backend_that_fails_costs_exit_code_5_and_not_the_answer(ask):
    run = ask()
    assert run.code == 5
    assert run.out.startswith(FROM_NOTES)
    assert run.err == "error: the script has no reply to this prompt\n"
    run = ask("--json")
    assert run.code == 5
    assert run.document["backend"] == "extractive"
    assert "the script has no reply" in run.document["warnings"][-1]
    assert "Traceback" not in run.err


def test_where_the_notes_do_not_answer_the_llm_is_not_asked_unless_forced(ask):
    run = ask(question="how do I prune roses?", says="Prune them in spring [1].")
    assert run.code == 1
    assert "was not asked" in run.err
    assert "Prune them" not in run.out
    says = "Multi-head attention has one set of keys and values per query head [1]."
    forced = ask("--force", "--json", question="how do I prune roses?", says=says)
    assert forced.code == 1
    assert forced.document["answered"] is False
    assert forced.document["verdict"] == "not in notes"
    assert forced.document["grounded"] is True
    shown = ask("--force", question="how do I prune roses?", says=says).out
    assert "Your notes do not seem to answer this" in shown
    assert " The LLM was asked anyway." in shown


def test_markdown_keeps_the_marks_and_can_be_verified(ask, ragqa, tmp_path):
    run = ask("--format", "markdown", says=f"{GOOD} It is the best.\n```sh\nls\n```\n[1]")
    assert "contains. \\[1\\] It is the best. (no source)" in run.out
    (tmp_path / "kept.md").write_text(run.out, encoding="utf-8")
    verified = ragqa("verify", tmp_path / "kept.md", "--corpus", CORPUS)
    assert verified.code == 0
    assert "1 intact" in verified.out
    assert "wrote this answer: what it cites is checked, not what it says" in verified.err


def test_show_prompt_shows_all_that_would_be_sent_and_asks_nobody(ask, ragqa, wiki_index):
    run = ragqa("ask", QUESTION, "--show-prompt", "--corpus", CORPUS, "--index", wiki_index)
    assert run.code == 0
    assert "reply only: NOT IN NOTES" in run.out
    assert "passage 5\n" in run.out
    assert "5 passages" in run.err
    assert "nothing was sent" in run.err
    here = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    as_json = ask("--show-prompt", "--json", "--llm", "openai:nobody", env=here).document
    assert as_json["passages"] == 5
    assert as_json["would_go_to"] == "openai:nobody, this machine"
    assert as_json["would_be_asked"] is True
    assert 300 < as_json["tokens"] < 3000


def test_what_is_shown_is_what_is_sent_to_the_letter(ragqa, wiki_index, stub, monkeypatch):
    env = stub.environment("openai", "ok")
    options = ["--llm", "openai:tiny", "--corpus", CORPUS, "--index", wiki_index]
    monkeypatch.setattr("ragqa.generation.writer.secrets.token_hex", lambda _: "c0ffee")
    shown = ragqa("ask", QUESTION, "--show-prompt", "--json", *options, env=env).document
    stub.requests.clear()
    ragqa("ask", QUESTION, *options, env=env)
    [(_, _, body)] = stub.requests
    system, user = body["messages"]
    assert (system["content"], user["content"]) == (shown["instructions"], shown["message"])


def test_the_llm_of_the_settings_is_used_and_none_turns_it_off(ask, ragqa, wiki_index, tmp_path):
    ask(says=GOOD)
    env = {"RAGQA_LLM": f"scripted:{tmp_path / 'says.jsonl'}"}
    options = ["--json", "--corpus", CORPUS, "--index", wiki_index]
    assert ragqa("ask", QUESTION, *options, env=env).document["backend"].startswith("scripted:")
    off = ragqa("ask", QUESTION, *options, "--llm", "none", env=env).document
    assert off["backend"] == "extractive"
    assert "sentences" not in off


def test_strict_without_an_llm_is_a_usage_error(ragqa, wiki_index):
    run = ragqa("ask", QUESTION, "--strict", "--corpus", CORPUS, "--index", wiki_index)
    assert run.code == 2
    assert "ragqa llm list" in run.err


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_on_a_terminal_each_sentence_is_printed_once_and_wrapped_at_words(
    tmp_path, wiki_index, columns
):
    code = "```py\nif a:\n    b = 1  # c\n```\n[1]"
    says = f"{GOOD}\n\n- It came out in 1996 [1].\n  - within it [1]\n\n{code}"
    (tmp_path / "says.jsonl").write_text(json.dumps({"when": "", "say": says}) + "\n")
    options = ["--corpus", str(CORPUS), "--index", str(wiki_index)]
    llm = f"scripted:{tmp_path / 'says.jsonl'}"
    # The index is of the real model; that of `on_terminal` is of another.
    env = {"RAGQA_EMBEDDER": "all-MiniLM-L6-v2"}
    shown = on_terminal("ask", QUESTION, *options, "--llm", llm, columns=columns, env=env)
    lines = re.sub(r"\x1b\][^\x1b]*\x1b\\\\|\x1b\[[0-9;?]*[A-Za-z]", "", shown).splitlines()
    text = " ".join(" ".join(lines).split())
    assert text.count("BM25 ranks a document by the query words that it contains. [1]") == 1
    assert "- It came out in 1996. [1] (not supported: the date 1996)" in text
    assert "  - within it [1]" in "\n".join(lines)
    assert "    b = 1  # c" in lines
    answer = lines[: next(n for n, line in enumerate(lines) if line.startswith("Written by"))]
    assert [line for line in answer if len(line.rstrip()) > columns] == []
