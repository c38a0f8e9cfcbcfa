#include "dist/mpi_session.h"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include "dist/mpi_error.h"

namespace hone::dist {
namespace {

constexpr std::string_view kNcclFailed = "MP013";
constexpr int kOwnErrorsFirst = 4000;  // milliseconds: longer than ranks wait for each other's turn to tell

bool launcher_in_environment() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name)) return true;
  return false;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "?";
  return name.data();
}

int number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : 0;
}

// Before MPI tells.
int rank_in_environment() {
  return std::max(number_in_environment("OMPI_COMM_WORLD_RANK"), number_in_environment("PMIX_RANK"));
}

// A thread that ends the process where the scope it watches takes longer than the limit. One line is enough:
// the launcher ends the others a second after the first has gone.
class Watch {
 public:
  Watch(const char* call, int rank, std::chrono::milliseconds limit)
      : thread_([call, rank, limit](const std::stop_token& over) {
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any changed;
          if (changed.wait_for(lock, over, limit, [&] { return over.stop_requested(); })) return;
          std::this_thread::sleep_for(std::chrono::milliseconds(std::min(1500 * rank, 60000)));
          const Error error(Exit::peer, "MP020", "a peer did not come", here(rank),
                            std::string(call) + ", waited " + std::to_string(limit.count() / 1000) + " s",
                            "another rank hung, or is much slower; dist.timeout_s sets the limit");
          std::fprintf(stderr, "%s\n", error.what());
          std::_Exit(static_cast<int>(Exit::peer));
        }) {}

 private:
  static std::string here(int rank) { return "rank " + std::to_string(rank) + " on " + host_name(); }
  std::jthread thread_;
};

// A thread of its own ends the process should MPI_Abort hang in a broken network.
void end_soon(int code) {
  std::thread([code] {
    std::this_thread::sleep_for(std::chrono::seconds(5));
    std::_Exit(code);
  }).detach();
}

}  // namespace

MpiSession::MpiSession(std::chrono::milliseconds deadline)
    : launched_(launcher_in_environment()), deadline_(deadline), exceptions_(std::uncaught_exceptions()) {
  if (!launched_) {
    hosts_ = {host_name()};
    return;
  }
  const Watch watch("MPI_Init_thread", rank_in_environment(), deadline_);
  int granted = MPI_THREAD_SINGLE;
  mpi_check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &granted), "MPI_Init_thread");
  mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (granted < MPI_THREAD_MULTIPLE)
    throw Error(Exit::usage, "MP009", "this MPI library is not thread-safe", "MPI_Init_thread",
                "granted level " + std::to_string(granted), "use a build with MPI_THREAD_MULTIPLE");
  find_neighbours();
}

void MpiSession::find_neighbours() {
  int size = 1;
  mpi_check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");

  MPI_Comm node = MPI_COMM_NULL;
  mpi_check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  mpi_check(MPI_Comm_rank(node, &local_rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(node, &local_size_), "MPI_Comm_size");
  mpi_check(MPI_Comm_free(&node), "MPI_Comm_free");

  constexpr int kWidth = 256;
  std::string own = host_name();
  own.resize(kWidth);
  std::vector<char> all(static_cast<std::size_t>(size) * kWidth);
  mpi_check(MPI_Allgather(own.data(), kWidth, MPI_CHAR, all.data(), kWidth, MPI_CHAR, MPI_COMM_WORLD),
            "MPI_Allgather");
  for (int r = 0; r < size; ++r) hosts_.emplace_back(all.data() + static_cast<std::size_t>(r) * kWidth);
}

MpiSession::~MpiSession() {
  if (!launched_ || std::uncaught_exceptions() != exceptions_) return;
  const Watch watch("MPI_Finalize", rank_, 3 * deadline_);
  MPI_Finalize();
}

void MpiSession::abort(Exit code) {
  std::fflush(nullptr);
  if (launched_) {
    end_soon(static_cast<int>(code));
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  }
  std::_Exit(static_cast<int>(code));
}

void MpiSession::fail(const Error& error) {
  const int after_others = error.code() == kNcclFailed ? kOwnErrorsFirst : 0;
  const int in_turn = rank_ > 0 ? std::min(300 + 100 * rank_, 3000) : 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(after_others + in_turn));
  std::fprintf(stderr, "%s\n", error.what());
  abort(error.exit());
}

void require_whole_world(const MpiSession& session) {
  const bool by_mpirun =
      std::getenv("OMPI_COMM_WORLD_SIZE");  // which may start one rank where Slurm would start more
  if (session.world_size() > 1 || by_mpirun || !std::getenv("SLURM_PROCID")) return;
  const char* step = std::getenv("SLURM_STEP_NUM_TASKS");
  const int tasks = number_in_environment(step ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS");
  if (tasks <= 1) return;
  if (number_in_environment("SLURM_PROCID") > 0) std::_Exit(static_cast<int>(Exit::usage));  // task 0 says it
  throw Error(Exit::usage, "MP001", "ranks do not see each other", "Slurm",
              std::to_string(tasks) + " tasks, but each sees a world of 1", "use srun --mpi=pmix or mpirun");
}

}  // namespace hone::dist
