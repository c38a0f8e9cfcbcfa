#pragma once
// Where batches come from. data implements it over prepared shards, tests with a handful of vectors.
#include <cstdint>
#include <vector>

#include "core/ports/token_batch.h"

namespace hone {

// The loader's whole state: which epoch, and the next sample of that epoch's order over all ranks.
struct Cursor {
  std::int64_t epoch = 0;
  std::int64_t next_sample = 0;
  bool operator==(const Cursor&) const = default;
};

// This rank's share of one global batch: bins of at most micro_tokens tokens, the same number on every rank
// (a short rank's last ones are empty).
struct StepPlan {
  std::vector<TokenBatch> bins;
  std::int64_t samples = 0;  // in the global batch, over all ranks
  double epoch = 0;          // epochs done once this step is done
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual StepPlan next_step() = 0;   // never ends: goes on into the next epoch
  virtual Cursor cursor() const = 0;  // of the step that next_step() returns next
  virtual void seek(const Cursor& cursor) = 0;
  virtual std::int64_t sample_count() const = 0;  // samples in one epoch
};

}  // namespace hone
