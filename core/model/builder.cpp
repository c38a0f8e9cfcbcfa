#include "core/model/builder.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/adapter/peft_pair.h"
#include "core/base/error.h"
#include "core/model/token_rows_weight.h"
#include "core/quant/device_nf4_weight.h"

namespace hone::model {
namespace {

constexpr std::int64_t kRowsAtATime = 4096;  // elements / row length rows are decoded per piece

std::int64_t elements_of(const std::vector<std::int64_t>& shape) { return c10::multiply_integers(shape); }

std::int64_t rows_per_piece(const std::vector<std::int64_t>& shape) {
  const std::int64_t width = elements_of(shape) / std::max<std::int64_t>(1, shape[0]);
  return std::max<std::int64_t>(1, kRowsAtATime * 64 / std::max<std::int64_t>(1, width));
}

// body(first row, rows, fp32 values) over a tensor in pieces.
template <class Body>
void for_pieces(const formats::TensorSource& source, const formats::TensorInfo& info, Body&& body) {
  const std::int64_t width = elements_of(info.shape) / std::max<std::int64_t>(1, info.shape[0]);
  const std::int64_t step = rows_per_piece(info.shape);
  std::vector<float> values(step * width);
  for (std::int64_t row = 0; row < info.shape[0]; row += step) {
    const std::int64_t rows = std::min(step, info.shape[0] - row);
    source.read_rows(info, row, row + rows, values.data());
    body(row, rows, std::span<const float>(values.data(), rows * width));
  }
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string module_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

// Every module an adapter names must be a linear of the model.
void check_all_used(const formats::PeftAdapter& adapter, const std::vector<std::string>& known) {
  for (const formats::PeftPair& pair : adapter.pairs())
    if (std::find(known.begin(), known.end(), pair.module) == known.end())
      throw Error(Exit::input, "AD011", "adapter names a module the model does not have",
                  adapter.file().path(), pair.module, "is this adapter for another model?");
}

}  // namespace

bool trains(const BuildSpec& spec, const std::string& tensor) {
  if (spec.trained != Trained::adapter) return spec.trained == Trained::everything;
  return formats::is_saved_module(spec.lora.modules_to_save, module_of(tensor));
}

const std::vector<std::int64_t>* trained_rows(const BuildSpec& spec, const std::string& tensor) {
  if (spec.trained != Trained::adapter) return nullptr;
  for (const auto& [name, ids] : spec.lora.token_rows)
    if (formats::is_saved_module({name}, module_of(tensor))) return &ids;
  return nullptr;
}

ModuleBuilder::ModuleBuilder(const formats::TensorSource& source, const BuildSpec& spec)
    : source_(source), spec_(spec) {}

void ModuleBuilder::begin_block(const std::string& name) {
  shard_block();
  pending_block_ = name;
  block_begun_ = true;
}

void ModuleBuilder::shard_block() {
  if (!block_begun_ || !spec_.sharding.shards_weights()) return;
  sharded_.emplace_back(frozen_here_, *spec_.sharding.communicator, spec_.device);
  frozen_bytes_ += sharded_.back().bytes();
  frozen_here_.clear();
}

nn::WeightPtr ModuleBuilder::frozen(std::shared_ptr<nn::Weight> weight) {
  if (spec_.sharding.shards_weights()) {
    frozen_here_.push_back(weight);
  } else {
    frozen_bytes_ += weight->bytes();
  }
  return weight;
}

const formats::TensorInfo& ModuleBuilder::require(const std::string& name,
                                                  const std::vector<std::int64_t>& shape) const {
  const formats::TensorInfo* info = source_.find(name);
  if (!info)
    throw Error(Exit::input, "MD001", "tensor missing", name, "not in the model's files",
                "is this the right architecture?");
  if (info->shape != shape)
    throw Error(Exit::input, "MD004", "tensor has another shape", name,
                shape_text(info->shape) + ", the configuration says " + shape_text(shape));
  return *info;
}

at::Tensor ModuleBuilder::load_dense(const formats::TensorInfo& info, at::ScalarType type) const {
  at::Tensor out = at::empty(info.shape, at::TensorOptions().dtype(type).device(spec_.device));
  for_pieces(source_, info, [&](std::int64_t row, std::int64_t rows, std::span<const float> values) {
    at::Tensor target = out.narrow(0, row, rows);
    target.copy_(at::from_blob(const_cast<float*>(values.data()), target.sizes(), at::kFloat));
  });
  return out;
}

nn::WeightPtr ModuleBuilder::trainable(const std::string& name, std::vector<std::int64_t> shape, bool decay,
                                       Fill fill) {
  if (!pending_block_.empty()) layout_.begin_block(std::exchange(pending_block_, {}));
  layout_.add(name, shape, decay);
  fills_.push_back(std::move(fill));
  return std::make_shared<ArenaWeight>(arena_, fills_.size() - 1, std::move(shape));
}

nn::WeightPtr ModuleBuilder::frozen_dense(const formats::TensorInfo& info) {
  return frozen(std::make_shared<nn::DenseWeight>(load_dense(info, spec_.compute)));
}

nn::WeightPtr ModuleBuilder::frozen_nf4(const formats::TensorInfo& info) {
  if (!spec_.device.is_cpu()) return frozen_nf4_on_device(info);
  return frozen(std::make_shared<quant::Nf4Weight>(read_nf4(info), info.shape, spec_.compute));
}

nn::WeightPtr ModuleBuilder::frozen_nf4_on_device(const formats::TensorInfo& info) {
  const bool quantize_there = spec_.device.is_cuda() && !source_.nf4(info);
  quant::Nf4Tensors data = quantize_there
                               ? quant::quantize_on_cuda(load_dense(info, at::kFloat), spec_.double_quant)
                               : quant::to_device(read_nf4(info), spec_.device);
  return frozen(std::make_shared<quant::DeviceNf4Weight>(std::move(data), info.shape, spec_.compute));
}

quant::Nf4Data ModuleBuilder::read_nf4(const formats::TensorInfo& info) const {
  if (const auto stored = source_.nf4(info)) return quant::from_stored(elements_of(info.shape), *stored);
  quant::Nf4Quantizer quantizer(elements_of(info.shape));
  for_pieces(source_, info,
             [&](std::int64_t, std::int64_t, std::span<const float> values) { quantizer.push(values); });
  return quantizer.finish(spec_.double_quant);
}

nn::WeightPtr ModuleBuilder::own(const formats::TensorInfo& info, bool decay) {
  if (!trains(spec_, info.name)) return frozen_dense(info);
  return trainable(info.name, info.shape, decay, [this, &info](std::span<float> out) {
    source_.read_rows(info, 0, info.shape[0], out.data());
  });
}

nn::WeightPtr ModuleBuilder::vector(const std::string& name, std::int64_t size) {
  return own(require(name, {size}), /*decay=*/false);
}

nn::WeightPtr ModuleBuilder::matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
  const formats::TensorInfo& info = require(name, {rows, columns});
  const std::vector<std::int64_t>* ids = trained_rows(spec_, name);
  return ids ? some_rows(info, *ids) : own(info, /*decay=*/true);
}

nn::WeightPtr ModuleBuilder::some_rows(const formats::TensorInfo& info,
                                       const std::vector<std::int64_t>& ids) {
  for (const std::int64_t id : ids)
    if (id < 0 || id >= info.shape[0])
      throw Error(Exit::usage, "AD016", "no such token", "adapter.trainable_token_indices",
                  std::to_string(id), info.name + " has " + std::to_string(info.shape[0]) + " rows");
  const std::int64_t width = info.shape[1];
  const nn::WeightPtr rows = trainable(
      formats::token_rows_name(module_of(info.name)), {std::ssize(ids), width}, /*decay=*/true,
      [&info, width, ids, this](std::span<float> out) {
        for (std::size_t i = 0; i < ids.size(); ++i)
          source_.read_rows(info, ids[i], ids[i] + 1, out.data() + static_cast<std::int64_t>(i) * width);
      });
  return frozen(std::make_shared<TokenRowsWeight>(load_dense(info, spec_.compute), ids, rows));
}

nn::Linear ModuleBuilder::linear(const std::string& module, std::int64_t out, std::int64_t in, bool bias) {
  nn::Linear linear;
  linear.name = module;
  linear.dropout.site = dropout_site(module);
  linears_.push_back(module);
  const formats::TensorInfo& info = require(module + ".weight", {out, in});
  if (spec_.trained == Trained::everything) {
    linear.weight = matrix(info.name, out, in);
  } else {
    linear.weight = spec_.nf4 || source_.nf4(info) ? frozen_nf4(info) : frozen_dense(info);
  }
  if (bias) linear.bias = vector(module + ".bias", out);
  add_frozen_branches(linear, out, in);
  add_trained_branch(linear, out, in);
  return linear;
}

void ModuleBuilder::add_frozen_branches(nn::Linear& linear, std::int64_t out, std::int64_t in) {
  for (const formats::PeftAdapter* adapter : spec_.frozen_adapters) {
    const formats::PeftPair* pair = adapter->find(linear.name);
    if (!pair) continue;
    hone::adapter::require_fit(*pair, out, in);
    const auto load = [&](const auto& tensor) {
      return frozen(std::make_shared<nn::DenseWeight>(
          hone::adapter::to_tensor(tensor, spec_.compute).to(spec_.device)));
    };
    linear.branches.push_back(
        {load(*pair->a), load(*pair->b), adapter->config().scaling(), /*trained=*/false});
  }
}

void ModuleBuilder::add_trained_branch(nn::Linear& linear, std::int64_t out, std::int64_t in) {
  if (spec_.trained != Trained::adapter) return;
  const formats::PeftPair* start = spec_.lora_init ? spec_.lora_init->find(linear.name) : nullptr;
  if (spec_.lora_init ? !start : !adapter::is_target(spec_.lora, linear.name)) return;
  if (start) adapter::require_fit(*start, out, in);
  const std::int64_t rank = spec_.lora.rank;
  const std::string module = linear.name;
  nn::LoraBranch branch;
  branch.a = trainable(module + ".lora_A.weight", {rank, in}, /*decay=*/true, [=, this](std::span<float> a) {
    if (start) {
      formats::PeftAdapter::read(*start->a, a.data());
    } else {
      adapter::init_lora_a(spec_.seed, module, in, a);
    }
  });
  branch.b = trainable(module + ".lora_B.weight", {out, rank}, /*decay=*/true, [=](std::span<float> b) {
    if (start) formats::PeftAdapter::read(*start->b, b.data());
  });
  branch.scale = spec_.lora.scale();
  branch.trained = true;
  linear.branches.push_back(std::move(branch));
  linear.dropout.rate = spec_.lora.dropout;
  adapted_.push_back(module);
}

std::uint32_t ModuleBuilder::dropout_site(const std::string& module) {
  // q, k, v (and gate, up) read one input: a site per input, so the site is that of the group's first member.
  const bool continues_group =
      module.ends_with(".k_proj") || module.ends_with(".v_proj") || module.ends_with(".up_proj");
  if (!continues_group) ++next_dropout_site_;
  return next_dropout_site_;
}

// PEFT would wrap a linear of a block after it has got its adapter; here it has one or the other.
void ModuleBuilder::check_saved_modules() const {
  if (spec_.trained != Trained::adapter) return;
  for (const std::string& name : spec_.lora.modules_to_save) {
    bool found = false;
    for (const formats::TensorInfo& info : source_.tensors()) {
      if (!formats::is_saved_module({name}, module_of(info.name))) continue;
      if (formats::is_block_linear(info))
        throw Error(Exit::usage, "AD015", "a linear of a block cannot be trained whole beside an adapter",
                    "adapter.modules_to_save", module_of(info.name), "name it in adapter.targets");
      found = true;
    }
    if (!found)
      throw Error(Exit::usage, "AD014", "no module matches", "adapter.modules_to_save", name,
                  "for example embed_tokens, lm_head or norm");
  }
}

at::TensorOptions ModuleBuilder::wide_options() const {
  return at::TensorOptions()
      .dtype(spec_.compute == at::kDouble ? at::kDouble : at::kFloat)
      .device(spec_.device);
}

// A name that fits nothing is a misspelt one.
void ModuleBuilder::check_targets() const {
  if (spec_.trained != Trained::adapter || spec_.lora_init) return;
  for (const std::string& target : spec_.lora.targets) {
    const adapter::LoraSettings alone{.targets = {target}};
    if (std::any_of(linears_.begin(), linears_.end(),
                    [&](const auto& name) { return adapter::is_target(alone, name); }))
      continue;
    std::set<std::string> names;
    for (const std::string& linear : linears_) names.insert(linear.substr(linear.rfind('.') + 1));
    throw Error(Exit::usage, "AD012", "no module matches", "adapter.targets", target,
                fmt::format("the model's linears are {}", fmt::join(names, ", ")));
  }
}

std::shared_ptr<Arena> ModuleBuilder::finish() {
  check_saved_modules();
  check_targets();
  for (const formats::PeftAdapter* adapter : spec_.frozen_adapters) check_all_used(*adapter, linears_);
  if (spec_.lora_init) check_all_used(*spec_.lora_init, linears_);
  shard_block();
  arena_->allocate(layout_.finish(), spec_.compute, spec_.master, spec_.device, spec_.sharding);
  for (std::size_t p = 0; p < fills_.size(); ++p) {
    const Range range = arena_->layout().parameters[p].range;
    std::vector<float> values(static_cast<std::size_t>(range.length()));
    fills_[p](values);
    arena_->set(p, values);
  }
  return arena_;
}

}  // namespace hone::model
