#!/usr/bin/env python3
"""Writes what tests of single trained rows beside an adapter (PEFT's trainable_token_indices) are held against.

    python tests/golden/core/make_token_rows_goldens.py

micro_adapter_rows/     PEFT on micro_llama resized to 43, r 2 on q and v, rows 5, 42, 40 and 41 of the tied embedding
micro_adapter_two/      saved with the whole resized tables, as PEFT does by itself: a head of its own: rows 5, 42, 40, 41 of the embedding, 41 and 7 of the head
token_rows.safetensors  per adapter (rows, two): logits in fp64, and loss and gradients of one step of it
"""
import os
import shutil
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # micro_llama is no name on the hub

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from make_core_goldens import load, loss_of, make_samples, pack

HERE = Path(__file__).resolve().parent
ROWS = 43
ADAPTERS = {"rows": [5, 42, 40, 41], "two": {"embed_tokens": [5, 42, 40, 41], "lm_head": [41, 7]}}


def grow(table):
    """New rows are the mean of the old ones, as Hone makes them, so that the frozen one of the head is the same."""
    old = table.detach().double()
    return torch.cat([old, old.mean(0).expand(ROWS - len(old), -1)]).to(table.dtype)


def base_of(name, dtype):
    tied = load("micro_llama", dtype)
    config = LlamaConfig.from_pretrained(HERE / "micro_llama")
    config.tie_word_embeddings = name == "rows"
    config.vocab_size = ROWS
    model = LlamaForCausalLM(config).to(dtype)
    state = tied.state_dict()
    state["model.embed_tokens.weight"] = grow(state["model.embed_tokens.weight"])
    state["lm_head.weight"] = state["model.embed_tokens.weight"].clone()
    model.load_state_dict(state)
    return model.eval()


def make_adapter(name, indices):
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], trainable_token_indices=indices,
                        task_type="CAUSAL_LM")
    model = get_peft_model(base_of(name, torch.float32), config)
    generator = torch.Generator().manual_seed(500)
    for key, parameter in model.named_parameters():
        if "lora_" in key or "trainable_tokens_delta" in key:
            parameter.data += torch.randn(parameter.shape, generator=generator) * 0.1
    model.peft_config["default"].base_model_name_or_path = "micro_llama"
    folder = HERE / f"micro_adapter_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, save_embedding_layers="auto" if name == "two" else False)
    (folder / "README.md").unlink(missing_ok=True)


def exported(name):
    return name.removeprefix("base_model.model.").replace("trainable_tokens_delta.default", "trainable_tokens_delta") \
        .replace(".default", "")


def values_of(name):
    model = PeftModel.from_pretrained(base_of(name, torch.float64), HERE / f"micro_adapter_{name}", is_trainable=True)
    model = model.double().eval()
    samples = [(tokens % ROWS, mask) for tokens, mask in make_samples([9, 6], seed=6)]
    samples[0][0][3:6] = torch.tensor([40, 42, 40])
    samples[1][0][2] = 5
    loss, count, _ = loss_of(model, samples)
    loss.backward()
    with torch.no_grad():
        logits = torch.cat([model(input_ids=tokens[None]).logits[0] for tokens, _ in samples])
    values = pack(samples) | {"loss": loss.detach(), "logits_fp64": logits}
    values |= {"grad." + exported(n): p.grad for n, p in model.named_parameters() if p.requires_grad}
    return {f"{name}.{key}": value for key, value in values.items()}


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    tensors = {}
    for name, indices in ADAPTERS.items():
        make_adapter(name, indices)
        tensors |= values_of(name)
        print(name, sorted(key for key in tensors if key.startswith(f"{name}.grad")))
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()},
              HERE / "token_rows.safetensors")


main()
