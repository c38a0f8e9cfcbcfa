#include "core/optim/optimizer_on.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/device/device.h"
#include "core/optim/adamw.h"
#include "core/optim/adamw_cuda.h"
#include "core/optim/parameter_rules.h"

namespace hone::optim {
namespace {

class AdamWOnCuda final : public Optimizer {
 public:
  AdamWOnCuda(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
              const OwnedShards& owned)
      : device_(device),
        options_(options),
        rules_(parameter_rules(options, layout)),
        owned_(owned),
        arena_size_(layout.size),
        exp_avg_(device::zeros(owned.size(), device, options.paged)),
        exp_avg_sq_(device::zeros(owned.size(), device, options.paged)) {
    assign_groups(layout);
  }

  void update(const StepInput& in) override {
    HONE_CHECK(in.type == StateType::f32);
    for (const Piece& piece : in.pieces) queue(piece, in);
    if (options_.paged) device::synchronize(device_);  // its state is host memory that others read
  }

  std::vector<StateTensor> state() override {
    return {state_tensor("exp_avg", exp_avg_), state_tensor("exp_avg_sq", exp_avg_sq_)};
  }

 private:
  void queue(const Piece& piece, const StepInput& in) {
    const Range range = piece.range;
    HONE_CHECK(range.begin % kAdamWGranule == 0);
    const AdamCoefficients c = adam_coefficients(options_, group_rules_.front(), in);
    AdamWArgs args;
    args.elements = range.length();
    args.weights = static_cast<float*>(piece.weights);
    args.gradient = piece.gradient;
    args.exp_avg = exp_avg_.mutable_data_ptr<float>() + owned_.place(range.begin);
    args.exp_avg_sq = exp_avg_sq_.mutable_data_ptr<float>() + owned_.place(range.begin);
    args.one_minus_beta1 = c.one_minus_beta1, args.beta2 = c.beta2, args.one_minus_beta2 = c.one_minus_beta2;
    args.eps = c.eps, args.inverse_root_correction2 = c.inverse_root_correction2;
    for (std::size_t g = 0; g < group_rules_.size(); ++g) {
      const AdamCoefficients of_group = adam_coefficients(options_, group_rules_[g], in);
      args.groups[g] = {of_group.decay, of_group.step_size};
    }
    args.group_of = group_of_.const_data_ptr<std::uint8_t>() + range.begin / kAdamWGranule;
    adamw_cuda(args, device::stream_on(device_));
  }

  StateTensor state_tensor(const char* name, at::Tensor& values) const {
    StateTensor tensor({name, StateType::f32, 1, arena_size_}, values.mutable_data_ptr(), values.numel());
    tensor.on_device = !values.is_cpu();
    return tensor;
  }

  // Parameters that decay and move alike share a group; each granule is one parameter's.
  void assign_groups(const ArenaLayout& layout) {
    std::vector<std::uint8_t> group_of((layout.size + kAdamWGranule - 1) / kAdamWGranule, 0);
    for (const ParameterRule& rule : rules_) {
      const auto same = [&](const ParameterRule& other) {
        return other.weight_decay == rule.weight_decay && other.lr_scale == rule.lr_scale;
      };
      const auto found = std::find_if(group_rules_.begin(), group_rules_.end(), same);
      const auto group = static_cast<std::uint8_t>(found - group_rules_.begin());
      if (found == group_rules_.end()) group_rules_.push_back(rule);
      std::fill(group_of.begin() + rule.range.begin / kAdamWGranule,
                group_of.begin() + (rule.range.end + kAdamWGranule - 1) / kAdamWGranule, group);
    }
    HONE_CHECK(!group_rules_.empty() && group_rules_.size() <= kAdamWGroups);
    group_of_ =
        at::from_blob(group_of.data(), {static_cast<std::int64_t>(group_of.size())}, at::kByte).to(device_);
  }

  at::Device device_;
  OptimOptions options_;
  std::vector<ParameterRule> rules_, group_rules_;
  OwnedShards owned_;
  std::int64_t arena_size_;
  at::Tensor exp_avg_, exp_avg_sq_, group_of_;
};

// `inner` computes on the host.
class OnHost final : public Optimizer {
 public:
  OnHost(at::Device device, OptimizerPtr inner) : device_(device), inner_(std::move(inner)) {}

  void update(const StepInput& in) override {
    StepInput host = in;
    std::vector<at::Tensor> there, weights, gradients;
    for (Piece& piece : host.pieces) {
      const std::int64_t n = piece.range.length();
      there.push_back(device::bytes_at(piece.weights, n * size_of(in.type), device_));
      weights.push_back(there.back().cpu());
      gradients.push_back(
          device::bytes_at(const_cast<float*>(piece.gradient), n * std::int64_t{sizeof(float)}, device_)
              .cpu());
      piece.weights = weights.back().mutable_data_ptr();
      piece.gradient = static_cast<const float*>(gradients.back().const_data_ptr());
    }
    inner_->update(host);
    for (std::size_t i = 0; i < there.size(); ++i) there[i].copy_(weights[i]);
  }
  std::vector<StateTensor> state() override { return inner_->state(); }

 private:
  at::Device device_;
  OptimizerPtr inner_;
};

bool computes_on_cuda(at::Device device, const OptimOptions& options, StateType weights) {
  return device.is_cuda() && options.name == "adamw" && weights == StateType::f32;
}

}  // namespace

OptimizerPtr make_optimizer_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                               const OwnedShards& owned, StateType weights) {
  if (device.is_cpu()) return make_optimizer(options, layout, owned);
  if (computes_on_cuda(device, options, weights) && owned.size() > 0)
    return std::make_unique<AdamWOnCuda>(device, options, layout, owned);
  return std::make_unique<OnHost>(device, make_optimizer(options, layout, owned));
}

std::int64_t state_bytes_on(at::Device device, const OptimOptions& options, const ArenaLayout& layout,
                            std::int64_t owned, StateType weights) {
  const bool on_host = !device.is_cpu() && (options.paged || !computes_on_cuda(device, options, weights));
  return on_host ? 0 : state_bytes(options, layout, owned);
}

}  // namespace hone::optim
