#pragma once
// A Config as text: printed, compared, digested. `section.key` names everywhere.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "launcher/options/field.h"
#include "launcher/run_options.h"

namespace hone::launcher {

using FlatConfig = std::map<std::string, std::string>;

std::vector<Field> fields_of(Config& config);  // in the order of declaration; point into `config`

// A .cfg that reads back to exactly this config.
std::string print_config(const Config& config);

FlatConfig flatten(const Config& config);
std::uint64_t config_digest(const Config& config);  // of every key; equal on all ranks of a run

std::set<std::string> keys_that_may_change_on_resume();

}  // namespace hone::launcher
