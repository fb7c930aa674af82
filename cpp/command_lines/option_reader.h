// Reads --name value and --name=value into plain values, and prints what there is for --help. It
// does what the daemons need, and takes a second to compile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rayx::command_lines {

bool IsDirectory(const std::string& path);

class OptionReader {
 public:
  // Where what is read goes. A bool takes no value; a list takes one each time that it is named,
  // and all else may be named once.
  using Target = std::variant<bool*, std::string*, std::vector<std::string>*, int*, uint16_t*,
                              int64_t*, uint64_t*, double*>;

  // `purpose` is what --help says first.
  OptionReader(std::string program, std::string purpose);

  // `name` begins with two dashes.
  void Add(std::string name, Target target, std::string help);
  void AddRequired(std::string name, Target target, std::string help);
  // Words behind a -- go here, and `help` says whose they are. Without it they are refused.
  void AddRest(std::vector<std::string>* words, std::string help);

  // Empty, or the exit code of a program that ends here: its help was printed, or what is wrong.
  std::optional<int> Read(int argc, char** argv);
  // Prints what is wrong, and is the exit code.
  int Refuse(std::string_view why) const;

 private:
  struct Option {
    std::string name;
    Target target;
    std::string help;
    bool required = false;
    bool given = false;
  };

  // Reads the option at `words`[*at], and goes on behind it. Empty, or what is wrong.
  std::string ReadOption(const std::vector<std::string>& words, size_t* at);
  Option* Find(std::string_view name);
  void PrintHelp() const;

  std::string program_;
  std::string purpose_;
  std::vector<Option> options_;
  std::vector<std::string>* rest_ = nullptr;
  std::string help_of_rest_;
};

}  // namespace rayx::command_lines
