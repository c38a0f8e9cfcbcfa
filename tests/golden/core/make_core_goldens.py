#!/usr/bin/env python3
"""Writes the reference values of the training core with transformers, PEFT, PyTorch and bitsandbytes.

    python tests/golden/core/make_core_goldens.py [part ...]

Parts: models, backward, lora, trajectory, schedules, adamw, nf4, nf4_model, generate; all of them without
arguments. "models" draws the tiny models and adapters again, the other parts read them. Needed only to renew the
values: building, running and testing never start Python. versions.json says what the values were made with.

References in fp64 run transformers' own modules in double; its RMSNorm and rotary embedding, which round to fp32
inside, are replaced by versions that stay in double. PyTorch computes every gradient.
"""
import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

HERE = Path(__file__).resolve().parent
LENGTHS = [7, 12, 5]


# ---- models -----------------------------------------------------------------------------------------------------

def double_norm(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def double_rotary(self, x, position_ids):
    dim, theta = self.inv_freq.numel() * 2, self.config.rope_parameters["rope_theta"]
    inverse = 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angle = position_ids[..., None].double() * inverse
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos().to(x.dtype), angle.sin().to(x.dtype)


def load(folder, dtype):
    """A model of this folder; in fp64 its norms and rotary embedding stay in double."""
    model = LlamaForCausalLM.from_pretrained(HERE / folder, dtype=torch.float32, attn_implementation="sdpa")
    model.eval()
    if dtype == torch.float64:
        model.double()
        for module in model.modules():
            if isinstance(module, modeling_llama.LlamaRMSNorm):
                module.forward = double_norm.__get__(module)
            if isinstance(module, modeling_llama.LlamaRotaryEmbedding):
                module.forward = double_rotary.__get__(module)
    return model


def randomise(model, generator):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter.data = 1.0 + 0.1 * noise
        elif "embed" in name or "lm_head" in name:
            parameter.data = 0.2 * noise
        else:
            parameter.data = noise / math.sqrt(parameter.shape[1])


def make_models():
    from peft import LoraConfig, get_peft_model

    shapes = {
        "tiny_llama": dict(hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
                           num_key_value_heads=2, head_dim=16, tie_word_embeddings=True),
        "tiny_llama_untied": dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                                  num_key_value_heads=4, head_dim=8, tie_word_embeddings=False),
    }
    for seed, (name, shape) in enumerate(shapes.items()):
        config = LlamaConfig(vocab_size=256, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1,
                             eos_token_id=2, **shape)
        config.rope_parameters = {"rope_type": "default", "rope_theta": 10000.0}
        model = LlamaForCausalLM(config).float()
        randomise(model, torch.Generator().manual_seed(100 + seed))
        model.save_pretrained(HERE / name)
    as_version_4_wrote_it(HERE / "tiny_llama_untied" / "config.json")
    adapters = {
        "tiny_adapter": LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
        "tiny_adapter_rslora": LoraConfig(r=2, lora_alpha=3, target_modules=["q_proj", "v_proj"], use_rslora=True,
                                          task_type="CAUSAL_LM"),
    }
    for seed, (name, config) in enumerate(adapters.items()):
        model = get_peft_model(load("tiny_llama", torch.float32), config)
        generator = torch.Generator().manual_seed(200 + seed)
        for parameter in (p for n, p in model.named_parameters() if "lora_" in n):
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
        model.peft_config["default"].base_model_name_or_path = "tiny_llama"
        model.save_pretrained(HERE / name)
        (HERE / name / "README.md").unlink(missing_ok=True)


def as_version_4_wrote_it(path):
    """transformers before 5 kept rope_theta at the top and called the type torch_dtype: one folder in that form."""
    config = json.loads(path.read_text())
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["torch_dtype"] = config.pop("dtype", "float32")
    config["rope_scaling"] = None
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def with_adapters(folders, dtype):
    from peft import PeftModel

    base = load("tiny_llama", dtype)
    model = PeftModel.from_pretrained(base, HERE / folders[0], adapter_name=folders[0])
    for folder in folders[1:]:
        model.load_adapter(HERE / folder, adapter_name=folder)
    model.base_model.set_adapter(folders)
    model.eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "lora_" in name
    return model.double() if dtype == torch.float64 else model


