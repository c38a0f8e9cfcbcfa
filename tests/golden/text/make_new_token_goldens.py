#!/usr/bin/env python3
"""Writes new_tokens.json: special tokens added by the tokenizers package to the small tokenizers, and ids of texts.

    python tests/golden/text/make_new_token_goldens.py
"""
import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

HERE = Path(__file__).resolve().parent
TOKENS = ["<|tool|>", "<|think|>", "!", "<|tool|>"]  # one is in the vocabulary, one comes twice
TEXTS = ["<|tool|>", "call <|tool|> now!", "a<|think|>b<|think|>", "no such token <|tools|>", "!<|tool|>!"]


def values_of(name):
    tokenizer = Tokenizer.from_file(str(HERE / name / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in TOKENS])
    return {"vocab_size": 1 + max(tokenizer.get_vocab().values()),
            "ids": [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS],
            "texts": [tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=True) for text in TEXTS]}


def main():
    values = {"tokens": TOKENS, "texts": TEXTS}
    values |= {name: values_of(name) for name in ("gpt2", "llama3", "qwen2", "custom", "llama2", "mistral", "metaspace")}
    (HERE / "new_tokens.json").write_text(json.dumps(values, indent=1) + "\n")


main()
