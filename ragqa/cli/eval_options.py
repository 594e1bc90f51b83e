"""The options of `ragqa eval`."""

from typing import Annotated

import typer

QUESTIONS = "eval/questions.jsonl"

Questions = Annotated[
    str | None,
    typer.Option(metavar="FILE", help=f"Questions about the notes. Default: {QUESTIONS}."),
]
Half = Annotated[
    str | None,
    typer.Option(
        metavar="tune|test|all", help="Which half, if the questions are divided. Default: test."
    ),
]
BeirFolder = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A BEIR set: corpus.jsonl, queries.jsonl and qrels/test.tsv."),
]
QaFolder = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A BEIR set with answers.jsonl, to measure answers as well."),
]
ChunkingFolder = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="A set with docs/ and questions.jsonl with gold spans."),
]
FollowUps = Annotated[
    str | None,
    typer.Option(
        "--follow-ups", metavar="FILE", help="Follow-up questions of chats about the notes."
    ),
]
Grounding = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Sentences with passages, to measure how well the support check works."
    ),
]
HoldOut = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="With --qa, leave out this share of the documents that answer."
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="The seed of --hold-out and --generate.")]
Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Use only the first N questions."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Measure with another value of a setting."),
]
FailUnder = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MEASURE=X", help="Exit with 1 if a measure is lower, such as recall@5=0.9."
    ),
]
Failures = Annotated[
    bool, typer.Option("--failures", help="Show each missed question and the stage that lost it.")
]
Report = Annotated[
    str | None,
    typer.Option(metavar="FILE.html", help="Write the evaluation as one HTML page."),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="A.json B.json", help="Compare two evaluations made with --json."),
]
Generate = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Generate N questions from the notes, without an LLM."),
]
Out = Annotated[
    str | None, typer.Option(metavar="FILE", help="The new file that --generate writes.")
]
