"""A prompt to token ids, so that no text in it can pass for one of the model's own marks.

A chat model is told by marks such as `<|im_start|>` who speaks. A note may hold the same letters;
they are encoded as letters, and only the model's own chat template makes marks.
"""

import json
import re
import secrets

from jinja2 import TemplateError
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt


class PromptEncoder:
    """Encodes prompts for one model."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._plain = _without_marks(tokenizer)
        self._marks = frozenset(tokenizer.all_special_ids) - {tokenizer.unk_token_id}

    def encode(self, prompt: Prompt) -> list[int]:
        """Fill the model's chat template, or put one text after the other where it has none.

        :raises BackendFailed: the chat template cannot hold a message.
        """
        if not self._tokenizer.chat_template:
            begin = self._tokenizer.bos_token_id
            starts = [id_ for id_ in self._tokenizer("")["input_ids"] if id_ == begin]
            return starts + self._text(f"{prompt.instructions}\n\n{prompt.message}\n\n")
        texts = {
            secrets.token_hex(16): prompt.instructions,
            secrets.token_hex(16): prompt.message,
        }
        ids: list[int] = []
        for part in re.split(f"({'|'.join(texts)})", self._template(*texts)):
            ids += self._text(texts[part]) if part in texts else self._own(part)
        return ids

    def _template(self, instructions: str, message: str) -> str:
        """The chat template around two stand-ins, which are found again in what it gives."""
        separately = [
            {"role": "system", "content": instructions},
            {"role": "user", "content": message},
        ]
        # Some models know no system role; they refuse it or leave it out.
        together = [{"role": "user", "content": f"{instructions}\n\n{message}"}]
        reason = "it leaves messages out"
        for conversation in (separately, together):
            try:
                filled = str(
                    self._tokenizer.apply_chat_template(
                        conversation,
                        tokenize=False,
                        add_generation_prompt=True,
                        enable_thinking=False,  # known to templates of models that think aloud
                    )
                )
            except TemplateError as exc:
                reason = str(exc).partition("\n")[0][:200]
                continue
            if filled.count(instructions) == filled.count(message) == 1:
                return filled
        raise BackendFailed(f"the model's chat template cannot hold a message: {reason}")

    def _own(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _text(self, text: str) -> list[int]:
        ids: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        # A tokenizer may have marks among its ordinary words as well.
        return [id_ for id_ in ids if id_ not in self._marks]


def _without_marks(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """A copy of the tokenizer that reads every mark as the letters it is written with.

    Tokens added to a vocabulary stand for marks, which not all models declare as special, and for
    runs of spaces, which may stay.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    for added in state["added_tokens"]:
        added["special"] = bool(added["content"].strip())
    state["truncation"] = state["padding"] = None
    copy = Tokenizer.from_str(json.dumps(state))
    copy.encode_special_tokens = True
    return copy
