#pragma once
// Supervised fine-tuning: next-token cross-entropy over supervised tokens, divided by their number over the whole
// global batch (finetuning practice: sums over tokens, one division). Only supervised rows meet the head.
#include "core/objective/objective.h"

namespace hone::objective {

ObjectivePtr make_sft();

}  // namespace hone::objective
