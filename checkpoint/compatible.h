#pragma once
// May a run go on from a checkpoint? Refusals name the setting, the old and the new value.
#include <set>
#include <string>

#include "checkpoint/manifest.h"

namespace hone::checkpoint {

// Settings outside `may_change` ("section.key", those whose FieldInfo says may_change_on_resume) must be
// equal. Throws Error(Exit::usage, "CK010").
void require_same_config(const FlatMap& saved, const FlatMap& effective,
                         const std::set<std::string>& may_change, const std::string& checkpoint);

// The same base model, data and tokenizer. Throws Error(Exit::checkpoint, "CK011").
void require_same_inputs(const FlatMap& saved, const FlatMap& current, const std::string& checkpoint);

// The same trainable parameters at the same places. Throws Error(Exit::checkpoint, "CK009").
void require_same_layout(const ArenaLayout& saved, const ArenaLayout& current, const std::string& checkpoint);

}  // namespace hone::checkpoint
