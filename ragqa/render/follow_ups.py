"""How well follow-up questions were understood, on the terminal."""

from ragqa.evaluation.follow_ups import MEASURE, SHIFT, WAYS
from ragqa.render.evaluations import Document, print_columns, print_head, with_interval

_SAID = {"all": "all", "leaning": f"all but {SHIFT}"}


def print_follow_ups(document: Document) -> None:
    """Print the share found in each way, by kind, with 95% intervals."""
    print_head(document)
    rows = [
        [
            _SAID.get(group, group),
            str(found["follow_ups"]),
            *(with_interval(found[way], found["intervals"][way], digits=2) for way in WAYS),
            with_interval(found["gain"], found["intervals"]["gain"], signed=True, digits=2),
            f"{found['better']}/{found['worse']}",
        ]
        for group, found in document["groups"].items()
    ]
    head = [MEASURE, "follow-ups", "as asked", "by the rule", "by hand", "gain", "better/worse"]
    print_columns(head, rows)
