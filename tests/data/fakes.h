#pragma once
// Stand-ins for the ports that the data pipeline uses, small enough to predict every token by hand.
#include <unistd.h>

#include <barrier>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "core/base/philox.h"
#include "core/ports/communicator.h"
#include "data/text/chat_template.h"

namespace hone::data::fakes {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hone-data-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(*this / name, std::ios::binary) << content;
    return *this / name;
  }

 private:
  std::string path_;
};

// A token a byte; "<e>" is one token, the end of sequence; begins with a begin token where specials are
// added.
class ByteTokenizer : public Tokenizer {
 public:
  static constexpr std::int32_t kBegin = 256, kEnd = 257;
  explicit ByteTokenizer(std::uint64_t fingerprint = 11, std::int32_t vocab = 258, bool adds_end = false)
      : fingerprint_(fingerprint), vocab_(vocab), adds_end_(adds_end) {}
  std::vector<std::int32_t> encode(std::string_view text, bool add_special) const override {
    std::vector<std::int32_t> ids;
    if (add_special) ids.push_back(kBegin);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool end = text.substr(i, 3) == "<e>";
      ids.push_back(end ? kEnd : static_cast<unsigned char>(text[i]));
      if (end) i += 2;
    }
    if (add_special && adds_end_) ids.push_back(kEnd);
    return ids;
  }
  std::vector<std::int32_t> encode_prompt(std::string_view text) const override {
    std::vector<std::int32_t> ids = encode(text, true);
    if (adds_end_) ids.pop_back();
    return ids;
  }
  std::vector<TokenSpan> encode_spans(std::string_view text) const override {
    std::vector<TokenSpan> spans;
    std::size_t at = 0;
    for (const auto id : encode(text, false)) {
      const std::size_t length = id == kEnd ? 3 : 1;
      spans.push_back({id, at, at + length});
      at += length;
    }
    return spans;
  }
  std::string decode(std::span<const std::int32_t> ids, bool) const override {
    std::string text;
    for (const auto id : ids)
      text += id == kEnd ? "<e>" : id == kBegin ? "<b>" : std::string(1, static_cast<char>(id));
    return text;
  }
  const std::string& token(std::int32_t) const override { return empty_; }
  std::optional<std::int32_t> id(std::string_view) const override { return std::nullopt; }
  std::int32_t vocab_size() const override { return vocab_; }
  std::int32_t bos_id() const override { return kBegin; }
  std::int32_t eos_id() const override { return kEnd; }
  std::uint64_t fingerprint() const override { return fingerprint_; }
  const std::string& chat_template_source() const override { return empty_; }

 private:
  std::string empty_;
  std::uint64_t fingerprint_;
  std::int32_t vocab_;
  bool adds_end_;
};

// "R:content<e>\n" a turn, R being the role's first letter in capitals.
class LetterTemplate : public ChatTemplate {
 public:
  explicit LetterTemplate(std::string name = "letters") : name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  RenderedChat render(const std::vector<Message>& messages, const Tokenizer& tokenizer,
                      bool generation_prompt) const override {
    RenderedChat chat;
    const auto add = [&](const std::string& text, bool supervised) {
      const auto ids = tokenizer.encode(text, false);
      chat.text += text;
      chat.ids.insert(chat.ids.end(), ids.begin(), ids.end());
      chat.supervised.insert(chat.supervised.end(), ids.size(), supervised);
    };
    for (const Message& m : messages) {
      add(std::string(1, static_cast<char>(std::toupper(m.role[0]))) + ":", false);
      add(m.content + "<e>", m.role == "assistant");
      add("\n", false);
    }
    if (generation_prompt) add("A:", false);
    return chat;
  }
  std::uint64_t fingerprint() const override { return 22; }

 private:
  std::string name_;
};

// Ranks as threads; all_gather only, which is all that preparing needs.
class ThreadRanks {
 public:
  explicit ThreadRanks(int world) : world_(world), parts_(world), gate_(world) {}
  void run(const std::function<void(Communicator&)>& body) {
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::exception_ptr failure;
    for (int rank = 0; rank < world_; ++rank)
      threads.emplace_back([&, rank] {
        Rank comm(*this, rank);
        try {
          body(comm);
        } catch (...) {
          const std::lock_guard lock(mutex);
          failure = std::current_exception();
        }
      });
    for (auto& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  struct Done : Work {
    void wait() override {}
  };
  class Rank : public Communicator {
   public:
    Rank(ThreadRanks& ranks, int rank) : ranks_(ranks), rank_(rank) {}
    int rank() const override { return rank_; }
    int world_size() const override { return ranks_.world_; }
    WorkPtr all_gather(CommBuffer input, CommBuffer output) override {
      const std::size_t bytes = input.count * (input.type == CommType::i64 ? 8 : 1);
      ranks_.parts_[rank_] = static_cast<std::byte*>(input.data);
      ranks_.gate_.arrive_and_wait();
      for (int r = 0; r < ranks_.world_; ++r)
        std::memcpy(static_cast<std::byte*>(output.data) + r * bytes, ranks_.parts_[r], bytes);
      ranks_.gate_.arrive_and_wait();
      return std::make_unique<Done>();
    }
    WorkPtr all_reduce(CommBuffer, ReduceOp) override { return unused(); }
    WorkPtr reduce_scatter(CommBuffer, CommBuffer, ReduceOp) override { return unused(); }
    WorkPtr broadcast(CommBuffer, int) override { return unused(); }
    WorkPtr all_to_all(CommBuffer input, CommBuffer output) override {
      const std::size_t bytes = input.count / ranks_.world_ * (input.type == CommType::i64 ? 8 : 1);
      ranks_.parts_[rank_] = static_cast<std::byte*>(input.data);
      ranks_.gate_.arrive_and_wait();
      for (int r = 0; r < ranks_.world_; ++r)
        std::memcpy(static_cast<std::byte*>(output.data) + r * bytes, ranks_.parts_[r] + rank_ * bytes,
                    bytes);
      ranks_.gate_.arrive_and_wait();
      return std::make_unique<Done>();
    }
    WorkPtr barrier() override { return unused(); }

   private:
    static WorkPtr unused() { throw Error(Exit::internal, "TEST", "collective not faked", "", ""); }
    ThreadRanks& ranks_;
    int rank_;
  };

  int world_;
  std::vector<const std::byte*> parts_;
  std::barrier<> gate_;
};

// The code and the text of the Error that `body` throws; empty where it throws none.
inline std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline std::vector<std::int64_t> some_lengths(int count, int largest, unsigned seed) {
  std::vector<std::int64_t> lengths;
  for (int i = 0; i < count; ++i)
    lengths.push_back(1 + philox({static_cast<unsigned>(i), 0, 0, 0}, {seed, 0})[0] % largest);
  return lengths;
}

}  // namespace hone::data::fakes
