"""Reference values of optimizers and learning-rate schedules (optimizers.safetensors, all_schedules.safetensors).

    pip install torch==2.11.0 transformers peft bitsandbytes && python tests/golden/core/make_optim_goldens.py

Weights and gradients are a formula (`values`), the same in tests/core/optimizer_support.h, so that only results are
stored. Adam in 8 bits and Lion are bitsandbytes' CPU path; codes come from its generic quantiser, which takes the
nearest value as its CUDA kernels do (the CPU's own looks fp32 numbers up in a coarse table: zero becomes code 131).
"""
import pathlib

import bitsandbytes
import bitsandbytes.backends.cpu.ops
import bitsandbytes.functional
import peft.optimizers
import torch
import transformers
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent
STEPS = 6
LRS = [1e-2, 2e-2, 0.0, 5e-3, 1e-2, 3e-3]


def values(count, salt, size):
    """`count` numbers in (-size/2, size/2), over twelve powers of two, exact in fp32."""
    i = torch.arange(count, dtype=torch.int64)
    mixed = (i * 2654435761 + salt * 40503 + 12345) % 2**32
    mixed = (mixed * 1103515245 + 12345) % 2**32
    return ((mixed >> 8).double() / 2**24 - 0.5).float() * size * torch.pow(2.0, -(i % 12).float())


def gradient(shape, step, tensor):
    return values(int(torch.Size(shape).numel()), 1000 * step + tensor, 4.0).reshape(shape)


def train(make_optimizer, shapes, lrs=LRS, dtype=torch.float32):
    parameters = [torch.nn.Parameter(values(torch.Size(s).numel(), 7 + k, 2.0).reshape(s).to(dtype))
                  for k, s in enumerate(shapes)]
    optimizer = make_optimizer(parameters)
    for step in range(STEPS):
        for k, parameter in enumerate(parameters):
            parameter.grad = gradient(parameter.shape, step, k).to(dtype)
        if lrs is not None:
            for group in optimizer.param_groups:
                group["lr"] = lrs[step]
        optimizer.step()
    return parameters, optimizer


# ---- optimizers -------------------------------------------------------------------------------------------------

SHAPES = [(12, 20), (33,), (5, 3)]
SHAPES_8BIT = [(70, 64), (33,)]  # 17.5 blocks; too small for 8 bits


def make_optimizers():
    out = {}

    def add(name, make, lrs=LRS):
        parameters, optimizer = train(make, SHAPES, lrs)
        for k, parameter in enumerate(parameters):
            out[f"{name}.{k}"] = parameter.detach().clone()
            for key, value in optimizer.state[parameter].items():
                if torch.is_tensor(value) and value.numel() > 1 and key in (
                        "exp_avg_sq_row", "exp_avg_sq_col", "exp_avg_sq", "momentum_buffer", "state1"):
                    out[f"{name}.{k}.{key}"] = value.clone()

    sgd = torch.optim.SGD
    add("sgd", lambda p: sgd(p, lr=1.0, weight_decay=0.1))
    add("sgd_momentum", lambda p: sgd(p, lr=1.0, momentum=0.9, weight_decay=0.1))
    add("sgd_nesterov", lambda p: sgd(p, lr=1.0, momentum=0.9, nesterov=True))
    add("lion", lambda p: bitsandbytes.optim.Lion(p, lr=1.0, weight_decay=0.1))
    adafactor = transformers.optimization.Adafactor
    add("adafactor", lambda p: adafactor(p, lr=1.0, scale_parameter=False, relative_step=False, weight_decay=0.1))
    add("adafactor_scaled", lambda p: adafactor(p, lr=1.0, scale_parameter=True, relative_step=False,
                                                clip_threshold=0.5, decay_rate=-0.5))
    add("adafactor_relative", lambda p: adafactor(p, scale_parameter=True, relative_step=True), None)
    add("adafactor_warmup", lambda p: adafactor(p, scale_parameter=False, relative_step=True, warmup_init=True), None)
    return out


def quantize_nearest(numbers, code):
    return torch.ops.bitsandbytes.quantize_blockwise(numbers.double(), code, 256)


def store_nearest(numbers, code, absmax_out, codes_out, blocksize):
    codes, absmax = quantize_nearest(numbers, code)
    codes_out.copy_(codes)
    absmax_out.copy_(absmax)


def make_adamw_8bit():
    bitsandbytes.backends.cpu.ops._quant_blockwise_fp32_direct = store_nearest
    out = {}
    for name, code in (("signed", bitsandbytes.functional.create_dynamic_map(signed=True)),
                       ("unsigned", bitsandbytes.functional.create_dynamic_map(signed=False))):
        numbers = values(1000, 99, 3.0)
        numbers = numbers if name == "signed" else numbers.abs()
        numbers[512:768] = 0.0
        codes, absmax = quantize_nearest(numbers, code)
        out |= {f"map.{name}": code, f"quantized.{name}": codes, f"quantized.{name}.absmax": absmax}
    parameters, optimizer = train(
        lambda p: bitsandbytes.optim.AdamW8bit(p, lr=1.0, weight_decay=0.1), SHAPES_8BIT)
    for k, parameter in enumerate(parameters):
        out[f"adamw_8bit.{k}"] = parameter.detach().clone()
        for key in ("state1", "state2", "absmax1", "absmax2"):
            if key in optimizer.state[parameter]:
                out[f"adamw_8bit.{k}.{key}"] = optimizer.state[parameter][key].clone()
    return out


