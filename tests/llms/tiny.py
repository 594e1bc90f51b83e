"""A language model of a few kilobytes, made on the spot: nothing is downloaded.

By its weights each token is followed by the next of what it is made to say.
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


def make_saying(folder, *pieces, endless=False):
    """Save a model that answers everything with these pieces, no two of them alike.

    An endless one begins again and again.
    """
    tokenizer = _tokenizer()
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
    size = len(tokenizer)
    said = tokenizer.convert_tokens_to_ids([*pieces, END])
    model = LlamaForCausalLM(_config(size, end=said[-1]))
    following = dict(pairwise(said)) | ({said[-2]: said[0]} if endless else {})
    with torch.no_grad():
        for weights in (*model.model.layers.parameters(), model.lm_head.weight):
            weights.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        for token in range(size):
            model.lm_head.weight[following.get(token, said[0]), token] = 1
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


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
    tokenizer.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        additional_special_tokens=[START],
        chat_template=TEMPLATE,
    )


def _config(size, *, end):
    return LlamaConfig(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=size,
        num_hidden_layers=1,
        num_attention_heads=1,
        head_dim=16,
        max_position_embeddings=32_768,
        bos_token_id=None,
        eos_token_id=end,
    )
