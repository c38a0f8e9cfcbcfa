#include "dist/gpu_share.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "dist/launch_check.h"

namespace hone::dist {
namespace {

constexpr const char* kVisible = "CUDA_VISIBLE_DEVICES";
constexpr const char* kDriversList = "/proc/driver/nvidia/gpus";

}  // namespace

std::vector<std::string> visible_gpus() {
  std::vector<std::string> gpus;
  if (const char* set = std::getenv(kVisible)) {
    std::istringstream list(set);
    for (std::string gpu; std::getline(list, gpu, ',');) gpus.push_back(gpu);
    return gpus;
  }
  std::error_code none;
  for ([[maybe_unused]] const auto& gpu : std::filesystem::directory_iterator(kDriversList, none))
    gpus.push_back(std::to_string(gpus.size()));
  return gpus;
}

std::string gpu_of(const std::vector<std::string>& gpus, int local_rank) {
  return gpus.at(static_cast<std::size_t>(local_rank) % gpus.size());
}

void take_own_gpu(const MpiSession& session) {
  const std::vector<std::string> gpus = visible_gpus();
  if (session.local_size() > 1 && !gpus.empty())
    setenv(kVisible, gpu_of(gpus, session.local_rank()).c_str(), 1);
}

bool gpus_are_shared() { return std::getenv("NCCL_HOSTID") != nullptr; }

void require_own_gpu(Communicator& ranks, const std::string& place, const std::string& gpu, bool share) {
  const std::vector<std::string> places = gather_strings(ranks, place), gpus = gather_strings(ranks, gpu);
  if (share) return;
  std::string sharing;
  for (std::size_t r = 0; r < gpus.size(); ++r)
    if (std::count(gpus.begin(), gpus.end(), gpus[r]) > 1)
      sharing += (sharing.empty() ? "" : ", ") + places[r];
  if (sharing.empty()) return;
  const std::size_t different = std::set<std::string>(gpus.begin(), gpus.end()).size();
  throw Error(Exit::usage, "MP014", "ranks share a GPU", sharing,
              std::to_string(gpus.size()) + " ranks see " + std::to_string(different) + " GPUs",
              "start as many ranks on a node as it has GPUs");
}

}  // namespace hone::dist