# ---- samples, logits, loss --------------------------------------------------------------------------------------

def make_samples(lengths, seed):
    """Token rows that a model can learn (steps of a fixed stride) with a mask that sometimes covers the start."""
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for i, length in enumerate(lengths):
        start, stride = torch.randint(0, 256, (2,), generator=generator).tolist()
        tokens = (start + torch.arange(length) * (stride % 5 + 1)) % 256
        mask = torch.rand(length, generator=generator) < 0.6
        mask[0] = i % 3 == 0  # a first token may be marked, yet is never a target
        mask[-1] = True
        samples.append((tokens, mask))
    return samples


def pack(samples):
    lengths = torch.tensor([len(tokens) for tokens, _ in samples])
    return {
        "tokens": torch.cat([tokens for tokens, _ in samples]),
        "supervised": torch.cat([mask for _, mask in samples]).to(torch.uint8),
        "cu_seqlens": F.pad(lengths.cumsum(0), (1, 0)),
    }


def logits_of(model, samples):
    return [model(input_ids=tokens[None], use_cache=False).logits[0] for tokens, _ in samples]


def loss_of(model, samples):
    """Sum over supervised tokens after the shift, divided by their number; each sequence alone, no padding."""
    total, count, logps = 0.0, 0, []
    for logits, (tokens, mask) in zip(logits_of(model, samples), samples):
        rows = -F.cross_entropy(logits[:-1], tokens[1:], reduction="none")
        logps.append((rows * mask[1:]).sum())
        total, count = total - logps[-1], count + int(mask[1:].sum())
    return total / count, count, torch.stack(logps)


def reference(load_model, samples, keep):
    double, single = load_model(torch.float64), load_model(torch.float32)
    loss, count, logps = loss_of(double, samples)
    loss.backward()
    with torch.no_grad():
        logits64 = torch.cat(logits_of(double, samples))
        logits32 = torch.cat(logits_of(single, samples))
        stock = (logits64 - logits32.double()).abs().max().item()
    print(f"  loss {loss.item():.6f} over {count} targets; fp32 differs from fp64 by at most {stock:.1e}")
    values = pack(samples) | {"loss": loss.detach(), "targets": torch.tensor(count), "logps": logps.detach(),
                              "logits_fp64": logits64}
    for name, parameter in double.named_parameters():
        if parameter.requires_grad:
            values["grad." + keep(name)] = parameter.grad.float()
    return values


def save(name, values):
    save_file({key: value.detach().contiguous().clone() for key, value in values.items()}, HERE / name)
    (HERE / name).chmod(0o644)
    print(f"  {name}: {(HERE / name).stat().st_size} bytes")


def make_backward():
    samples = make_samples(LENGTHS, seed=1)
    save("forward_backward.safetensors", reference(lambda d: load("tiny_llama", d), samples, str))
    save("forward_backward_untied.safetensors", reference(lambda d: load("tiny_llama_untied", d), samples, str))


def exported_name(adapter):
    return lambda name: name.replace("." + adapter + ".", ".")  # as adapter_model.safetensors calls it


def make_lora():
    samples = make_samples(LENGTHS, seed=1)
    values = reference(lambda d: with_adapters(["tiny_adapter"], d), samples, exported_name("tiny_adapter"))
    save("lora_backward.safetensors", values)
    both = with_adapters(["tiny_adapter", "tiny_adapter_rslora"], torch.float64)
    with torch.no_grad():
        save("two_adapters.safetensors", pack(samples) | {"logits_fp64": torch.cat(logits_of(both, samples))})


# ---- trajectories -----------------------------------------------------------------------------------------------

