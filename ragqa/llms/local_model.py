"""A causal language model on torch: loaded from a folder, completing one prompt at a time."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import cast

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TextStreamer,
)

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.local_prompt import PromptEncoder


class LocalModel:
    """A model with its tokenizer."""

    def __init__(
        self, folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        self._folder = folder
        self._model = model
        self._tokenizer = tokenizer
        self._encoder = PromptEncoder(tokenizer)
        self._stopped = Event()
        for module in model.modules():
            # Reading a long prompt is one step of many seconds; it must be possible to end it.
            module.register_forward_pre_hook(self._go_on)

    @classmethod
    def load(cls, folder: Path) -> "LocalModel":
        """Load a model that is whole, from its folder alone.

        :raises BackendFailed: weights are missing, or the tokenizer has no fast form.
        """
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise BackendFailed(f"the tokenizer of the model in {folder} has no fast form")
        loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype="auto",
            output_loading_info=True,
        )
        model, info = cast("tuple[PreTrainedModel, dict[str, set[str]]]", loaded)
        if missing := info["missing_keys"]:
            raise BackendFailed(
                f"the weights in {folder} are not whole: {len(missing)} of the tensors that "
                f"config.json asks for are missing, such as {min(missing)}"
            )
        model.to(_device())  # type: ignore[arg-type]  # their wrapper hides torch's signature
        return cls(folder, model, tokenizer)

    def write(
        self, prompt: Prompt, *, max_tokens: int, put: Callable[[str], None], stopped: Event
    ) -> None:
        """Complete a prompt greedily, and `put` what is written word by word, until `stopped`.

        :raises BackendFailed: the prompt is too long for the model, or it is not done after so
            many tokens.
        """
        ids = self._encoder.encode(prompt)
        window = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if window is not None and len(ids) + max_tokens > window:
            raise BackendFailed(
                f"the prompt has {len(ids)} tokens and the answer may have {max_tokens}, but the "
                f"model in {self._folder} reads and writes {window} in all",
                hint="lower the setting llm_prompt_tokens or llm_answer_tokens",
            )
        self._stopped = stopped
        try:
            written = self._generate(ids, max_tokens, _Words(self._tokenizer, put))
        except _Stopped:
            return
        if len(written) >= max_tokens and written[-1] not in self._end_ids():
            raise BackendFailed(
                f"the model in {self._folder} was not done after {max_tokens} tokens, "
                "so what it wrote is not used",
                hint="ragqa config set llm_answer_tokens 2000",
            )

    def _generate(self, ids: list[int], max_tokens: int, words: "_Words") -> list[int]:
        given = torch.tensor([ids], device=self._model.device)
        with torch.inference_mode():
            output = self._model.generate(  # type: ignore[operator]  # found by torch at run time
                input_ids=given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=max_tokens,
                do_sample=False,
                num_beams=1,
                temperature=None,
                top_p=None,
                top_k=None,
                streamer=words,
            )
        written: list[int] = output[0, len(ids) :].tolist()
        return written

    def _go_on(self, _module: torch.nn.Module, _given: object) -> None:
        if self._stopped.is_set():
            raise _Stopped

    def _end_ids(self) -> list[int]:
        ends = self._model.generation_config.eos_token_id
        return ends if isinstance(ends, list) else [ends]


class _Words(TextStreamer):
    """Hands on what is written as soon as it is whole words."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, put: Callable[[str], None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._put = put

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Called by generate."""
        if text:
            self._put(text)


class _Stopped(Exception):
    """The computation was ended from outside."""


def _device() -> torch.device:
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return found or torch.device("cpu")
