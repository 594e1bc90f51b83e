"""Small vaults and the real model: what is found can be quoted, and what is hidden cannot."""

import pytest
from support import write_notes

import ragqa
from ragqa.types import Verdict

FILLER = {
    "garden.md": "# Garden\n\nTomatoes need sun. Water them in the morning.\n",
    "lyon.md": "# Trip to Lyon\n\nThe train takes two hours. The hotel is by the river.\n",
    "printer.md": "# Printer\n\nThe printer stands on the second floor.\n",
}

VAULT = {
    "people/ann.md": "# Ann Berger\n\n- Role: SRE\n- Office: Berlin\n- Started: 2021-03-01\n",
    "people/tom.md": (
        "---\nemail: tom@example.org\nbirthday: 1988-04-02\n---\n\n"
        "# Tom Ngata\n\n- Role: Designer\n- Office: Lyon\n"
    ),
    "home.md": "# Home\n\n- Wifi: hunter2\n- Alarm: 4711\n- Landlord: Mrs Okafor\n",
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
}


class Asked:
    """Vaults that are indexed once, and the answers to questions about them."""

    def __init__(self, folder):
        self._folder = folder
        self._indexes = {}

    def __call__(self, notes, question):
        key = tuple(notes.items())
        if key not in self._indexes:
            number = len(self._indexes)
            corpus = write_notes(self._folder / f"notes-{number}", notes)
            index = ragqa.open_index(corpus, index=self._folder / f"index-{number}")
            self._indexes[key] = corpus, index
        corpus, index = self._indexes[key]
        answer = index.ask(question)
        for citation in answer.citations:
            text = (corpus / citation.path).read_text(encoding="utf-8")
            start, end = citation.chars
            assert text[start:end] == citation.quote
            assert citation.lines[0] == text.count("\n", 0, start) + 1
        return answer

    def close(self):
        for _, index in self._indexes.values():
            index.close()


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    asked = Asked(tmp_path_factory.mktemp("vaults"))
    yield asked
    asked.close()


@pytest.mark.parametrize(
    ("question", "quote", "line"),
    [
        ("what is the role of Ann Berger?", "- Role: SRE", 3),
        ("how many eggs for the pancakes?", "- 2 eggs", 5),
        ("which database does the shop use?", "## Database: PostgreSQL", 3),
        ("what is the status of ADR 7?", "status: accepted", 3),
        ("who reviews ADR 7?", "reviewers:\n  - Ann Berger\n  - Tom Ngata", 6),
    ],
)
def test_short_items_headings_and_front_matter_are_quoted_at_their_lines(
    ask, question, quote, line
):
    best = max(ask(VAULT, question).citations, key=lambda citation: citation.score)
    ((start, end),) = best.answer_spans
    start, end = start - best.chars[0], end - best.chars[0]
    assert best.quote[start:end] == quote
    assert best.lines[0] + best.quote.count("\n", 0, start) == line


def test_a_secret_of_front_matter_is_nowhere(ask):
    answer = ask(VAULT, "what is the api key of ADR 7?")
    assert "swordfish" not in repr(answer)


def test_the_first_line_of_a_text_file_is_text_if_it_is_a_sentence(ask):
    limit = "The retry limit of the mailer is 9 attempts."
    notes = FILLER | {"mailer.txt": f"{limit}\nThe mailer timeout is 60 seconds.\n"}
    answer = ask(notes, "what is the retry limit of the mailer?")
    assert answer.citations[0].quote.startswith(limit)
    assert answer.citations[0].answer_spans == ((0, len(limit)),)
    assert answer.citations[0].lines[0] == 1


PROJECT = FILLER | {
    "warehouse.md": (
        "---\naliases: [Bluebird, BB]\ntags: [project]\n---\n\n# Warehouse migration\n\n"
        "The warehouse migration moves all reports from Oracle to ClickHouse. It began in March.\n"
        "\n## Risks\n\nThe old exports break if a column is renamed.\n"
    ),
    "portal.md": "# Customer portal\n\nThe customer portal lets shops see their orders.\n",
}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what is Bluebird?", "The warehouse migration moves all reports"),
        ("when did Bluebird begin?", "It began in March."),
    ],
)
def test_a_note_is_asked_for_by_a_name_that_only_its_front_matter_has(ask, question, said):
    answer = ask(PROJECT, question)
    assert said in answer.text
    assert answer.question == question
    assert (answer.verdict, answer.missing) == (Verdict.ANSWERED, ())


ANIMALS = FILLER | {
    "badger.md": "# Badger\n\nA badger eats up to 200 worms a night. It lives in a sett.\n",
    "wood.md": "# Animals of the wood\n\nOwls hunt at night. The fox eats mice.\n",
    "gadgets.md": "# Gadgets\n\nGadget 4240 weighs 12 kilograms.\n\nGadget 4251 weighs 7 kilos.\n",
    "ports.md": "# Ports\n\nThe billing service listens on port 8080.\n\nThe mailer has 8025.\n",
    "exporter.md": "# Exporter\n\n- 3 workers\n- Owner: Tom\n",
}


@pytest.mark.parametrize(
    ("question", "entity"),
    [
        ("what does a pangolin eat?", "pangolin"),
        ("how much does gadget 4242 weigh?", "4242"),
        ("which port does the scheduler listen on?", "scheduler"),
    ],
)
def test_an_entity_that_nothing_shown_speaks_of_is_named(ask, question, entity):
    answer = ask(ANIMALS, question)
    assert answer.verdict is not Verdict.ANSWERED
    assert entity in " ".join(answer.missing)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what does a badger eat?", "A badger eats up to 200 worms a night."),
        ("how much does gadget 4251 weigh?", "Gadget 4251 weighs 7 kilos."),
        ("how many workers does the exporter have?", "3 workers."),
    ],
)
def test_an_entity_that_is_shown_is_not_missing(ask, question, said):
    answer = ask(ANIMALS, question)
    assert said in answer.text.split(" [1]")[0]
    assert (answer.verdict, answer.missing) == (Verdict.ANSWERED, ())


HIDING = FILLER | {
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


@pytest.mark.parametrize(
    ("question", "said", "struck"),
    [
        ("how many workers are there?", "It is now 16", "4 workers"),
        ("who owns the exporter?", "Owner: Tom", "Owner: Ann"),
        ("what does the exporter write?", "The exporter writes Parquet.", "CSV"),
    ],
)
def test_what_is_said_instead_of_struck_out_text_is_quoted(ask, question, said, struck):
    answer = ask(HIDING, question)
    assert answer.citations[0].quote.removeprefix("- ") == said
    assert struck not in repr(answer)


@pytest.mark.parametrize(
    "question",
    ["what is the password?", "what is the code of the office door?", "where is the spare key?"],
)
def test_what_a_comment_says_is_nowhere(ask, question):
    assert "swordfish" not in repr(ask(HIDING, question))
