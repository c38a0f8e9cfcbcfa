#pragma once
// Batches of a training run: the next batch_size samples of the order (or as many as fit into batch_tokens),
// cut into bins, this rank's share of them. The whole state is the cursor (epoch, next sample); the order
// does not depend on the number of ranks.
#include <memory>

#include "core/ports/batch_source.h"
#include "data/load/bins.h"
#include "data/load/sample_set.h"
#include "data/load/training_order.h"

namespace hone::data {

struct LoaderRules {
  std::int64_t batch_size = 16;
  std::int64_t batch_tokens = 0;  // overrides batch_size where above 0; a batch has at least one sample
  std::int64_t micro_tokens = 2048;
  bool packing = true;
  bool shuffle = true;
  std::uint64_t seed = 42;
  int rank = 0;
  int world_size = 1;
  bool tree = false;  // see BinRules
  MixRules mix = {};
};

// One batch from rows `members` of the set; `samples` are their places in the global order.
TokenBatch make_batch(const SampleSet& set, const std::vector<std::int64_t>& members,
                      std::vector<std::int64_t> samples, std::int64_t epoch);

class Loader : public BatchSource {
 public:
  // Rows without a target are left out (DS014, exit 3, where none is left). A row over micro_tokens is
  // refused (DS013, exit 2). Reads rows only where the set must, to know these two.
  Loader(std::shared_ptr<const SampleSet> set, const LoaderRules& rules);
  StepPlan next_step() override;
  Cursor cursor() const override { return cursor_; }
  void seek(const Cursor& cursor) override;  // DS016 (exit 4) where it lies outside an epoch
  std::int64_t sample_count() const override { return order_.size(); }
  std::int64_t steps_in(
      double epochs) const;               // a part of an epoch counts as that part of its steps, rounded up
  std::int64_t tokens_per_epoch() const;  // of the first; looks at every sample only where corpora are mixed
  const TrainingOrder& order() const { return order_; }

 private:
  std::int64_t batch_end(
      const Cursor& begin) const;  // place after the last sample of the batch that begins there
  std::int64_t steps_of_epoch(std::int64_t epoch) const;

  std::shared_ptr<const SampleSet> set_;
  LoaderRules rules_;
  TrainingOrder order_;
  Cursor cursor_;
};

// One pass over a whole set in file order, rows without a target included (but those without a token), for
// evaluation. Every rank has the same number of bins; `sample` of a batch is the row's index in the set.
class EvalPass {
 public:
  EvalPass(std::shared_ptr<const SampleSet> set, std::int64_t micro_tokens, int rank, int world_size);
  std::int64_t bin_count() const { return static_cast<std::int64_t>(bins_.size()); }
  TokenBatch bin(std::int64_t number) const;
  const SampleSet& set() const { return *set_; }

 private:
  std::shared_ptr<const SampleSet> set_;
  std::vector<Bin> bins_;
};

}  // namespace hone::data
