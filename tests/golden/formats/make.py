"""Writes the reference files of tests/formats with the Python peers. Run: python make.py (in this folder).

Made with torch 2.11.0, transformers 5.23.0, peft 0.21.2, bitsandbytes 0.50.2, safetensors 0.8.0, gguf 0.19.0.
Expected values are FNV-1a 64 hashes of a tensor's fp32 bytes: everything here is exact.
"""
import json
import shutil
from pathlib import Path

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parent
HEADS, KV_HEADS, HIDDEN = 4, 2, 32


def fnv(values: torch.Tensor) -> str:
    h = 0xCBF29CE484222325
    for byte in values.detach().to(torch.float32).contiguous().cpu().numpy().tobytes():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def hashes(tensors: dict) -> dict:
    return {name: fnv(t) for name, t in sorted(tensors.items())}


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")


def tiny_llama() -> LlamaForCausalLM:
    torch.manual_seed(7)
    config = LlamaConfig(hidden_size=HIDDEN, intermediate_size=64, num_hidden_layers=2, num_attention_heads=HEADS,
                         num_key_value_heads=KV_HEADS, vocab_size=48, max_position_embeddings=128, rope_theta=5000.0,
                         bos_token_id=1, eos_token_id=[2, 5], pad_token_id=0, initializer_range=0.3)
    return LlamaForCausalLM(config)


def fresh(name: str) -> Path:
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def folders(model: LlamaForCausalLM) -> None:
    for name, dtype, size in (("single", torch.bfloat16, "1GB"), ("sharded", torch.float16, "20KB")):
        copy = tiny_llama().to(dtype)
        copy.load_state_dict(model.state_dict())
        copy.save_pretrained(fresh(name), max_shard_size=size)
        write_json(HERE / name / "expected.json", hashes(copy.state_dict()))


def types() -> None:
    torch.manual_seed(1)
    save_file({"a": torch.arange(6, dtype=torch.float32).reshape(2, 3), "b": torch.full((4,), -1.5)},
              HERE / "two_floats.safetensors", metadata={"format": "pt"})
    every = {"f64": torch.randn(3, 2, dtype=torch.float64), "f32": torch.randn(3, 2), "f16": torch.randn(3, 2).half(),
             "bf16": torch.randn(3, 2).bfloat16(), "i64": torch.tensor([1, -(2**40)]), "i32": torch.tensor([7, -8]).int(),
             "i8": torch.tensor([-128, 127]).to(torch.int8), "u8": torch.tensor([0, 255]).to(torch.uint8),
             "bool": torch.tensor([True, False]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4)}
    save_file(every, HERE / "every_type.safetensors")
    write_json(HERE / "every_type.json", hashes(every))


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows as llama.cpp wants them: neighbours rotate together instead of halves."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def gguf_file(model: LlamaForCausalLM) -> None:
    kinds = gguf.GGMLQuantizationType
    chosen = {"embed_tokens": kinds.F16, "q_proj": kinds.Q8_0, "k_proj": kinds.Q4_0, "v_proj": kinds.Q4_1,
              "o_proj": kinds.BF16, "gate_proj": kinds.Q4_0, "up_proj": kinds.Q4_1, "down_proj": kinds.Q8_0,
              "lm_head": kinds.F16}
    writer = gguf.GGUFWriter(HERE / "every_type.gguf", "llama")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(64)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(5000.0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_eot_token_id(5)
    writer.add_token_list(["a", "\u00e9", "", "<s>"])
    writer.add_token_scores([0.5, -1.0, 2.0, 0.0])
    writer.add_token_types([1, 1, 1, 3])
    for suffix, value in (("uint8", 200), ("int8", -100), ("uint16", 60000), ("int16", -30000), ("uint32", 4000000000),
                          ("int32", -2000000000), ("uint64", 2**63), ("int64", -(2**62)), ("float32", 0.1),
                          ("float64", 0.1), ("bool", True), ("string", "h\u00e9llo")):
        getattr(writer, f"add_{suffix}")(f"test.{suffix}", value)
    expected = {}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    for name, weight in model.state_dict().items():
        data = weight.float().numpy()
        kind = next((k for part, k in chosen.items() if part in name), kinds.F32)
        expected[name] = torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(data, kind), kind).copy())
        heads = HEADS if "q_proj" in name else KV_HEADS if "k_proj" in name else None
        stored = permute(data, heads) if heads else data
        target = names.get_name(name, try_suffixes=(".weight",))
        writer.add_tensor(target, gguf.quants.quantize(stored, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    write_json(HERE / "every_type.gguf.json", hashes(expected))


def dequantize(codes: torch.Tensor, state: bnb.QuantState) -> torch.Tensor:
    """In fp32 by bitsandbytes' device-neutral code. Its AVX-512 kernel takes another block's absmax wherever an even
    row length is no multiple of the block (seen in 0.50.2), unlike its CUDA kernels."""
    absmax = state.absmax
    if state.nested:
        absmax = bnb.dequantize_blockwise(absmax, state.state2) + state.offset
    return _dequantize_4bit_compute(codes.reshape(-1), absmax, state.code, state.blocksize, state.shape, torch.float32)


def nf4() -> None:
    """A model quantised and saved by transformers, and two lone layers: one not nested, one of a broken last block."""
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                bnb_4bit_compute_dtype=torch.bfloat16)
    model = LlamaForCausalLM.from_pretrained(HERE / "single", quantization_config=config, dtype=torch.bfloat16,
                                             device_map="cpu")
    model.save_pretrained(fresh("nf4"))
    dense = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if weight is None:
            continue
        state = getattr(weight, "quant_state", None)
        if state is not None:
            weight = dequantize(weight.data, state)
        dense[f"{name}.weight"] = weight
    write_json(HERE / "nf4" / "expected.json", hashes(dense))

    torch.manual_seed(3)
    tensors, expected = {}, {}
    for name, shape, nested in (("plain", (24, 64), False), ("odd", (23, 35), True), ("zero", (2, 64), True)):
        weight = torch.zeros(shape) if name == "zero" else torch.randn(shape)
        codes, state = bnb.quantize_4bit(weight, quant_type="nf4", compress_statistics=nested)
        tensors[name] = codes
        tensors.update({f"{name}.{k}": v for k, v in state.as_dict(packed=True).items()})
        expected[name] = dequantize(codes, state)
    save_file(tensors, HERE / "nf4_layers.safetensors")
    write_json(HERE / "nf4_layers.json", hashes(expected))


def adapter(model: LlamaForCausalLM) -> None:
    torch.manual_seed(5)
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, lora_dropout=0.1, task_type="CAUSAL_LM",
                                             target_modules=["q_proj", "down_proj"], init_lora_weights=False))
    tuned.save_pretrained(fresh("peft"))
    (HERE / "peft" / "README.md").unlink(missing_ok=True)
    write_json(HERE / "peft" / "expected.json", hashes(load_file(HERE / "peft" / "adapter_model.safetensors")))


if __name__ == "__main__":
    types()
    folders(tiny_llama())
    gguf_file(tiny_llama())
    nf4()
    adapter(tiny_llama())
