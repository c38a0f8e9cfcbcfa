#include "data/load/folds.h"

#include <algorithm>

#include "core/base/error.h"
#include "data/load/sample_order.h"

namespace hone::data {

FoldRows fold_rows(std::int64_t rows, const Fold& fold, std::uint64_t seed) {
  HONE_CHECK(fold.count > 1 && fold.number >= 0 && fold.number < fold.count);
  if (rows < fold.count)
    throw Error(Exit::usage, "DS020", "more folds than rows", "train.folds",
                std::to_string(fold.count) + " folds of " + std::to_string(rows) + " rows");
  constexpr std::int64_t kSplitEpoch = 0xFFFFFFFF;  // an order that no epoch of training has
  const SampleOrder order(rows, seed, /*shuffle=*/true);
  FoldRows cut;
  for (std::int64_t place = 0; place < rows; ++place)
    (place % fold.count == fold.number ? cut.held_out : cut.train).push_back(order.index(kSplitEpoch, place));
  std::sort(cut.train.begin(), cut.train.end());
  std::sort(cut.held_out.begin(), cut.held_out.end());
  return cut;
}

}  // namespace hone::data
