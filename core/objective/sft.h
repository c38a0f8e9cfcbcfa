#pragma once
// Supervised fine-tuning: next-token cross-entropy over supervised tokens, divided by their number over the
// whole global batch (finetuning practice: sums over tokens, one division). Only supervised rows meet the
// head. Label smoothing and z-loss (core/nn/linear_cross_entropy.h) shape what is trained on; score() is the
// plain log-likelihood.
#include "core/objective/objective.h"

namespace hone::objective {

ObjectivePtr make_sft(const nn::LossTerms& terms);

}  // namespace hone::objective
