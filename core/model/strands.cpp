#include "core/model/strands.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/phase.h"

namespace hone::model {
namespace {

constexpr std::int64_t kLeastTokens = 256;  // of a strand
constexpr double kUneven = 1.15;            // the longest strand may be so much longer than the mean

std::vector<StrandCut> uncut(std::span<const std::int64_t> cu_seqlens) {
  return {{{0, std::ssize(cu_seqlens) - 1}, {0, cu_seqlens.back()}}};
}

}  // namespace

std::int64_t most_strands(std::int64_t tokens, std::int64_t threads) {
  return tokens < threads * kLeastTokens ? 1 : threads;
}

std::vector<StrandCut> cut_strands(std::span<const std::int64_t> cu_seqlens, std::int64_t threads) {
  const std::int64_t tokens = cu_seqlens.back();
  if (most_strands(tokens, threads) == 1) return uncut(cu_seqlens);
  const double mean = static_cast<double>(tokens) / static_cast<double>(threads);
  std::vector<StrandCut> cuts;
  std::int64_t first = 0;
  for (std::int64_t i = 1; i <= threads; ++i) {
    const auto nearer = [aim = tokens * i / threads](std::int64_t a, std::int64_t b) {
      return std::abs(a - aim) < std::abs(b - aim);
    };
    const std::int64_t last =
        std::min_element(cu_seqlens.begin() + first, cu_seqlens.end(), nearer) - cu_seqlens.begin();
    const StrandCut cut{{first, last}, {cu_seqlens[first], cu_seqlens[last]}};
    if (cut.tokens.empty() || static_cast<double>(cut.tokens.length()) > kUneven * mean)
      return uncut(cu_seqlens);
    cuts.push_back(cut);
    first = last;
  }
  return cuts;
}

nn::BatchTensors part_of(const nn::BatchTensors& batch, const StrandCut& cut) {
  const auto [begin, end] = cut.sequences;
  nn::BatchTensors part;
  part.tokens = batch.tokens.narrow(0, cut.tokens.begin, cut.tokens.length());
  part.positions = batch.positions.narrow(0, cut.tokens.begin, cut.tokens.length());
  for (std::int64_t s = begin; s <= end; ++s)
    part.cu_seqlens.push_back(batch.cu_seqlens[s] - cut.tokens.begin);
  part.sample = {batch.sample.begin() + begin, batch.sample.begin() + end};
  part.slot = {batch.slot.begin() + begin, batch.slot.begin() + end};
  part.epoch = batch.epoch;
  return part;
}

nn::RotaryTable part_of(const nn::RotaryTable& rotary, const StrandCut& cut) {
  if (!rotary.cos.defined()) return {};
  return {rotary.cos.narrow(0, cut.tokens.begin, cut.tokens.length()),
          rotary.sin.narrow(0, cut.tokens.begin, cut.tokens.length())};
}

void for_strands(std::size_t strands, const std::function<void(std::size_t)>& body) {
  if (strands == 1) return body(0);
  const at::ThreadLocalState state;  // inference mode, and who watches
  const char* const doing = current_phase();
  at::parallel_for(0, static_cast<std::int64_t>(strands), 1, [&](std::int64_t begin, std::int64_t end) {
    const at::ThreadLocalStateGuard guard(state);
    const PhaseScope scope(doing);
    for (std::int64_t strand = begin; strand < end; ++strand) body(static_cast<std::size_t>(strand));
  });
}

at::Tensor StrandGradients::Own::gradient(std::size_t parameter) {
  at::Tensor& held = current[parameter];
  if (!held.defined()) held = at::zeros(layout.parameters[parameter].shape, at::kFloat);
  return held;
}

void StrandGradients::Own::block_final(std::size_t /*block*/) { HONE_CHECK(false); }

at::Tensor StrandGradients::First::gradient(std::size_t parameter) {
  const std::lock_guard lock(all.mutex_);
  return all.sink_.gradient(parameter);
}

void StrandGradients::First::block_final(std::size_t /*block*/) { HONE_CHECK(false); }

StrandGradients::StrandGradients(const ArenaLayout& layout, GradientSink& sink, std::size_t strands,
                                 std::size_t segments, std::function<void(std::size_t)> announce)
    : sink_(sink),
      announce_(std::move(announce)),
      own_(strands - 1, Own(layout, segments)),
      reached_(strands, segments),
      next_(segments - 1) {}

GradientSink& StrandGradients::of(std::size_t strand) {
  const std::lock_guard lock(mutex_);
  ++begun_;
  if (strand == 0) return first_;
  return own_[strand - 1];
}

void StrandGradients::left(std::size_t strand, std::size_t segment) {
  std::unique_lock lock(mutex_);
  if (strand > 0) own_[strand - 1].done[segment] = std::exchange(own_[strand - 1].current, {});
  reached_[strand] = segment;
  settle();
  changed_.notify_all();
  // The first holds nothing up. Who has not begun may be waiting for this very thread.
  const auto may_go_on = [&] {
    return failure_ || strand == 0 || begun_ < reached_.size() || next_ + 1 < segment + kStrandBlocks;
  };
  changed_.wait(lock, may_go_on);
  if (failure_) std::rethrow_exception(failure_);
}

void StrandGradients::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  changed_.notify_all();
}

void StrandGradients::finish() {
  if (failure_) std::rethrow_exception(failure_);
  HONE_CHECK(next_ == 0);
}

void StrandGradients::settle() {
  const auto all_left = [&] {
    return std::all_of(reached_.begin(), reached_.end(),
                       [&](std::size_t reached) { return reached <= next_; });
  };
  for (; next_ > 0 && all_left(); --next_) {
    for (Own& own : own_)
      for (const auto& [parameter, gradient] : std::exchange(own.done[next_], {}))
        sink_.gradient(parameter).add_(gradient);
    announce_(next_);
  }
}

}  // namespace hone::model
