#pragma once
// The residual addition that ends a block.
#include "core/nn/pass.h"

namespace hone::nn {

Value add(const Pass& pass, const Value& a, const Value& b);

}  // namespace hone::nn
