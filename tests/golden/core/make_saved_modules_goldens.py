#!/usr/bin/env python3
"""Writes what tests of whole modules beside an adapter, new tokens and models from scratch are held against.

    python tests/golden/core/make_saved_modules_goldens.py

micro_llama/            1 layer, hidden 16, vocabulary 40, tied embeddings, fp32
micro_adapter_tokens/   PEFT, r 2 on q and v, modules_to_save embed_tokens and lm_head, vocabulary resized to 43
micro_adapter_norm/     PEFT, r 2 on q and v, modules_to_save embed_tokens and model.norm; the head stays the base's
saved_modules.safetensors  per adapter (tokens, norm): logits in fp64, and loss and gradients of one step of it; `resized`:
                        the embedding as resize_token_embeddings leaves it
random_init.json        per parameter of a Llama with biases and a pad token: shape, mean, deviation as transformers
                        starts it (initializer_range 0.05)
"""
import json
import os
import shutil
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # micro_llama is no name on the hub

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from make_core_goldens import load, loss_of, make_samples, pack, randomise

HERE = Path(__file__).resolve().parent
SHAPE = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
             head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5)
ADAPTERS = {"tokens": (["embed_tokens", "lm_head"], 43), "norm": (["embed_tokens", "model.norm"], 40)}


def make_model():
    config = LlamaConfig(vocab_size=40, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, **SHAPE)
    model = LlamaForCausalLM(config).float()
    randomise(model, torch.Generator().manual_seed(300))
    model.save_pretrained(HERE / "micro_llama")


def make_adapter(name, modules, rows):
    base = load("micro_llama", torch.float32)
    base.resize_token_embeddings(rows)
    resized = base.get_input_embeddings().weight.detach().clone()
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], modules_to_save=modules,
                        task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    generator = torch.Generator().manual_seed(400)
    for key, parameter in model.named_parameters():
        if "lora_" in key or "modules_to_save" in key:
            parameter.data += torch.randn(parameter.shape, generator=generator) * 0.1
    model.peft_config["default"].base_model_name_or_path = "micro_llama"
    folder = HERE / f"micro_adapter_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    return resized


def exported(name):
    return name.removeprefix("base_model.model.").replace("modules_to_save.default.", "").replace(".default", "")


def values_of(name, rows):
    base = load("micro_llama", torch.float64)
    base.resize_token_embeddings(rows)
    model = PeftModel.from_pretrained(base, HERE / f"micro_adapter_{name}", is_trainable=True).double().eval()
    samples = [(tokens % rows, mask) for tokens, mask in make_samples([9, 6], seed=5)]
    samples[0][0][3:6] = torch.arange(rows - 3, rows)  # the new tokens, where there are any
    loss, count, _ = loss_of(model, samples)
    loss.backward()
    with torch.no_grad():
        logits = torch.cat([model(input_ids=tokens[None]).logits[0] for tokens, _ in samples])
    values = pack(samples) | {"loss": loss.detach(), "logits_fp64": logits}
    values |= {"grad." + exported(n): p.grad for n, p in model.named_parameters() if p.requires_grad}
    return {f"{name}.{key}": value for key, value in values.items()}


def random_init():
    config = LlamaConfig(vocab_size=400, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
                         initializer_range=0.05, pad_token_id=3, **SHAPE)
    torch.manual_seed(7)
    model = LlamaForCausalLM(config)
    (HERE / "random_init").mkdir(exist_ok=True)
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(HERE / "random_init")
    stats = {n: {"shape": list(p.shape), "mean": p.mean().item(), "deviation": p.std(correction=0).item()}
             for n, p in model.named_parameters()}
    assert model.model.embed_tokens.weight[3].abs().max() == 0
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(stats.items()))
    (HERE / "random_init.json").write_text("{\n" + lines + "\n}\n")


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    make_model()
    tensors = {}
    for name, (modules, rows) in ADAPTERS.items():
        resized = make_adapter(name, modules, rows)
        if rows > 40:
            tensors["resized"] = resized
        tensors |= values_of(name, rows)
        print(name, sorted(key for key in tensors if key.startswith(f"{name}.grad")))
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()},
              HERE / "saved_modules.safetensors")
    random_init()


main()
