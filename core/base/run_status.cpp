#include "core/base/run_status.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/json.h"

namespace hone {
namespace {

std::string status_path(const std::string& run_dir) { return run_dir + "/status.json"; }

}  // namespace

void write_status(const std::string& run_dir, const RunStatus& status) {
  OrderedJson json = {{"state", status.state}, {"step", status.step}, {"message", status.message}};
  if (status.best_step > 0) json["best_step"] = status.best_step;
  if (status.exit_code) json["exit_code"] = *status.exit_code;
  json["time"] = local_timestamp();
  write_file_atomic(status_path(run_dir),
                    json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

RunStatus read_status(const std::string& run_dir) {
  const std::string path = status_path(run_dir);
  const Json json = parse_json_file(path, "RS001");
  try {
    RunStatus status{json.at("state"), json.at("step"), json.at("message"), std::nullopt,
                     json.value("best_step", 0)};
    if (json.contains("exit_code")) status.exit_code = json.at("exit_code").get<int>();
    return status;
  } catch (const Json::exception& problem) {
    throw Error(Exit::input, "RS001", "not a status file", path, problem.what());
  }
}

}  // namespace hone
