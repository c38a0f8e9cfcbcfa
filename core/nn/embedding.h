#pragma once
// Rows of a table by token id. table [V, H]; out [T, H].
#include "core/nn/pass.h"
#include "core/nn/weight.h"

namespace hone::nn {

Value embedding(const Pass& pass, const WeightPtr& table);

}  // namespace hone::nn
