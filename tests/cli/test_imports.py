"""What a command imports, which decides how long it takes to start."""

import json
import os
import subprocess
import sys

import pytest
from hashed import KNOWS_HASHED
from support import CORPUS, HANGS_S, QUICK

HEAVY = {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "pandas"}
FOR_ASKING = {"numpy", "onnxruntime", "tantivy", "tokenizers", "sqlite3"}
FOR_A_LARGE_INDEX = {"faiss"}
FOR_BUILDING = {"markdown_it", "yaml", "tiktoken", "onnx", "huggingface_hub"}

FOR_AN_LLM = {"ragqa.llms.http", "ragqa.llms.servers", "ragqa.user_data.consent"}
FOR_AN_LLM |= {"ragqa.grounding", "ragqa.generation"}
FOR_AN_LLM |= {"httpx2", "httpcore2"}
FOR_A_SERVER = {"pymilvus", "milvus_lite", "grpc", "ray"}
FOR_A_CHAT = {"ragqa.follow_ups", "prompt_toolkit"}
FOR_A_REPORT = {"jinja2", "markupsafe"}
FOR_SETTINGS = {"ragqa.config", "ragqa.safe", "platformdirs", "tomllib"}

PROBE = """
import sys
from ragqa.cli import run
code = run(sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
loaded += sorted(name for name in sys.modules if name.startswith("ragqa."))
print(code, *loaded, file=sys.stderr)
"""


NOTES = {"cats.md": "# Cats\n\nCats sleep all day.\n"}


def imported(*args, env=None):
    done = subprocess.run(
        [sys.executable, "-c", (KNOWS_HASHED if env else "") + PROBE, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | (env or {}),
        timeout=HANGS_S,
        check=True,
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


@pytest.mark.parametrize("args", [["--version"], ["ask", "--help"]])
def test_help_and_version_import_only_what_they_say(args):
    modules = imported(*args)
    assert modules.isdisjoint(HEAVY | FOR_ASKING | FOR_BUILDING | {"rich"})
    assert modules.isdisjoint(FOR_AN_LLM | FOR_A_CHAT | FOR_SETTINGS | {"ragqa.llms", "ragqa.api"})


def test_a_chat_imports_nothing_heavy_before_its_first_question(tmp_path):
    modules = imported("chat", "--corpus", tmp_path)
    assert modules.isdisjoint(HEAVY | FOR_ASKING | FOR_BUILDING | FOR_AN_LLM | {"rich"})


def test_without_an_llm_nothing_is_imported_that_building_an_llm_or_a_chat_needs(wiki_index):
    modules = imported("ask", "what is LoRA?", "--corpus", CORPUS, "--index", wiki_index)
    assert modules.isdisjoint(HEAVY | FOR_BUILDING | FOR_A_CHAT | FOR_A_SERVER)
    assert modules.isdisjoint(FOR_AN_LLM | FOR_A_LARGE_INDEX | {"ragqa.status", "rapidfuzz"})
    assert modules >= FOR_ASKING


def test_an_evaluation_needs_templates_for_its_report_alone(places, tmp_path):
    gold = [{"note": "cats.md", "quote": "Cats sleep all day."}]
    row = {"id": "c", "question": "what do cats do", "kind": "short", "answer": ["sleep"]}
    questions = tmp_path / "own.jsonl"
    questions.write_text(json.dumps(row | {"gold": gold}) + "\n", encoding="utf-8")
    evaluate = ["eval", "--questions", questions, *places]
    assert imported(*evaluate, env=QUICK).isdisjoint(FOR_A_REPORT | FOR_A_SERVER)
