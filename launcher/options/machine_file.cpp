#include "launcher/options/machine_file.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/string_distance.h"
#include "launcher/options/config_file.h"
#include "launcher/options/field.h"

namespace hone::launcher {

MachineOptions read_machine(const std::string& path) {
  MachineOptions machine;
  std::vector<Field> fields;
  append_fields(machine, fields);
  std::vector<std::string> known;
  for (const Field& field : fields) known.push_back(field.key());
  for (const ConfigLine& line : read_config_file(path)) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.key() == line.key; });
    if (field == fields.end()) {
      const std::string near = nearest_name(line.key, known);
      throw Error(Exit::usage, "CF003", "unknown key", line.where, line.key,
                  near.empty() ? "a machine's file has [machine] alone" : "did you mean " + near + "?");
    }
    set_field(*field, line.value, {true, line.where});
  }
  return machine;
}

}  // namespace hone::launcher
