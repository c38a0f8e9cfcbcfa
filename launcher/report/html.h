#pragma once
// Writes HTML and SVG. Text and attribute values are always escaped; control characters and bytes that are
// not UTF-8 become the replacement character, so nothing read from a file can end an element or start a
// script.
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace hone::report {

std::string escaped(std::string_view text);

class Html {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // <tag attributes>inside()</tag>; tag and attribute names are ours, never from data.
  template <std::invocable Inside>
  void element(std::string_view tag, Attributes attributes, Inside&& inside) {
    open(tag, attributes, ">");
    inside();
    close(tag);
  }
  template <std::invocable Inside>
  void element(std::string_view tag, Inside&& inside) {
    element(tag, {}, inside);
  }
  void leaf(std::string_view tag, Attributes attributes, std::string_view text);
  void leaf(std::string_view tag, std::string_view text) { leaf(tag, {}, text); }
  void empty(std::string_view tag, Attributes attributes) { open(tag, attributes, "/>"); }  // SVG shapes
  void text(std::string_view text) { out_ += escaped(text); }
  void raw(std::string_view markup) { out_ += markup; }  // markup of ours only
  const std::string& str() const { return out_; }

 private:
  void open(std::string_view tag, Attributes attributes, std::string_view end);
  void close(std::string_view tag);

  std::string out_;
};

}  // namespace hone::report
