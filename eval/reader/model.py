"""The reader: a small BERT that reads a question, or a statement, together with a passage."""

from pathlib import Path

import torch
from torch import Tensor, nn

from ragqa.embedders import DEFAULT_MODEL
from ragqa.embedders.weights import find_model

WIDTH = 384
FROZEN_LAYERS = 2

SUPPORT = ("supported", "contradicted", "unknown")
NOT_SUPPORTED = "not_supported"
"""A statement that is contradicted or unknown, not said which."""


def folder() -> Path:
    """Where the weights that training starts from are, with the tokenizer."""
    return find_model(DEFAULT_MODEL).path


class Reader(nn.Module):
    """Scores every token as part of an answer, the passage as none, and a statement's support."""

    def __init__(self) -> None:
        from transformers import AutoModel

        super().__init__()
        self.bert = AutoModel.from_pretrained(
            folder(), attn_implementation="eager", add_pooling_layer=False
        )
        self.token = nn.Linear(WIDTH, 1)
        self.none = nn.Linear(WIDTH, 1)
        self.support = nn.Linear(WIDTH, len(SUPPORT))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of tokens [B, T], of no answer [B], and of `SUPPORT` [B, 3]."""
        hidden = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        first = hidden[:, 0]
        return self.token(hidden).squeeze(-1), self.none(first).squeeze(-1), self.support(first)

    def freeze_lowest(self) -> None:
        """Leave the embeddings and the lowest layers as they are."""
        for part in (self.bert.embeddings, *self.bert.encoder.layer[:FROZEN_LAYERS]):
            part.requires_grad_(requires_grad=False)

    def heads(self) -> list[nn.Parameter]:
        """What is trained from nothing."""
        return [it for part in (self.token, self.none, self.support) for it in part.parameters()]

    def body(self) -> list[nn.Parameter]:
        """What is trained on from the weights it starts from."""
        return [it for it in self.bert.parameters() if it.requires_grad]


def group_loss(odds: Tensor, rows: Tensor, gold: Tensor, groups: int) -> Tensor:
    """Each question's -log( sum over gold of e^o / (1 + sum over all of e^o) ), gold or 1.

    `odds` are those of all sentences of all questions, `rows` the question of each.
    """
    every = torch.full((groups, len(odds) + 1), -torch.inf, device=odds.device)
    every[:, -1] = 0.0
    column = torch.arange(len(odds), device=odds.device)
    every = every.index_put((rows, column), odds)
    right = every.clone()
    wrong = torch.ones_like(every, dtype=torch.bool)
    wrong[rows[gold], column[gold]] = False
    answered = torch.zeros(groups, dtype=torch.bool, device=odds.device)
    answered[rows[gold]] = True
    wrong[:, -1] = answered
    right = right.masked_fill(wrong, -torch.inf)
    return torch.logsumexp(every, 1) - torch.logsumexp(right, 1)


def statement_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Each statement's cross entropy; label 3 stands for contradicted or unknown."""
    logs = torch.log_softmax(logits, 1)
    logs = torch.cat([logs, torch.logsumexp(logs[:, 1:], 1, keepdim=True)], 1)
    return -logs.gather(1, labels[:, None]).squeeze(1)
