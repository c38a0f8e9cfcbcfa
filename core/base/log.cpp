#include "core/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "core/base/console.h"
#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

class ConsoleSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ConsoleSink(Console& console, bool colours) : console_(console), colours_(colours) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line;
    if (message.level == spdlog::level::warn) line = marked("warning: ", "\033[33m");
    if (message.level == spdlog::level::err) line = marked("problem: ", "\033[31m");
    line.append(message.payload.data(), message.payload.size());
    console_.line(line);
  }
  void flush_() override {}
  std::string marked(const char* word, const char* colour) const {
    return colours_ ? std::string(colour) + word + "\033[0m" : word;
  }

  Console& console_;
  const bool colours_;
};

bool wants_colours(bool terminal) {
  const char* refused = std::getenv("NO_COLOR");
  return terminal && (refused == nullptr || *refused == '\0');
}

}  // namespace

struct Log::Impl {
  explicit Impl(const Settings& settings)
      : rank(settings.rank),
        console(settings.console_fd, settings.terminal.value_or(::isatty(settings.console_fd) == 1)),
        logger("hone") {
    logger.set_level(spdlog::level::debug);
    if (rank != 0) return;
    auto sink = std::make_shared<ConsoleSink>(console, wants_colours(console.terminal()));
    sink->set_level(to_spdlog(settings.console_level));
    logger.sinks().push_back(std::move(sink));
  }

  const int rank;
  Console console;
  std::mutex mutex;  // guards the list of sinks against open_file
  spdlog::logger logger;
  std::shared_ptr<spdlog::sinks::basic_file_sink_mt> file;
};

Log::Log(const Settings& settings) : impl_(std::make_unique<Impl>(settings)) {}

Log::~Log() { impl_->console.clear_status(); }

void Log::open_file(const std::string& run_dir) {
  const std::string folder = run_dir + "/logs";
  make_directories(folder);
  const std::string path = fmt::format("{}/rank-{:03}.log", folder, impl_->rank);
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    file->set_pattern(fmt::format("%Y-%m-%dT%H:%M:%S.%e rank {} %l: %v", impl_->rank));
    const std::lock_guard lock(impl_->mutex);
    std::erase(impl_->logger.sinks(), impl_->file);
    impl_->file = file;
    impl_->logger.sinks().push_back(std::move(file));
  } catch (const spdlog::spdlog_ex& problem) {
    throw Error(Exit::output, "LG001", "cannot write", path, problem.what());
  }
}

void Log::write(LogLevel level, std::string_view message) {
  const std::lock_guard lock(impl_->mutex);
  impl_->logger.log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
  if (impl_->file) impl_->file->flush();
}

void Log::write_file_only(std::string_view message) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->file) return;
  impl_->file->log({"hone", spdlog::level::info, spdlog::string_view_t(message.data(), message.size())});
  impl_->file->flush();
}

bool Log::terminal() const { return impl_->rank == 0 && impl_->console.terminal(); }

void Log::set_status_line(std::string_view line) {
  if (terminal()) impl_->console.set_status(line);
}

void Log::clear_status_line() { impl_->console.clear_status(); }

void Log::failure(std::string_view line) {
  clear_status_line();
  impl_->console.line(line);
  write_file_only(line);
}

}  // namespace hone
