"""Write a trained reader as an ONNX file of 8-bit weights, and hold it against torch.

    pip install onnx onnxruntime
    PYTHONPATH=eval/reader:. python eval/reader/export.py model-6000.pt OUT --held DATA/held.jsonl

Only this script needs `onnx`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from batches import Laying, Read, Row, sentence_odds, tokens_of
from measure import held_of
from model import Reader
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

OPSET = 17
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("token_logits", "none", "support")
TRIED = 60

Scores = tuple[Tensor, Tensor, Tensor]


def main() -> None:
    """Export, quantise and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--held", type=Path, help="examples to compare on")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    reader = Reader()
    state = torch.load(given.model, map_location="cpu")
    reader.load_state_dict(state.get("reader", state))
    reader.eval()
    file = given.out / "reader.onnx"
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        write_graph(reader, plain)
        quantize_dynamic(
            plain, file, op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True, weight_type=QuantType.QInt8,
        )  # fmt: skip
        print(
            f"{plain.stat().st_size / 2**20:.1f} MiB, {file.stat().st_size / 2**20:.1f} in 8 bits"
        )
        if given.held:
            read = held_of(given.held, TRIED, 0, Laying()).groups
            for name, path in (("float32", plain), ("8 bits", file)):
                print(f"{name}: {compared(reader, path, read)}")


def write_graph(reader: Reader, path: Path) -> None:
    """Write the graph with its weights of 32 bits."""
    sample = torch.ones((2, 12), dtype=torch.long)
    axes = {name: {0: "rows", 1: "tokens"} for name in (*INPUTS, OUTPUTS[0])}
    with torch.inference_mode():
        torch.onnx.export(
            reader,
            (sample, sample, torch.zeros_like(sample)),
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={**axes, OUTPUTS[1]: {0: "rows"}, OUTPUTS[2]: {0: "rows"}},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.inference_mode()
def compared(reader: Reader, path: Path, read: tuple[Read, ...]) -> str:
    """How much the outputs differ, and how often each finds the right sentence."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    most, right, asked = np.zeros(len(OUTPUTS)), np.zeros(2), 0
    for one in read:
        laid = tokens_of(one.rows, "cpu")
        ours: Scores = reader(laid.ids, laid.mask, laid.types)
        fed = dict(
            zip(INPUTS, (it.numpy() for it in (laid.ids, laid.mask, laid.types)), strict=True)
        )
        found = [torch.from_numpy(it) for it in session.run(list(OUTPUTS), fed)]
        theirs: Scores = (found[0], found[1], found[2])
        real = laid.mask.bool()  # what is computed for padding does not matter
        gaps = [
            (ours[0] - theirs[0])[real].abs().max().item(),
            *((a - b).abs().max().item() for a, b in zip(ours[1:], theirs[1:], strict=True)),
        ]
        most = np.maximum(most, gaps)
        if is_choice(one.rows):
            asked += 1
            right += [is_right(one.rows, ours), is_right(one.rows, theirs)]
    gaps_said = ", ".join(f"{name} {gap:.4f}" for name, gap in zip(OUTPUTS, most, strict=True))
    shares = right / max(1, asked)
    rights = f"right sentence {shares[0]:.3f} (torch) {shares[1]:.3f}, of {asked}"
    return f"differs at most by {gaps_said}; {rights}"


def is_choice(rows: tuple[Row, ...]) -> bool:
    """Whether some sentences of a question's passages answer it and others do not."""
    return len({it for row in rows for it in row.gold}) > 1


def is_right(rows: tuple[Row, ...], scores: Scores) -> bool:
    """Whether the best sentence over a question's passages answers it."""
    best = int(sentence_odds(rows, scores[0], scores[1]).argmax())
    return [it for row in rows for it in row.gold][best]


if __name__ == "__main__":
    main()
