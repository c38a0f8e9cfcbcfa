// How fast a checkpoint reaches the disk, beside the disk's own pace:
//   bench_checkpoint_write FOLDER [MiB] [rounds]
// Each round writes MiB of random bytes to one file of FOLDER and syncs it (the probe), then saves a
// checkpoint of as many bytes of state there, and the probe once more. One JSON line a round: bandwidths and
// the checkpoint's as a share of the probes' mean; then what a save beside the training costs its caller: the
// copy, against memcpy of the same bytes.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "checkpoint/async_saver.h"
#include "core/base/file_system.h"
#include "core/base/philox.h"
#include "dist/local_communicator.h"

namespace {

using namespace hone;

double seconds_of(const auto& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void write_raw(const std::string& path, std::span<const std::byte> bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  bool good = fd >= 0;
  for (std::size_t begin = 0; good && begin < bytes.size(); begin += kPiece) {
    const std::size_t size = std::min(kPiece, bytes.size() - begin);
    good = ::write(fd, bytes.data() + begin, size) == static_cast<ssize_t>(size);
  }
  good = good && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!good) {
    std::perror(path.c_str());
    std::exit(1);
  }
}

std::vector<float> random_values(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const auto word = philox({static_cast<std::uint32_t>(i), 0, 0, 0}, philox_key(7));
    for (std::size_t k = 0; k < 4; ++k) values[i + k] = unit_float(word[k]);
  }
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: bench_checkpoint_write FOLDER [MiB] [rounds]\n"), 2;
  const std::string folder = argv[1];
  const std::int64_t mebibytes = argc > 2 ? std::atoll(argv[2]) : 1024,
                     rounds = argc > 3 ? std::atoll(argv[3]) : 3;
  const std::int64_t elements =
      mebibytes * (std::int64_t{1} << 20) / 4 / 768 * 256;  // three tensors of 4 bytes
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  builder.add("weight", {elements}, true);
  const ArenaLayout layout = builder.finish();
  std::vector<std::vector<float>> tensors(3, random_values(layout.size));
  dist::LocalCommunicator alone;
  checkpoint::CheckpointStore store(folder + "/checkpoints", alone, {.keep = 1});
  checkpoint::AsyncSaver saver(store);
  std::vector<float> probe_values = random_values(3 * layout.size);
  const auto probe = [&] {
    return seconds_of([&] { write_raw(folder + "/probe", std::as_bytes(std::span(probe_values))); });
  };
  const double gigabytes = 12e-9 * static_cast<double>(layout.size);
  std::vector<std::vector<float>> copy = tensors;
  for (std::int64_t round = 1; round <= rounds; ++round) {
    checkpoint::CheckpointState state;
    state.layout = &layout;
    state.granule = 64;
    const char* names[] = {"master", "exp_avg", "exp_avg_sq"};
    for (std::size_t t = 0; t < 3; ++t) state.tensors.emplace_back(StateTensor{names[t], tensors[t]});
    state.step = 2 * round;
    double raw = probe();
    const double save = seconds_of([&] { store.save(state); });
    raw = (raw + probe()) / 2;
    state.step = 2 * round + 1;
    const double stall = seconds_of([&] { saver.save(state); });
    saver.wait();
    const double memory = seconds_of([&] {
      for (std::size_t t = 0; t < 3; ++t)
        std::memcpy(copy[t].data(), tensors[t].data(), tensors[t].size() * 4);
    });
    std::printf(
        "{\"bench\":\"checkpoint_write\",\"gb\":%.3f,\"save_gb_per_s\":%.3f,\"probe_gb_per_s\":%.3f,"
        "\"share_of_probe\":%.3f,\"async_stall_s\":%.4f,\"memcpy_s\":%.4f}\n",
        gigabytes, gigabytes / save, gigabytes / raw, raw / save, stall, memory);
    std::fflush(stdout);
  }
  remove_all(folder + "/checkpoints");
  std::remove((folder + "/probe").c_str());
  return 0;
}
