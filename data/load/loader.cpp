#include "data/load/loader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"

namespace hone::data {
namespace {

void require_fit(const SampleSet& set, std::int64_t index, std::int64_t micro_tokens) {
  if (set.length(index) <= micro_tokens) return;
  throw Error(
      Exit::usage, "DS013", "row larger than train.micro_tokens", set.where(index),
      std::to_string(set.length(index)) + " tokens, train.micro_tokens is " + std::to_string(micro_tokens),
      "raise train.micro_tokens or lower data.max_length");
}

void reserve(TokenBatch& batch, std::size_t tokens, std::size_t sequences) {
  batch.tokens.reserve(tokens);
  batch.supervised.reserve(tokens);
  batch.positions.reserve(tokens);
  batch.cu_seqlens.reserve(sequences + 1);
}

void append(TokenBatch& batch, const SampleSet& set, std::int64_t member) {
  set.append(member, batch.tokens, batch.supervised);
  const std::size_t begin = batch.positions.size();
  batch.positions.resize(batch.tokens.size());
  std::iota(batch.positions.begin() + static_cast<std::ptrdiff_t>(begin), batch.positions.end(), 0);
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
}

}  // namespace

TokenBatch make_batch(const SampleSet& set, const std::vector<std::int64_t>& members,
                      std::vector<std::int64_t> samples, std::int64_t epoch) {
  TokenBatch batch;
  std::int64_t tokens = 0;
  for (const std::int64_t member : members) {
    set.fetch(member);
    tokens += set.length(member);
  }
  reserve(batch, static_cast<std::size_t>(tokens), members.size());
  for (const std::int64_t member : members) append(batch, set, member);
  batch.slot.assign(members.size(), 0);
  batch.prefix.assign(members.size(), -1);
  batch.sample = std::move(samples);
  batch.epoch = epoch;
  return batch;
}

Loader::Loader(std::shared_ptr<const SampleSet> set, const LoaderRules& rules)
    : set_(std::move(set)), rules_(rules), order_(*set_, rules.shuffle, rules.seed, rules.mix) {
  HONE_CHECK(rules.batch_size > 0 && rules.rank >= 0 && rules.rank < rules.world_size);
  if (set_->longest() <= rules_.micro_tokens) return;
  for (const TrainingOrder::Corpus& corpus : order_.corpora())
    for (std::int64_t i = 0; corpus.weight > 0 && i < corpus.rows.count(); ++i)
      require_fit(*set_, corpus.rows.at(i), rules_.micro_tokens);
}

std::int64_t Loader::tokens_per_epoch() const {
  std::int64_t tokens = 0;
  if (order_.mixes()) {
    for (std::int64_t place = 0; place < order_.size(); ++place)
      tokens += set_->length(order_.sample(0, place));
    return tokens;
  }
  for (const std::int64_t dropped : order_.corpora()[0].rows.dropped()) tokens -= set_->length(dropped);
  return tokens + set_->tokens();
}

std::int64_t Loader::batch_end(const Cursor& begin) const {
  const std::int64_t left = order_.size() - begin.next_sample;
  if (rules_.batch_tokens == 0) return begin.next_sample + std::min(rules_.batch_size, left);
  std::int64_t end = begin.next_sample, tokens = 0;
  do {
    tokens += set_->length(order_.sample(begin.epoch, end++));
  } while (end < order_.size() &&
           tokens + set_->length(order_.sample(begin.epoch, end)) <= rules_.batch_tokens);
  return end;
}

std::int64_t Loader::steps_of_epoch(std::int64_t epoch) const {
  if (rules_.batch_tokens == 0) return (order_.size() + rules_.batch_size - 1) / rules_.batch_size;
  std::int64_t steps = 0;
  for (Cursor at{epoch, 0}; at.next_sample < order_.size(); ++steps) at.next_sample = batch_end(at);
  return steps;
}

std::int64_t Loader::steps_in(double epochs) const {
  constexpr double kRounding = 1e-9;
  const auto whole = static_cast<std::int64_t>(epochs + kRounding);
  std::int64_t steps = 0;
  for (std::int64_t epoch = 0; epoch < whole; ++epoch) steps += steps_of_epoch(epoch);
  const double part = (epochs - static_cast<double>(whole)) * static_cast<double>(steps_of_epoch(whole));
  return steps + std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(part - kRounding)));
}

void Loader::seek(const Cursor& cursor) {
  if (cursor.epoch < 0 || cursor.next_sample < 0 || cursor.next_sample >= order_.size())
    throw Error(Exit::checkpoint, "DS016", "cursor outside the data",
                "epoch " + std::to_string(cursor.epoch) + ", sample " + std::to_string(cursor.next_sample),
                "an epoch has " + std::to_string(order_.size()) + " samples",
                "was the training data changed?");
  cursor_ = cursor;
}

StepPlan Loader::next_step() {
  const std::int64_t begin = cursor_.next_sample, end = batch_end(cursor_);
  std::vector<std::int64_t> rows, lengths;
  for (std::int64_t place = begin; place < end; ++place) {
    rows.push_back(order_.sample(cursor_.epoch, place));
    set_->fetch_length(rows.back());
  }
  for (const std::int64_t row : rows) lengths.push_back(set_->length(row));
  StepPlan plan;
  const auto bins = plan_bins(lengths, {rules_.micro_tokens, rules_.packing, rules_.world_size, rules_.tree});
  for (const Bin& bin : bins[rules_.rank]) {
    std::vector<std::int64_t> members, samples;
    for (const std::int64_t place : bin) {
      members.push_back(rows[place]);
      samples.push_back(begin + place);
    }
    plan.bins.push_back(make_batch(*set_, members, std::move(samples), cursor_.epoch));
  }
  plan.samples = end - begin;
  plan.epoch =
      static_cast<double>(cursor_.epoch) + static_cast<double>(end) / static_cast<double>(order_.size());
  cursor_ = end == order_.size() ? Cursor{cursor_.epoch + 1, 0} : Cursor{cursor_.epoch, end};
  return plan;
}

EvalPass::EvalPass(std::shared_ptr<const SampleSet> set, std::int64_t micro_tokens, int rank, int world_size)
    : set_(std::move(set)) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t row = 0; row < set_->size(); ++row) {
    require_fit(*set_, row, micro_tokens);
    lengths.push_back(set_->length(row));
  }
  bins_ = std::move(plan_bins(lengths, {micro_tokens, false, world_size})[rank]);
  for (Bin& bin : bins_) std::erase_if(bin, [&](std::int64_t row) { return lengths[row] == 0; });
}

TokenBatch EvalPass::bin(std::int64_t number) const {
  return make_batch(*set_, bins_[number], bins_[number], 0);
}

}  // namespace hone::data