def trajectory(model, samples, no_decay, keep):
    from transformers import get_linear_schedule_with_warmup

    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [{"params": [p for n, p in trained if not no_decay(n)], "weight_decay": 0.01},
              {"params": [p for n, p in trained if no_decay(n)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
    schedule = get_linear_schedule_with_warmup(optimizer, 3, 20)
    rows = {"loss": [], "grad_norm": [], "lr": []}
    for step in range(20):
        optimizer.zero_grad()
        loss, _, _ = loss_of(model, samples[4 * step:4 * step + 4])
        loss.backward()
        rows["loss"].append(loss.item())
        rows["grad_norm"].append(torch.nn.utils.clip_grad_norm_([p for _, p in trained], 1.0).item())
        rows["lr"].append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    print("  loss", [round(v, 3) for v in rows["loss"]], "norm", [round(v, 2) for v in rows["grad_norm"]])
    values = {name: torch.tensor(row, dtype=torch.float64) for name, row in rows.items()}
    with torch.no_grad():
        values["final_logits"] = torch.cat(logits_of(model, samples[:2]))
    if keep:
        values |= {"final." + keep(n): p.detach().float() for n, p in trained}
    return values


def make_trajectory():
    generator = torch.Generator().manual_seed(2)
    samples = make_samples(torch.randint(4, 25, (80,), generator=generator).tolist(), seed=3)
    save("samples.safetensors", pack(samples))
    adapter = with_adapters(["tiny_adapter"], torch.float64)
    save("trajectory_lora.safetensors",
         trajectory(adapter, samples, lambda n: False, exported_name("tiny_adapter")))
    save("trajectory_full.safetensors",
         trajectory(load("tiny_llama", torch.float64), samples, lambda n: "norm" in n, None))


# ---- schedules, AdamW -------------------------------------------------------------------------------------------

def make_schedules():
    from transformers import (get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
                              get_linear_schedule_with_warmup)

    values = {}
    for warmup in (0, 2, 10):
        for total in (10, 100):
            makers = {"constant": lambda o: get_constant_schedule_with_warmup(o, warmup),
                      "linear": lambda o: get_linear_schedule_with_warmup(o, warmup, total),
                      "cosine": lambda o: get_cosine_schedule_with_warmup(o, warmup, total)}
            for name, make in makers.items():
                optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
                schedule, row = make(optimizer), []
                for _ in range(total + 1):
                    row.append(schedule.get_last_lr()[0])
                    optimizer.step()
                    schedule.step()
                values[f"{name}.warmup{warmup}.total{total}"] = torch.tensor(row, dtype=torch.float64)
    save("schedules.safetensors", values)


def make_adamw():
    generator = torch.Generator().manual_seed(4)
    start = torch.randn(300, generator=generator)
    grads = torch.randn(5, 300, generator=generator) * torch.logspace(-6, 1, 300)
    grads[:, 7] = 0.0
    lrs = [1e-3, 5e-4, 2e-3, 0.0, 1e-2]
    values = {"start": start, "grads": grads, "lrs": torch.tensor(lrs, dtype=torch.float64)}
    for name, dtype in (("fp32", torch.float32), ("fp64", torch.float64)):
        parameter = torch.nn.Parameter(start.to(dtype, copy=True))
        optimizer = torch.optim.AdamW([parameter], lr=1e-3, weight_decay=0.1, foreach=False)
        rows = []
        for lr, grad in zip(lrs, grads):
            optimizer.param_groups[0]["lr"] = lr
            parameter.grad = grad.to(dtype)
            optimizer.step()
            rows.append(parameter.detach().clone())
        state = optimizer.state[parameter]
        values |= {f"{name}.parameters": torch.stack(rows), f"{name}.exp_avg": state["exp_avg"],
                   f"{name}.exp_avg_sq": state["exp_avg_sq"]}
    save("adamw.safetensors", values)


# ---- NF4 --------------------------------------------------------------------------------------------------------

def nf4_cases():
    generator = torch.Generator().manual_seed(5)
    normal = torch.randn(64, 64, generator=generator)
    zero_block = 0.02 * torch.randn(8, 64, generator=generator)
    zero_block[3] = 0.0
    partial = torch.randn(100, 7, generator=generator)
    extremes = torch.randn(6, 64, generator=generator) * torch.tensor([[1e-30], [1e30], [1e-20], [1.0], [1e4], [1.0]])
    extremes[3, 0], extremes[4, 0], extremes[5] = 3.0e38, -6.0e4, 0.5
    many = torch.randn(130, 128, generator=generator).bfloat16()  # 260 blocks: a second nested block
    return {"normal": normal, "zero_block": zero_block, "partial": partial, "extremes": extremes, "many": many,
            "half": normal[:16].half()}


def make_nf4():
    from bitsandbytes import functional as bnb

    values = {}
    for name, tensor in nf4_cases().items():
        small = name != "many"
        values[f"{name}.input"] = tensor
        packed, state = bnb.quantize_4bit(tensor, blocksize=64, quant_type="nf4", compress_statistics=False)
        values |= {f"{name}.packed": packed.flatten(), f"{name}.absmax": state.absmax}
        if small:
            values[f"{name}.dequantized"] = bnb.dequantize_4bit(packed, state)
        nested_packed, nested = bnb.quantize_4bit(tensor, blocksize=64, quant_type="nf4", compress_statistics=True)
        assert torch.equal(packed, nested_packed)
        values |= {f"{name}.nested_codes": nested.absmax, f"{name}.nested_absmax": nested.state2.absmax,
                   f"{name}.nested_offset": nested.offset,
                   f"{name}.nested_dequantized": bnb.dequantize_4bit(packed, nested)}
        if name == "normal":
            values |= {"quant_map": state.code, "nested_quant_map": nested.state2.code}
            nested.dtype = torch.bfloat16  # the type asked for decides what comes out
            values["normal.nested_dequantized_bf16"] = bnb.dequantize_4bit(packed, nested)
            nested.dtype = torch.float32
            serialised = {"weight": packed} | {f"weight.{k}": v for k, v in nested.as_dict(packed=True).items()}
            save("nf4_serialised.safetensors", serialised)
    save("nf4.safetensors", values)


def make_nf4_model():
    """A pre-quantised folder as transformers + bitsandbytes write it, with the logits they give."""
    from bitsandbytes import functional as bnb
    from bitsandbytes.nn import Linear4bit
    from transformers import BitsAndBytesConfig

    quantization = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                      bnb_4bit_compute_dtype=torch.float32)
    model = LlamaForCausalLM.from_pretrained(HERE / "tiny_llama", dtype=torch.float32, device_map="cpu",
                                             quantization_config=quantization)
    model.save_pretrained(HERE / "tiny_llama_nf4")
    # bitsandbytes' CPU kernel misreads rows that are not whole blocks (down_proj has 96 columns, a block 64 values),
    # unlike its CUDA kernel, which knows no rows: so every weight is dequantised as one row.
    plain = load("tiny_llama", torch.float32)
    for name, module in model.named_modules():
        if isinstance(module, Linear4bit):
            state, shape = module.weight.quant_state, module.weight.quant_state.shape
            state.shape = torch.Size([1, shape.numel()])
            plain.get_submodule(name).weight.data = bnb.dequantize_4bit(module.weight.data, state).view(shape)
    samples = make_samples(LENGTHS, seed=1)
    with torch.no_grad():
        save("nf4_model.safetensors", pack(samples) | {"logits_fp32": torch.cat(logits_of(plain, samples))})


# ---- generation -------------------------------------------------------------------------------------------------

def make_generate():
    """Greedy continuations, each prompt alone; the margin shows how far the choice is from a tie."""
    model, values, margin = load("tiny_llama", torch.float64), {}, math.inf
    for i, prompt in enumerate([[5, 6, 7, 8], [200, 10, 77, 3, 41, 90, 12], [1]]):
        out = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=16, eos_token_id=None,
                             pad_token_id=0, output_logits=True, return_dict_in_generate=True)
        top = torch.cat(out.logits).topk(2).values
        margin = min(margin, (top[:, 0] - top[:, 1]).min().item())
        values |= {f"{i}.prompt": torch.tensor(prompt), f"{i}.ids": out.sequences[0, len(prompt):]}
    print(f"  smallest lead of a chosen logit {margin:.1e}")
    save("generate.safetensors", values)


def write_versions():
    import importlib.metadata as metadata

    names = ("torch", "transformers", "peft", "bitsandbytes", "safetensors")
    versions = {name: metadata.version(name) for name in names}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


def main():
    torch.set_num_threads(1)
    parts = {"models": make_models, "backward": make_backward, "lora": make_lora, "trajectory": make_trajectory,
             "schedules": make_schedules, "adamw": make_adamw, "nf4": make_nf4, "nf4_model": make_nf4_model,
             "generate": make_generate}
    for name in sys.argv[1:] or parts:
        print(name)
        parts[name]()
    write_versions()


if __name__ == "__main__":
    main()
