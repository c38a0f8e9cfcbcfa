#pragma once
// Reads steps ahead in a thread of its own. cursor() is that of the step handed out next, not of what was
// read ahead; an error of the source comes out of next_step() in its turn, and again on every call after.
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "core/ports/batch_source.h"

namespace hone::data {

class PrefetchSource : public BatchSource {
 public:
  PrefetchSource(std::unique_ptr<BatchSource> source, std::size_t depth = 2);
  ~PrefetchSource() override;
  PrefetchSource(const PrefetchSource&) = delete;
  PrefetchSource& operator=(const PrefetchSource&) = delete;

  StepPlan next_step() override;
  Cursor cursor() const override { return cursor_; }
  void seek(const Cursor& cursor) override;
  std::int64_t sample_count() const override { return sample_count_; }

 private:
  struct Ready {
    StepPlan plan;
    Cursor after;
    std::exception_ptr error;
  };
  void start();
  void stop();
  void read_ahead();

  std::unique_ptr<BatchSource> source_;  // touched by the thread alone while it runs
  const std::size_t depth_;
  const std::int64_t sample_count_;
  Cursor cursor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Ready> ready_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace hone::data
