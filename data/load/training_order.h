#pragma once
// Which sample of a set a training run reads at which place of which epoch: those with a target, in the order
// of a keyed bijection of (seed, epoch). With weights every corpus has an order of its own, which it goes
// through again and again, and corpora take turns (mixture.h) over the whole run. A pure function: nothing is
// stored but what is left out.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/load/eligible_rows.h"
#include "data/load/mixture.h"
#include "data/load/sample_order.h"

namespace hone::data {

struct MixRules {
  std::vector<std::int64_t> weights = {};  // of corpora, in whole numbers; empty: all samples are one corpus
  std::vector<std::int64_t> begins = {};   // with weights: the first sample of each corpus, and the end
  bool all_exhausted = false;  // an epoch ends once every corpus has been gone through; false: once one has
};

class TrainingOrder {
 public:
  // DS014 (exit 3) where there is nothing to draw.
  TrainingOrder(const SampleSet& set, bool shuffle, std::uint64_t seed, const MixRules& rules = {});
  std::int64_t size() const { return size_; }                         // of an epoch
  std::int64_t sample(std::int64_t epoch, std::int64_t place) const;  // in the set
  std::int64_t dropped() const;        // samples without a target, of what is drawn from
  std::int64_t first_dropped() const;  // in the set; -1: none
  bool mixes() const { return mixture_.has_value(); }

  struct Corpus {
    std::int64_t weight = 1;
    EligibleRows rows;
    SampleOrder order;
    std::int64_t drawn = 0;  // in the first epoch
  };
  const std::vector<Corpus>& corpora() const { return corpora_; }  // one without weights

 private:
  void mix(const MixRules& rules);

  std::vector<Corpus> corpora_;
  std::optional<Mixture> mixture_;
  std::int64_t size_ = 0;
};

}  // namespace hone::data
