"""`ragqa why` for sentences beside those that answer, or in their place, by the command line."""

import pytest

NOTES = {
    "oven.md": "# Oven\n\nThe bread oven is made of clay bricks.\n"
    "It takes three hours to heat up.\n",
    "bread.md": "# Bread\n\n## How to bake bread\n\n1. Mix the flour and the water.\n"
    "2. Wait for about an hour.\n3. Put the loaf in the oven.\n",
    "gateway.md": "---\ndate: 2026-01-01\n---\n# Gateway\n\n"
    "The API rate limit is 250 requests per minute per client.\n",
    "client.md": "---\ndate: 2021-01-01\n---\n# Client\n\n"
    "The API rate limit is 100 requests per minute per client.\n",
}


@pytest.fixture
def why(ragqa, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    places = ["--corpus", folder, "--index", tmp_path / "index"]

    def run(question, target):
        return ragqa("why", question, "--target", target, "--json", *places).document

    return run


def test_the_best_sentence_is_said_to_be_passed_over_for_what_a_newer_note_says(why):
    document = why("what is the API rate limit?", "client.md")
    best = document["sentences"][0]
    assert (document["stage"], best["rank"], best["lost"]) == ("composer", 1, "passed over")
    assert document["verdict"].startswith(
        "client.md was found, but no excerpt of it is in the answer: a paragraph that defines what "
        "is asked for, or a newer note that says something else, takes precedence over its "
        f"best sentence (rank 1 of {document['candidates']} sentences)."
    )
