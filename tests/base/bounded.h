#pragma once
// A call in a child process that may take 256 MiB of memory more than its parent has, and ten seconds: bombs
// must be refused without being unpacked, and nothing may wait for a writer that never comes.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "core/base/error.h"

namespace hone {

// Private writable memory in bytes, which RLIMIT_DATA counts; files that are mapped for reading are not in
// it.
inline rlim_t data_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmData:") {
      rlim_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes << 10;
    }
  return 0;
}

inline void limit_child(rlim_t mebibytes) {
#ifdef __SANITIZE_ADDRESS__  // several times slower, and it takes terabytes of address space for itself
  ::alarm(60);
#else
  ::alarm(10);
  const rlim_t most = data_memory() + (mebibytes << 20);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_DATA, &limit);
#endif
}

inline std::string outcome_of(const std::function<void()>& call) {
  try {
    call();
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& other) {
    return std::string("no Error: ") + other.what();
  }
}

// The error line, "accepted", or how the child ended ("no Error: std::bad_alloc", "signal 11").
inline std::string bounded(const std::function<void()>& call, rlim_t mebibytes = 256) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    limit_child(mebibytes);
    const std::string outcome = outcome_of(call).substr(0, 4000);
    ::_exit(::write(ends[1], outcome.data(), outcome.size()) < 0);
  }
  ::close(ends[1]);
  std::string outcome(4000, '\0');
  const ssize_t size = ::read(ends[0], outcome.data(), outcome.size());
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  outcome.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return outcome;
}

}  // namespace hone
