#pragma once
// What this thread is busy with, in a word: a collective that fails says in which phase it was asked for.

namespace hone {

namespace detail {
inline thread_local const char* phase = "start-up";
}

inline const char* current_phase() { return detail::phase; }

// Names the phase until the end of the scope; the innermost counts. `name` is a literal.
class PhaseScope {
 public:
  explicit PhaseScope(const char* name) : outer_(detail::phase) { detail::phase = name; }
  ~PhaseScope() { detail::phase = outer_; }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  const char* outer_;
};

}  // namespace hone
