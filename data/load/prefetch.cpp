#include "data/load/prefetch.h"

#include "core/base/error.h"

namespace hone::data {

PrefetchSource::PrefetchSource(std::unique_ptr<BatchSource> source, std::size_t depth)
    : source_(std::move(source)),
      depth_(depth),
      sample_count_(source_->sample_count()),
      cursor_(source_->cursor()) {
  HONE_CHECK(depth > 0);
  start();
}

PrefetchSource::~PrefetchSource() { stop(); }

void PrefetchSource::start() {
  stopping_ = false;
  thread_ = std::thread([this] { read_ahead(); });
}

void PrefetchSource::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  ready_.clear();
}

void PrefetchSource::read_ahead() {
  for (bool failed = false; !failed;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || ready_.size() < depth_; });
      if (stopping_) return;
    }
    Ready next;
    try {
      next.plan = source_->next_step();
      next.after = source_->cursor();
    } catch (...) {
      next.error = std::current_exception();
      failed = true;
    }
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(next));
    }
    changed_.notify_all();
  }
}

StepPlan PrefetchSource::next_step() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !ready_.empty(); });
  if (ready_.front().error) std::rethrow_exception(ready_.front().error);
  Ready next = std::move(ready_.front());
  ready_.pop_front();
  cursor_ = next.after;
  lock.unlock();
  changed_.notify_all();
  return std::move(next.plan);
}

void PrefetchSource::seek(const Cursor& cursor) {
  stop();
  try {
    source_->seek(cursor);
    cursor_ = cursor;
  } catch (...) {
    source_->seek(cursor_);  // as if nothing had been asked
    start();
    throw;
  }
  start();
}

}  // namespace hone::data
