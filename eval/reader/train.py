"""Train the reader on what `examples.py` laid out.

    PYTHONPATH=eval/reader:. python eval/reader/train.py DATA OUT --steps 6000

Goes on from `OUT/checkpoint.pt` where there is one. `OUT/curve.jsonl` says how well it does on what
is held out, and `OUT/model-STEP.pt` are the weights then.
"""

import argparse
import contextlib
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from batches import Laying, loss_of_groups, loss_of_statements
from decks import QUESTIONS, STATEMENTS, Step, Table
from measure import Autocast, Held, held_of, measure
from model import Reader
from torch.optim.lr_scheduler import LambdaLR

RATE, HEADS_RATE, DECAY = 1.2e-4, 1e-3, 0.01
WARM, LAST_SHARE, CLIP = 100, 0.05, 1.0
SAVE_EVERY, LOOK_EVERY, SAY_EVERY = 100, 100, 25
SEED = 1


@dataclass(slots=True)
class Run:
    """What a run changes as it goes."""

    reader: Reader
    optimizer: torch.optim.AdamW
    rates: LambdaLR
    table: Table
    step: int = 0
    seconds: float = 0.0


def main() -> None:
    """Train until the last step, saving and measuring on the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--notes-share", type=float, default=0.35)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each step; 0: none")
    parser.add_argument("--statements", type=int, default=STATEMENTS, help="of each step; 0: none")
    parser.add_argument("--init", type=Path, help="weights to start from: a model-STEP.pt")
    parser.add_argument("--precision", choices=("auto", "bfloat16", "float32"), default="auto")
    parser.add_argument("--measure-every", type=int, default=250)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    autocast = autocast_for(device, given.precision)
    table = Table(given.data, given.notes_share, given.questions, given.statements)
    run = begin(table, given.steps, device)
    if (given.out / "checkpoint.pt").exists():
        resume(run, given.out / "checkpoint.pt")
    elif given.init:
        run.reader.load_state_dict(torch.load(given.init, map_location=device))
    laying = Laying()
    held = {
        "public": held_of(given.data / "held.jsonl", 250, 400, laying),
        "notes": held_of(given.data / "notes-held.jsonl", 150, 150, laying),
    }
    for step in steps(run, given.steps):
        began = time.perf_counter()
        losses = learn(run, step, device, autocast)
        run.seconds += time.perf_counter() - began
        if run.step % SAY_EVERY == 0 or run.step == given.steps:
            print(f"{run.step}: {losses} {run.seconds / run.step:.2f} s a step", file=sys.stderr)
        if run.step % SAVE_EVERY == 0 or run.step == given.steps:
            save(run, given.out / "checkpoint.pt")
        if run.step % given.measure_every == 0:
            note(run, held, given.out, device, autocast)


def autocast_for(device: str, precision: str) -> Autocast:
    """Half of the bits, where the processor computes with them by itself or it is asked for."""
    fast = device == "cuda" or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - no other way
    if precision == "bfloat16" or (precision == "auto" and fast):
        return lambda: torch.autocast(device, dtype=torch.bfloat16)
    return contextlib.nullcontext


def begin(table: Table, steps: int, device: str) -> Run:
    """A run at its start."""
    torch.manual_seed(SEED)
    reader = Reader().to(device)
    reader.freeze_lowest()
    reader.train()
    optimizer = torch.optim.AdamW(
        [{"params": reader.body(), "lr": RATE}, {"params": reader.heads(), "lr": HEADS_RATE}],
        weight_decay=DECAY,
    )

    def rate(step: int) -> float:
        if step < WARM:
            return (step + 1) / WARM
        gone = min(1.0, (step - WARM) / max(1, steps - WARM))
        return 1 - (1 - LAST_SHARE) * gone

    return Run(reader, optimizer, LambdaLR(optimizer, rate), table)


def steps(run: Run, most: int) -> Iterator[Step]:
    """What each step learns from, until there were so many."""
    while run.step < most:
        for step in run.table.steps():
            if run.step >= most:
                return
            run.step += 1
            yield step
            if run.step % LOOK_EVERY == 0 and run.table.look():
                print(f"{run.step}: read the notes again", file=sys.stderr)


def learn(run: Run, step: Step, device: str, autocast: Autocast) -> str:
    """Take one step; what it lost."""
    said = []
    for loss_of, read in ((loss_of_groups, step.groups), (loss_of_statements, step.statements)):
        if not read:
            continue
        with autocast():
            loss = loss_of(run.reader, read, device)
        torch.autograd.backward(loss)
        said.append(f"{loss.item():.3f}")
    torch.nn.utils.clip_grad_norm_(run.reader.parameters(), CLIP)
    run.optimizer.step()
    run.rates.step()
    run.optimizer.zero_grad()
    return " ".join(said)


def note(run: Run, held: dict[str, Held], out: Path, device: str, autocast: Autocast) -> None:
    """Measure, add it to the curve, and keep the weights."""
    began = time.perf_counter()
    figures = {name: measure(run.reader, it, device, autocast) for name, it in held.items()}
    line = {
        "step": run.step,
        "seconds": round(run.seconds, 1),
        "questions": run.step * run.table.questions,
        "statements": run.step * run.table.statements,
        "measured_in": round(time.perf_counter() - began, 1),
        **figures,
    }
    with (out / "curve.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    torch.save(run.reader.state_dict(), out / f"model-{run.step}.pt")


def save(run: Run, path: Path) -> None:
    """Write the checkpoint whole, then put it in place."""
    part = path.with_suffix(".part")
    state = {
        "reader": run.reader.state_dict(), "optimizer": run.optimizer.state_dict(),
        "rates": run.rates.state_dict(), "decks": run.table.state, "step": run.step,
        "seconds": run.seconds, "torch": torch.get_rng_state(), "python": random.getstate(),
    }  # fmt: skip
    torch.save(state, part)
    part.replace(path)


def resume(run: Run, path: Path) -> None:
    """Go on from a checkpoint of our own."""
    state = torch.load(path, weights_only=False)
    run.reader.load_state_dict(state["reader"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.rates.load_state_dict(state["rates"])
    run.table.resume(state["decks"])
    run.step, run.seconds = state["step"], state["seconds"]
    torch.set_rng_state(state["torch"])
    random.setstate(state["python"])
    print(f"going on from step {run.step}", file=sys.stderr)


if __name__ == "__main__":
    main()
