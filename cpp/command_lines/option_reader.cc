#include "command_lines/option_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace rayx::command_lines {
namespace {

constexpr int kRefused = 2;

// False if the text is no such value.
bool SetValue(const OptionReader::Target& target, const std::string& text) {
  return std::visit(
      [&text](auto* value) {
        using Kind = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Kind, std::string>) {
          *value = text;
          return true;
        } else if constexpr (std::is_same_v<Kind, std::vector<std::string>>) {
          value->push_back(text);
          return true;
        } else if constexpr (std::is_same_v<Kind, bool>) {
          return false;  // it takes no value
        } else {
          const char* const end = text.data() + text.size();
          const auto parsed = std::from_chars(text.data(), end, *value);
          return parsed.ec == std::errc{} && parsed.ptr == end;
        }
      },
      target);
}

}  // namespace

bool IsDirectory(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

OptionReader::OptionReader(std::string program, std::string purpose)
    : program_(std::move(program)), purpose_(std::move(purpose)) {}

void OptionReader::Add(std::string name, Target target, std::string help) {
  options_.push_back({.name = std::move(name), .target = target, .help = std::move(help)});
}

void OptionReader::AddRequired(std::string name, Target target, std::string help) {
  Add(std::move(name), target, std::move(help));
  options_.back().required = true;
}

void OptionReader::AddRest(std::vector<std::string>* words, std::string help) {
  rest_ = words;
  help_of_rest_ = std::move(help);
}

std::optional<int> OptionReader::Read(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  for (size_t at = 0; at < words.size();) {
    if (words[at] == "--help" || words[at] == "-h") {
      PrintHelp();
      return 0;
    }
    if (words[at] == "--" && rest_ != nullptr) {
      rest_->assign(words.begin() + static_cast<ptrdiff_t>(at) + 1, words.end());
      break;
    }
    if (const std::string wrong = ReadOption(words, &at); !wrong.empty()) return Refuse(wrong);
  }
  for (const Option& option : options_) {
    if (option.required && !option.given) return Refuse(option.name + " is required");
  }
  return std::nullopt;
}

std::string OptionReader::ReadOption(const std::vector<std::string>& words, size_t* at) {
  const std::string& word = words[(*at)++];
  const size_t equals = word.find('=');
  Option* const option = Find(std::string_view(word).substr(0, equals));
  if (option == nullptr) return "what is '" + word + "'? See --help";
  const bool list = std::holds_alternative<std::vector<std::string>*>(option->target);
  if (option->given && !list) return option->name + " is given twice";
  option->given = true;
  if (bool* const* flag = std::get_if<bool*>(&option->target); flag && equals == word.npos) {
    **flag = true;
    return {};
  }
  if (equals == word.npos && *at == words.size()) return option->name + " needs a value";
  const std::string value = equals == word.npos ? words[(*at)++] : word.substr(equals + 1);
  if (!SetValue(option->target, value)) return option->name + " cannot be '" + value + "'";
  return {};
}

OptionReader::Option* OptionReader::Find(std::string_view name) {
  const auto found = std::find_if(options_.begin(), options_.end(),
                                  [name](const Option& option) { return option.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

int OptionReader::Refuse(std::string_view why) const {
  std::fprintf(stderr, "%s: %.*s\n", program_.c_str(), static_cast<int>(why.size()), why.data());
  return kRefused;
}

void OptionReader::PrintHelp() const {
  std::string text = program_ + ": " + purpose_ + "\n\n";
  for (const Option& option : options_) {
    const bool flag = std::holds_alternative<bool*>(option.target);
    text += "  " + option.name + (flag ? "" : " VALUE") + (option.required ? " (required)" : "") +
            "\n      " + option.help + "\n";
  }
  if (rest_ != nullptr) text += "\n" + help_of_rest_ + "\n";
  std::fputs(text.c_str(), stdout);
}

}  // namespace rayx::command_lines
