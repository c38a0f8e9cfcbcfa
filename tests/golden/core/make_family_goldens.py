#!/usr/bin/env python3
"""Writes the reference values of model families and rotary scalings beyond plain Llama, with transformers.

    python tests/golden/core/make_family_goldens.py

tiny_qwen2 (biases on q, k, v; tied) and tiny_llama3 (llama3 scaling; both also as GGUF files): tokens, loss, logits and
gradients in fp64; tiny_llama3_gguf: logits under the scaling of the GGUF file. rope_scaling.safetensors: the rotary frequencies of real configurations. Needed only to renew them.
"""
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from make_core_goldens import double_norm, logits_of, make_samples, pack, randomise, reference, save

HERE = Path(__file__).resolve().parent
LLAMA31 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
               original_max_position_embeddings=8192)


def double_rotary(self, x, position_ids):
    angle = position_ids[..., None].double() * self.inv_freq.double()
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().to(x.dtype), angle.sin().to(x.dtype)


def load(folder, dtype):
    model = AutoModelForCausalLM.from_pretrained(HERE / folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    if dtype == torch.float64:
        model.double()
        for module in model.modules():
            if type(module).__name__.endswith("RMSNorm"):
                module.forward = double_norm.__get__(module)
            if type(module).__name__.endswith("RotaryEmbedding"):
                module.forward = double_rotary.__get__(module)
    return model


def make_models():
    shape = dict(vocab_size=256, intermediate_size=24, max_position_embeddings=128, rms_norm_eps=1e-5)
    qwen2 = Qwen2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                        tie_word_embeddings=True, use_sliding_window=False, eos_token_id=2, **shape)
    qwen2.rope_parameters = {"rope_type": "default", "rope_theta": 1000000.0}
    # Scaled so tightly that within 30 positions every kind of frequency occurs: kept, blended, divided.
    llama3 = LlamaConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
                         tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, **shape)
    llama3.rope_parameters = LLAMA31 | {"rope_theta": 10000.0, "original_max_position_embeddings": 64}
    for seed, (name, model) in enumerate({"tiny_qwen2": Qwen2ForCausalLM(qwen2),
                                          "tiny_llama3": LlamaForCausalLM(llama3)}.items()):
        randomise(model.float(), torch.Generator().manual_seed(300 + seed))
        for parameter in (p for n, p in model.named_parameters() if n.endswith(".bias")):
            parameter.data -= 1.0  # randomise() centres vectors on 1, as norms are
        model.save_pretrained(HERE / name)
        samples = make_samples([7, 24], seed=6)
        values = reference(lambda d: load(name, d), samples, str)
        values["logits_fp64"] = values["logits_fp64"].float()
        save(name + ".safetensors", values)


def permute(weight, heads):
    """Rows as llama.cpp wants a Llama's: neighbours rotate together instead of halves."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def make_gguf(name, architecture, divisors):
    model = load(name, torch.float32)
    config = model.config
    family = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2}[architecture]
    writer = gguf.GGUFWriter(HERE / (name + ".gguf"), architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if divisors is not None:
        writer.add_tensor("rope_freqs.weight", divisors)
    names = gguf.get_tensor_name_map(family, config.num_hidden_layers)
    for tensor, values in model.state_dict().items():
        if tensor == "lm_head.weight":
            continue  # tied
        data = values.numpy().astype(np.float32)
        if architecture == "llama" and ("q_proj" in tensor or "k_proj" in tensor):
            data = permute(data, config.num_attention_heads if "q_proj" in tensor else config.num_key_value_heads)
        writer.add_tensor(names.get_name(tensor, try_suffixes=(".weight", ".bias")), data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_gguf_logits(scaling):
    """Of tiny_llama3's weights with the scaling that its GGUF file has."""
    config = AutoConfig.from_pretrained(HERE / "tiny_llama3")
    config.rope_parameters = scaling
    model = AutoModelForCausalLM.from_pretrained(HERE / "tiny_llama3", config=config, dtype=torch.float32).eval()
    samples = make_samples([7, 24], seed=6)
    with torch.no_grad():
        save("tiny_llama3_gguf.safetensors", pack(samples) | {"logits": torch.cat(logits_of(model, samples))})


def frequencies(head_dim, parameters):
    config = LlamaConfig(hidden_size=head_dim * 4, num_attention_heads=4, head_dim=head_dim,
                         max_position_embeddings=131072)
    config.rope_parameters = parameters
    if parameters["rope_type"] == "default":
        return 1.0 / parameters["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.float) / head_dim)
    return ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu")[0]


def make_frequencies():
    plain = {"rope_type": "default", "rope_theta": 500000.0}
    values = {"llama31": frequencies(128, LLAMA31), "llama32": frequencies(64, LLAMA31 | {"factor": 32.0}),
              "linear": frequencies(64, {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}),
              "plain": frequencies(128, plain)}
    values["llama31.divisors"] = values["plain"] / values["llama31"]  # what llama.cpp keeps as rope_freqs.weight
    save("rope_scaling.safetensors", values)


if __name__ == "__main__":
    make_models()
    make_frequencies()
    make_gguf("tiny_qwen2", "qwen2", None)
    # A GGUF file keeps no parameters; ours are tried with those of Llama 3.1, so this one has its scaling.
    scaling = LLAMA31 | {"rope_theta": 10000.0}
    divisors = (frequencies(16, {"rope_type": "default", "rope_theta": 10000.0}) / frequencies(16, scaling)).numpy()
    make_gguf("tiny_llama3", "llama", divisors)
    make_gguf_logits(scaling)
