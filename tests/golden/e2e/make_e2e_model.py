#!/usr/bin/env python3
"""Writes tiny_chat/, the model folder that the end-to-end tests train: a random 2-layer Llama with a tokenizer.

    python tests/golden/e2e/make_e2e_model.py

The tokenizer is ../text/qwen2 (byte-level BPE with ChatML's special tokens), the chat template SmolLM2's own.
Weights are drawn wide enough that greedy answers do not hang on rounding. Needed only to renew the folder.
"""
import json
import shutil
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).resolve().parent
TEXT = HERE.parent / "text"
OUT = HERE / "tiny_chat"


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(TEXT / "qwen2" / "tokenizer.json"))
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=512,
                         tie_word_embeddings=True, bos_token_id=tokenizer.convert_tokens_to_ids("<|im_start|>"),
                         eos_token_id=end)
    model = LlamaForCausalLM(config)
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data = 1 + 0.1 * noise if parameter.dim() == 1 else 0.25 * noise
    model.save_pretrained(OUT)
    shutil.copyfile(TEXT / "qwen2" / "tokenizer.json", OUT / "tokenizer.json")
    template = json.loads((TEXT / "templates.json").read_text(encoding="utf-8"))["smollm2"]
    settings = {"bos_token": "<|im_start|>", "chat_template": template, "eos_token": "<|im_end|>",
                "tokenizer_class": "PreTrainedTokenizerFast"}
    (OUT / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


main()
