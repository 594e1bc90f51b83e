"""A small vault and the real model: what is found can be quoted, and what is hidden cannot."""

import pytest
from support import write_notes

import ragqa
from ragqa.types import Verdict

LIMIT = "The retry limit of the mailer is 9 attempts."
VAULT = {
    "people/ann.md": "# Ann Berger\n\n- Role: SRE\n- Office: Berlin\n- Started: 2021-03-01\n",
    "pancakes.md": "# Pancakes\n\nServes 4.\n\n- 2 eggs\n- 250 g flour\n- 500 ml milk\n",
    "stack.md": (
        "# Stack of the shop\n\n## Database: PostgreSQL\n\nIt runs on two machines in Frankfurt.\n"
        "\n## Cache: Redis\n\nSessions are kept for a day.\n"
    ),
    "adr/adr-007.md": (
        "---\ntitle: ADR 7 Use event sourcing\nstatus: accepted\nowner: Priya Nair\n"
        "deadline: 2025-09-30\nreviewers:\n  - Ann Berger\n  - Tom Ngata\napi_key: swordfish\n---\n"
        "\n# ADR 7 Use event sourcing\n\nWe store every change of an order as an event.\n"
    ),
    "adr/adr-008.md": (
        "---\ntitle: ADR 8 Drop the cron server\nstatus: rejected\nowner: Tom Ngata\n---\n\n"
        "# ADR 8 Drop the cron server\n\nThe cron server stays. Its jobs are few.\n"
    ),
    "mailer.txt": f"{LIMIT}\nThe mailer timeout is 60 seconds.\n",
    "warehouse.md": (
        "---\naliases: [Bluebird, BB]\ntags: [project]\n---\n\n# Warehouse migration\n\n"
        "The warehouse migration moves all reports from Oracle to ClickHouse. It began in March.\n"
    ),
    "badger.md": "# Badger\n\nA badger eats up to 200 worms a night. It lives in a sett.\n",
    "gadgets.md": "# Gadgets\n\nGadget 4240 weighs 12 kilograms.\n\nGadget 4251 weighs 7 kilos.\n",
    "workers.md": "# Workers\n\n~~4 workers~~ It is now 16\n",
    "exporter.md": (
        "# Exporter\n\n- ~~Owner: Ann~~ Owner: Tom\n\n"
        "~~The exporter\nwrites CSV.~~ The exporter writes Parquet.\n"
    ),
    "door.md": (
        "# Door\n\nThe office door opens with a code. %%the code is swordfish%% Ask Ann for it.\n\n"
        "<!-- password is swordfish -->\n\nThe alarm is off from 7 to 19.\n\n"
        "%%\nThe spare key lies below the swordfish.\n\n- It is blue.\n%%\n\nVisitors ring.\n"
    ),
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Ask the vault; all that an answer cites is held against the notes."""
    folder = tmp_path_factory.mktemp("vault")
    corpus = write_notes(folder / "notes", VAULT)
    with ragqa.open_index(corpus, index=folder / "index") as index:

        def asked(question):
            answer = index.ask(question)
            for citation in answer.citations:
                text = VAULT[citation.path]
                start, end = citation.chars
                assert text[start:end] == citation.quote
                assert citation.lines[0] == text.count("\n", 0, start) + 1
            return answer

        yield asked


@pytest.mark.parametrize(
    ("question", "quote", "line"),
    [
        ("what is the role of Ann Berger?", "- Role: SRE", 3),
        ("how many eggs for the pancakes?", "- 2 eggs", 5),
        ("which database does the shop use?", "## Database: PostgreSQL", 3),
        ("what is the status of ADR 7?", "status: accepted", 3),
        ("who reviews ADR 7?", "reviewers:\n  - Ann Berger\n  - Tom Ngata", 6),
        # The first line of a text file is text if it is a sentence.
        ("what is the retry limit of the mailer?", LIMIT, 1),
        ("how many workers are there?", "It is now 16", 3),
        ("who owns the exporter?", "Owner: Tom", 3),
        ("what does the exporter write?", "The exporter writes Parquet.", 6),
    ],
)
def test_what_answers_is_quoted_at_its_line(ask, question, quote, line):
    best = max(ask(question).citations, key=lambda citation: citation.score)
    ((start, end),) = best.answer_spans
    start, end = start - best.chars[0], end - best.chars[0]
    assert best.quote[start:end] == quote
    assert best.lines[0] + best.quote.count("\n", 0, start) == line


@pytest.mark.parametrize(
    ("question", "hidden"),
    [
        ("what is the api key of ADR 7?", "swordfish"),
        ("what is the password?", "swordfish"),
        ("what is the code of the office door?", "swordfish"),
        ("where is the spare key?", "swordfish"),
        ("how many workers are there?", "4 workers"),
        ("who owns the exporter?", "Owner: Ann"),
        ("what does the exporter write?", "CSV"),
    ],
)
def test_what_is_hidden_or_struck_out_is_nowhere(ask, question, hidden):
    assert hidden not in repr(ask(question))


@pytest.mark.parametrize(
    ("question", "said", "missing"),
    [
        # By an alias that only the front matter has.
        ("what is Bluebird?", "The warehouse migration moves all reports", None),
        ("when did Bluebird begin?", "It began in March.", None),
        ("what does a badger eat?", "A badger eats up to 200 worms a night.", None),
        ("how much does gadget 4251 weigh?", "Gadget 4251 weighs 7 kilos.", None),
        ("what does a pangolin eat?", "", "pangolin"),
        ("how much does gadget 4242 weigh?", "", "4242"),
    ],
)
def test_an_entity_that_nothing_shown_speaks_of_is_named_and_no_other(ask, question, said, missing):
    answer = ask(question)
    assert said in answer.text
    assert answer.question == question
    assert (answer.verdict is Verdict.ANSWERED) is (missing is None)
    assert (missing or "") in " ".join(answer.missing)
    assert bool(answer.missing) is bool(missing)