class Pair(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(6, 9, bias=False)
        self.norm = torch.nn.LayerNorm(9, bias=False)


def make_loraplus():
    """PEFT's groups: lora_A, lora_B and the vector under LoRA+; the norm is trained too."""
    config = peft.LoraConfig(r=2, target_modules=["up"])
    model = peft.get_peft_model(Pair(), config)
    named = {name: p for name, p in model.named_parameters() if "lora" in name or "norm" in name}
    order = [next(p for name, p in named.items() if key in name) for key in ("lora_A", "lora_B", "norm")]
    for k, parameter in enumerate(order):
        parameter.requires_grad_(True)
        parameter.data.copy_(values(parameter.numel(), 7 + k, 2.0).reshape(parameter.shape))
    optimizer = peft.optimizers.create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=1e-2, loraplus_lr_ratio=16.0, loraplus_weight_decay=0.1)
    for step in range(STEPS):
        for k, parameter in enumerate(order):
            parameter.grad = gradient(parameter.shape, step, k)
        optimizer.step()
    return {f"loraplus.{k}": p.detach().clone() for k, p in enumerate(order)}


# ---- schedules --------------------------------------------------------------------------------------------------

def rates(make, total, lr=1.0):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule, row = make(optimizer), []
    for _ in range(total + 3):
        row.append(optimizer.param_groups[0]["lr"] / lr)
        optimizer.step()
        schedule.step()
    return torch.tensor(row, dtype=torch.float64)


def after_warmup(optimizer, warmup, make):
    """torch's own shape begins where transformers' warm-up ends."""
    if warmup == 0:
        return make(optimizer)
    rise = transformers.get_constant_schedule_with_warmup(optimizer, warmup)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, make(optimizer)], [warmup])


def make_schedules():
    hf, torch_lr = transformers.optimization, torch.optim.lr_scheduler
    out = {}
    for warmup in (0, 3):
        for total in (10, 41):
            cases = {
                "constant_with_warmup": lambda o: hf.get_constant_schedule_with_warmup(o, warmup),
                "cosine.cycles": lambda o: hf.get_cosine_schedule_with_warmup(o, warmup, total, num_cycles=1.25),
                "cosine_with_restarts": lambda o: hf.get_cosine_with_hard_restarts_schedule_with_warmup(
                    o, warmup, total),
                "cosine_with_restarts.cycles": lambda o: hf.get_cosine_with_hard_restarts_schedule_with_warmup(
                    o, warmup, total, num_cycles=3),
                "cosine_with_min_lr": lambda o: hf.get_cosine_with_min_lr_schedule_with_warmup(
                    o, warmup, total, min_lr_rate=0.1),
                "polynomial": lambda o: hf.get_polynomial_decay_schedule_with_warmup(o, warmup, total),
                "polynomial.power": lambda o: hf.get_polynomial_decay_schedule_with_warmup(
                    o, warmup, total, lr_end=1e-4, power=2.5),
                "inverse_sqrt": lambda o: hf.get_inverse_sqrt_schedule(o, warmup),
                "inverse_sqrt.timescale": lambda o: hf.get_inverse_sqrt_schedule(o, warmup, timescale=7),
                "warmup_stable_decay": lambda o: hf.get_wsd_schedule(
                    o, warmup, num_decay_steps=4, num_training_steps=total),
                "warmup_stable_decay.linear": lambda o: hf.get_wsd_schedule(
                    o, warmup, num_decay_steps=5, num_training_steps=total, warmup_type="cosine",
                    decay_type="linear", min_lr_ratio=0.2),
                "warmup_stable_decay.sqrt": lambda o: hf.get_wsd_schedule(
                    o, warmup, num_decay_steps=5, num_training_steps=total, warmup_type="1-sqrt",
                    decay_type="1-sqrt"),
                "step": lambda o: after_warmup(o, warmup, lambda p: torch_lr.StepLR(p, 4)),
                "step.gamma": lambda o: after_warmup(o, warmup, lambda p: torch_lr.StepLR(p, 3, gamma=0.5)),
                "exponential": lambda o: after_warmup(o, warmup, lambda p: torch_lr.ExponentialLR(p, 0.9)),
            }
            for name, make in cases.items():
                out[f"{name}/warmup{warmup}/total{total}"] = rates(make, total, 2e-3)
    return out


def main():
    torch.manual_seed(0)
    save_file(make_optimizers() | make_adamw_8bit() | make_loraplus(), FOLDER / "optimizers.safetensors")
    save_file(make_schedules(), FOLDER / "all_schedules.safetensors")


if __name__ == "__main__":
    main()
