"""The documents that `--json` prints, held against the schemas in `docs/schema/`."""

import json
import runpy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMAS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (DOCS / "schema").glob("*.json")
}
NOTES = {
    "gateway.md": "---\ntitle: Gateway\ndate: 2026-02-11\ntags: [api, api/limits]\n"
    "aliases: [front]\n---\n\n# Gateway\n\nThe rate limit of the API is 100 requests per minute.\n",
    "client.md": "---\ndate: 2021-09-04\n---\n\n# Client\n\n"
    "The API has a rate limit of 60 requests per minute.\n",
    "prices.md": "# Prices\n\n| plan | price of a seat |\n| --- | --- |\n| team | 12 euros |\n",
}
QUESTION = "what is the rate limit of the API?"


@pytest.fixture(autouse=True)
def unread(notes):
    (notes / "binary.md").write_bytes(b"\x00")
    (notes / "picture.png").write_bytes(b"\x89PNG")


def fits(name, run):
    """The document that a command printed, which must be as its schema says."""
    document = run.document
    Draft202012Validator(SCHEMAS[name]).validate(document)
    return document


def objects(schema):
    """Every part of a schema that names properties."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_valid_and_lets_no_other_key_in(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert all(part["additionalProperties"] is False for part in objects(SCHEMAS[name]))


def test_the_schemas_and_the_page_are_what_the_code_declares():
    script = runpy.run_path(str(DOCS / "make_schema.py"))
    made = {name: json.loads(text) for name, text in script["schemas"]().items()}
    assert made == SCHEMAS, "run python docs/make_schema.py"
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    assert script["page"]() == page, "run python docs/make_schema.py"
    assert all(f"schema/{name}.json" in page for name in SCHEMAS)


def test_every_answer_is_as_its_schema_says(quick, places, tmp_path):
    for question in (QUESTION, "what is the price of a seat?", "zorbing on mars"):
        fits("ask", quick("ask", question, "--json", *places))
    for said in ("The rate limit of the API is 100 requests per minute [1] [2]. Free [9].", ""):
        script = tmp_path / "script.jsonl"
        script.write_text(json.dumps({"when": "rate limit", "say": said}) + "\n", encoding="utf-8")
        llm = ["--llm", f"scripted:{script}"]
        document = fits("ask", quick("ask", QUESTION, "--json", *llm, *places))
        assert document["by_llm"] == bool(said)


def test_index_search_status_and_lists_are_as_their_schemas_say(quick, places):
    assert fits("index", quick("index", "--json", *places))["skipped"]
    assert fits("search", quick("search", "rate limit", "--json", *places))["hits"]
    status = fits("status", quick("status", "--json", *places))
    assert status["other_files"] == {".png": 1}
    assert len(fits("list", quick("list", "--json", *places))["notes"]) == len(NOTES)
    assert fits("list", quick("list", "--tags", "--json", *places))["tags"]
    near = fits("related", quick("search", "--related", "gateway.md", "--json", *places))
    assert (near["note"], bool(near["related"])) == ("gateway.md", True)
    assert fits("get", quick("get", "gateway.md", "--json", *places))["total_lines"] == 10


def test_what_became_of_an_answer_is_as_the_schema_says(quick, places, tmp_path):
    answer = tmp_path / "answer.json"
    answer.write_text(quick("ask", QUESTION, "--json", *places).out, encoding="utf-8")
    verify = ["verify", answer, "--json", *places[:2]]
    assert fits("verify", quick(*verify))["sound"]
    for path in places[1].glob("*.md"):
        path.write_text("\n\n" + path.read_text("utf-8").replace("100", "200"), encoding="utf-8")
    assert not fits("verify", quick(*verify))["sound"]


@pytest.mark.parametrize(
    "command",
    [["config"], ["why", QUESTION, "--target", "client.md"]],
)
def test_every_other_document_has_a_version_too(quick, places, command):
    assert quick(*command, "--json", *places).document["version"] == 1
