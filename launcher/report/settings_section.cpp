#include <algorithm>
#include <set>

#include "launcher/options/config.h"
#include "launcher/report/sections.h"

namespace hone::report {
namespace {

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }
std::string name_of(const std::string& key) { return key.substr(key.find('.') + 1); }

// A long path may break after a slash, a list after a comma.
void add_value(Html& html, const std::string& value) {
  if (value.empty()) html.text("–");
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t end = std::min(value.find_first_of("/,", at), value.size() - 1) + 1;
    html.text(value.substr(at, end - at));
    if (end < value.size()) html.raw("<wbr/>");
    at = end;
  }
}

// The keys of all runs in the order they stand, those of a section together.
std::vector<std::pair<std::string, std::vector<std::string>>> keys_by_section(Runs runs) {
  std::vector<std::pair<std::string, std::vector<std::string>>> sections;
  std::set<std::string> seen;
  for (const ReportInput& run : runs) {
    for (const Setting& setting : run.config) {
      if (!seen.insert(setting.key).second) continue;
      const std::string section = section_of(setting.key);
      auto found =
          std::find_if(sections.begin(), sections.end(), [&](const auto& s) { return s.first == section; });
      if (found == sections.end()) found = sections.insert(sections.end(), {section, {}});
      found->second.push_back(setting.key);
    }
  }
  return sections;
}

void add_setting(Html& html, const ReportInput& run, const std::string& key,
                 const launcher::FlatConfig& defaults) {
  const std::string value = run.setting(key);
  const auto found = defaults.find(key);
  const bool changed = found == defaults.end() || found->second != value;
  html.element("tr", {{"class", changed ? "changed" : ""}}, [&] {
    html.leaf("th", {{"scope", "row"}}, name_of(key));
    html.element("td", [&] {
      add_value(html, value);
      if (changed && found != defaults.end() && !found->second.empty())
        html.leaf("small", {{"class", "under"}}, "default " + found->second);
    });
  });
}

void add_one(Html& html, Runs runs) {
  const launcher::FlatConfig defaults = launcher::flatten(Config());
  html.element("div", {{"class", "settings"}}, [&] {
    for (const auto& [section, keys] : keys_by_section(runs)) {
      html.element("div", {{"class", "card"}}, [&] {
        html.leaf("h3", section);
        html.element("table", [&] {
          for (const std::string& key : keys) add_setting(html, runs[0], key, defaults);
        });
      });
    }
  });
}

void add_key_of_several(Html& html, Runs runs, const std::string& key) {
  const bool differs = std::any_of(runs.begin(), runs.end(), [&](const ReportInput& run) {
    return run.setting(key) != runs[0].setting(key);
  });
  html.element("tr", {{"class", differs ? "changed" : ""}}, [&] {
    html.leaf("th", {{"scope", "row"}}, key);
    for (const ReportInput& run : runs) html.element("td", [&] { add_value(html, run.setting(key)); });
  });
}

void add_several(Html& html, Runs runs) {
  html.element("div", {{"class", "card wide"}}, [&] {
    html.element("table", {{"class", "keys"}}, [&] {
      html.element("thead", [&] {
        html.element("tr", [&] {
          html.leaf("th", "Key");
          for (const ReportInput& run : runs) html.leaf("th", run.name);
        });
      });
      html.element("tbody", [&] {
        for (const auto& [section, keys] : keys_by_section(runs))
          for (const std::string& key : keys) add_key_of_several(html, runs, key);
      });
    });
  });
}

}  // namespace

void add_settings(Html& html, Runs runs) {
  if (keys_by_section(runs).empty()) return;
  const bool one = runs.size() == 1;
  add_section(html, "Config", one ? "marked: not the default" : "marked: not the same in all runs",
              [&] { one ? add_one(html, runs) : add_several(html, runs); });
}

}  // namespace hone::report
