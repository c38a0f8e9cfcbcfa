#pragma once
// AdamW whose moments are kept in 8 bits, as bitsandbytes' AdamW8bit: in blocks of 256 elements of a
// parameter, the first moment in the signed, the second in the unsigned dynamic map
// (core/base/dynamic_map.h), with an fp32 scale each. Parameters of fewer than 4096 elements keep fp32
// moments. The step itself is AdamW's (adamw.h).
#include "core/optim/optimizer.h"

namespace hone::optim {

OptimizerKind adamw_8bit();

}  // namespace hone::optim
