"""`ragqa eval --follow-ups` and `--grounding`: what is measured beside answering questions."""

from pathlib import Path

from ragqa.cli.opening import Given, load_flags, opened, tell_of


def evaluate_follow_ups(
    path: Path,
    half: str | None,
    limit: int | None,
    settings: dict[str, str],
    given: Given,
    *,
    json: bool,
) -> int:
    """Measure how well follow-up questions are understood."""
    from ragqa import render
    from ragqa.evaluation import follow_ups
    from ragqa.evaluation.evaluating import settings_with
    from ragqa.evaluation.questions import choose_half
    from ragqa.render.follow_ups import print_follow_ups

    dialogs, half = choose_half(follow_ups.read_follow_ups(path), half)
    render.show_logged_warnings()
    loaded = settings_with(settings, given.flags)
    tell_of(loaded)
    with opened(loaded) as index, render.ProgressLine() as progress:
        document = follow_ups.evaluate_follow_ups(
            index, dialogs, name=path.stem, half=half, limit=limit, progress=progress
        )
    if json:
        render.print_document(document)
    else:
        print_follow_ups(document)
    render.print_warnings(document["warnings"])
    return 0


def evaluate_grounding(
    path: Path, half: str | None, limit: int | None, settings: dict[str, str], *, json: bool
) -> int:
    """Measure how well the support check tells sentences apart."""
    from ragqa import render
    from ragqa.evaluation import grounding
    from ragqa.evaluation.questions import choose_half
    from ragqa.render.groundings import print_grounding

    loaded = load_flags(settings).settings
    rows = grounding.read_grounding(path)
    chosen, named = choose_half(rows, half, what="sentence")
    with render.ProgressLine() as progress:
        document = grounding.evaluate_grounding(
            chosen[:limit], rows, loaded, name=path.stem, half=named, progress=progress
        )
    if json:
        render.print_document(document)
    else:
        print_grounding(document)
    return 0
