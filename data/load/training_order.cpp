#include "data/load/training_order.h"

#include <algorithm>

#include "core/base/error.h"

namespace hone::data {
namespace {

constexpr std::uint64_t kSeedStep = 0x9E3779B97F4A7C15;  // corpora of one size are not to be shuffled alike

[[noreturn]] void nothing_to_draw(const std::string& rows) {
  throw Error(Exit::input, "DS014", "nothing to train on", "data.train",
              "none of the " + rows + " has a supervised token", "see data.max_length and data.train_on");
}

}  // namespace

TrainingOrder::TrainingOrder(const SampleSet& set, bool shuffle, std::uint64_t seed, const MixRules& rules) {
  const auto add = [&](std::int64_t begin, std::int64_t end) {
    EligibleRows rows(set, begin, end);
    const SampleOrder order(rows.count(), seed + corpora_.size() * kSeedStep, shuffle);
    corpora_.push_back({.weight = 1, .rows = std::move(rows), .order = order});
  };
  if (rules.weights.empty()) {
    add(0, set.size());
    size_ = corpora_[0].drawn = corpora_[0].rows.count();
    if (size_ == 0) nothing_to_draw(std::to_string(set.size()) + " rows");
    return;
  }
  HONE_CHECK(rules.begins.size() == rules.weights.size() + 1);
  for (std::size_t i = 0; i < rules.weights.size(); ++i) add(rules.begins[i], rules.begins[i + 1]);
  mix(rules);
}

void TrainingOrder::mix(const MixRules& rules) {
  mixture_.emplace(rules.weights);
  for (std::size_t i = 0; i < corpora_.size(); ++i) {
    Corpus& corpus = corpora_[i];
    corpus.weight = rules.weights[i];
    if (corpus.weight == 0) continue;
    const std::int64_t count = corpus.rows.count();
    if (count == 0)
      nothing_to_draw(std::to_string(rules.begins[i + 1] - rules.begins[i]) + " rows of input " +
                      std::to_string(i + 1));
    const std::int64_t draws = mixture_->draws_until(static_cast<std::int64_t>(i), count);
    size_ = size_ == 0 ? draws : rules.all_exhausted ? std::max(size_, draws) : std::min(size_, draws);
  }
  const std::int64_t cycle = mixture_->cycle(), rest = size_ % cycle;
  for (Corpus& corpus : corpora_) corpus.drawn = size_ / cycle * corpus.weight;
  for (std::int64_t draw = 0; draw < rest; ++draw)
    ++corpora_[static_cast<std::size_t>(mixture_->at(draw).corpus)].drawn;
}

std::int64_t TrainingOrder::dropped() const {
  std::int64_t dropped = 0;
  for (const Corpus& corpus : corpora_)
    if (corpus.weight > 0) dropped += std::ssize(corpus.rows.dropped());
  return dropped;
}

std::int64_t TrainingOrder::first_dropped() const {
  for (const Corpus& corpus : corpora_)
    if (corpus.weight > 0 && !corpus.rows.dropped().empty()) return corpus.rows.dropped().front();
  return -1;
}

std::int64_t TrainingOrder::sample(std::int64_t epoch, std::int64_t place) const {
  if (!mixture_) return corpora_[0].rows.at(corpora_[0].order.index(epoch, place));
  const Mixture::Turn turn = mixture_->at(epoch * size_ + place);
  const Corpus& corpus = corpora_[static_cast<std::size_t>(turn.corpus)];
  const std::int64_t count = corpus.rows.count();
  return corpus.rows.at(corpus.order.index(turn.nth / count, turn.nth % count));
}

}  // namespace hone::data
