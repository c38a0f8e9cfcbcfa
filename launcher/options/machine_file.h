#pragma once
// A machine's description (configs/machines/), in the form of config files.
#include <string>

#include "core/train/machine_options.h"

namespace hone::launcher {

// Keys of [machine] alone; errors are those of config files.
MachineOptions read_machine(const std::string& path);

}  // namespace hone::launcher
