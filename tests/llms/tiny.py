"""Language models of a few kilobytes, made on the spot: nothing is downloaded.

One has random weights and babbles; one has weights by which each token is followed by the next of
what it is made to say.
"""

from itertools import pairwise

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = "<|im_end|>"
START = "<|im_start|>"
TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = (
    "the notes say that a model is trained on text and an index is built from notes because a "
    "question is answered from passages which are found by their words and by their meaning"
)
SEED = 7


def make_babbling(folder):
    """Save a model of random weights, which writes words and never ends; gives its folder."""
    tokenizer = _tokenizer()
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(_config(len(tokenizer), hidden=64, layers=2))
    with torch.no_grad():
        for token, number in tokenizer.get_vocab().items():
            if not token[1:].isalpha():
                model.lm_head.weight[number] = 0
    return _save(model, tokenizer, folder)


def make_saying(folder, *pieces, endless=False):
    """Save a model that answers everything with these pieces, no two of them alike.

    An endless one begins again and again.
    """
    tokenizer = _tokenizer()
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    size = len(tokenizer)
    said = tokenizer.convert_tokens_to_ids([*pieces, END])
    model = LlamaForCausalLM(_config(size, hidden=size, layers=1, end=said[-1]))
    following = dict(pairwise(said)) | ({said[-2]: said[0]} if endless else {})
    with torch.no_grad():
        for weights in (*model.model.layers.parameters(), model.lm_head.weight):
            weights.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        for token in range(size):
            model.lm_head.weight[following.get(token, said[0]), token] = 1
    return _save(model, tokenizer, folder)


def _tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        additional_special_tokens=[START],
        chat_template=TEMPLATE,
    )


def _config(size, *, hidden, layers, end=None):
    return LlamaConfig(
        vocab_size=size,
        hidden_size=hidden,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=1,
        head_dim=16,
        max_position_embeddings=32_768,
        bos_token_id=None,
        eos_token_id=end,
    )


def _save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
