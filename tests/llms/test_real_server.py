"""A real server of language models, `transformers serve`, with a model made on the spot."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from llms.asking import ask
from tiny_embedders import bytewise

from ragqa.llms.http import make

pytestmark = pytest.mark.integration


@pytest.fixture
def model(tmp_path):
    """The folder of a model of a few kilobytes, which says anything."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = bytewise(2048)
    tokenizer.chat_template = "{% for one in messages %}{{ one.content }}\n{% endfor %}"
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    config = LlamaConfig(vocab_size=len(tokenizer), num_attention_heads=2, **sizes)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def address(tmp_path):
    """Where the server listens, on a port that was free."""
    program = shutil.which("transformers", path=str(Path(sys.executable).parent))
    assert program, "transformers is not installed next to the Python that runs the tests"
    with subprocess.Popen(
        [program, "serve", "--host", "127.0.0.1", "--port", "0", "--device", "cpu"],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        said = ""
        while not (found := re.search(r"running on (http://127\.0\.0\.1:\d+)", said)):
            line = server.stdout.readline()
            assert line, said
            said += line
        # What it prints is read, or it would wait for a reader.
        Thread(target=server.stdout.read).start()
        yield f"{found[1]}/v1"
        server.kill()


def test_an_answer_is_read_in_pieces_to_the_limit_that_was_sent(address, model):
    text, failure = ask(make("openai", model, address), max_tokens=20)
    assert text
    assert failure is None or "token limit" in failure.message
