# How rayx builds things. Every CMakeLists.txt of the project is a list of calls of these functions:
#
#   rayx_library(<room> SOURCES a.cc b.cc DEPS base)           static library rayx_<room>
#   rayx_flatbuffers(<room> SCHEMAS a.fbs b.fbs)              headers "<dir>/generated/<name>_generated.h"
#   rayx_daemon(<name> SOURCES main.cc DEPS daemon)           program, installed to rayx/bin
#   rayx_test(<name> SOURCES a_test.cc DEPS base)             GoogleTest program, one ctest
#   rayx_benchmark(<name> SOURCES a_bench.cc DEPS base)       Google Benchmark program
#   rayx_fuzzer(<name> SOURCES a_fuzz.cc DEPS base)           libFuzzer program, or a replay of its corpus
#
# DEPS are rooms (base, protocol, os, io, shm, process, plasma, scheduler, control, client, ...) or
# packages (asio, flatbuffers, hiredis, openssl, threads). Includes are written from
# cpp/: "plasma/object_store.h".

include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# Backtraces and profiles have the names of functions, and their lines only with RAYX_LINE_TABLES, which
# takes a sixteenth more time and two and a half times the size.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# For who builds several clones or branches. A first build takes a fifth longer with ccache, which runs
# the preprocessor once more for each source.
set(_use_ccache OFF)
if(DEFINED ENV{RAYX_CCACHE})
  set(_use_ccache "$ENV{RAYX_CCACHE}")
endif()
option(RAYX_CCACHE "Compile through ccache" ${_use_ccache})
if(RAYX_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(RAYX_CCACHE_PROGRAM ccache REQUIRED)
  # Paths below the source tree are hashed relative to the build directory, so that the build directories of
  # the sanitizers and of a second clone share what is the same. (Not with CCACHE_DEPEND, which saves runs of
  # the preprocessor: sources that are compiled together are named by their paths, which it hashes.)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros "${RAYX_CCACHE_PROGRAM}")
endif()

include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

if(NOT RAYX_SANITIZE MATCHES "^(address|thread)?$")
  message(FATAL_ERROR "RAYX_SANITIZE is '${RAYX_SANITIZE}'; it may be empty, 'address' or 'thread'.")
endif()
if(RAYX_BUILD_FUZZERS AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "RAYX_BUILD_FUZZERS needs clang, the compiler is ${CMAKE_CXX_COMPILER_ID}.\n"
    "Configure with -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14, or run 'make fuzz'.")
endif()

# ---- flags -------------------------------------------------------------------------------------

# rayx_flags: what all compiled code gets, ours or generated. rayx_warnings: what our own code is
# held to.
add_library(rayx_flags INTERFACE)
add_library(rayx_warnings INTERFACE)
target_compile_options(rayx_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(RAYX_UNITY AND NOT RAYX_SANITIZE)
  # GCC 12 is mistaken about strings where it inlines more, as it does in sources that are compiled
  # together. The builds of the sanitizers keep these warnings.
  target_compile_options(rayx_warnings INTERFACE
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
endif()
if(RAYX_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Of Debian 12's compiler. A newer one warns of what nobody has seen yet, which shall not keep
  # anybody from building.
  target_compile_options(rayx_warnings INTERFACE -Werror)
endif()

target_compile_options(rayx_flags INTERFACE -fstack-protector-strong)
target_link_options(rayx_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 11)
  target_compile_options(rayx_flags INTERFACE -fno-semantic-interposition)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC looks for garbage in its memory when it has 256 MB, and not at 128 for the first time: for most
  # sources never, which saves a twentieth of the time.
  target_compile_options(rayx_flags INTERFACE "SHELL:--param ggc-min-heapsize=262144")
endif()

if(RAYX_LINE_TABLES OR RAYX_SANITIZE OR RAYX_BUILD_FUZZERS)
  target_compile_options(rayx_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-g1>)
endif()

set(_sanitizers "")
if(RAYX_SANITIZE STREQUAL "thread")
  list(APPEND _sanitizers -fsanitize=thread)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # asio has one memory fence, which TSan cannot follow and gcc warns of.
    target_compile_options(rayx_flags INTERFACE -Wno-tsan)
  endif()
elseif(RAYX_SANITIZE STREQUAL "address" OR RAYX_BUILD_FUZZERS)
  # UBSan's findings end the program, as ASan's do; a report nobody reads is no check.
  list(APPEND _sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
endif()
if(RAYX_BUILD_FUZZERS)
  list(APPEND _sanitizers -fsanitize=fuzzer-no-link)
endif()
if(_sanitizers)
  target_compile_options(rayx_flags INTERFACE ${_sanitizers} -fno-omit-frame-pointer)
  target_link_options(rayx_flags INTERFACE ${_sanitizers})
else()
  # FORTIFY needs optimisation and does not mix with the sanitizers, which check the same things
  # better.
  target_compile_options(rayx_flags INTERFACE
    "$<$<NOT:$<OR:$<CONFIG:Debug>,$<BOOL:$<TARGET_PROPERTY:RAYX_UNOPTIMISED>>>>:SHELL:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>")
endif()
if(_sanitizers OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(rayx_flags INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# ---- names -------------------------------------------------------------------------------------

# Turns the words of DEPS into targets: a room, a package, or a target's own name.
function(rayx_resolve_deps out)
  set(targets "")
  foreach(dep IN LISTS ARGN)
    if(dep MATCHES "::" OR dep MATCHES "^rayx_")
      list(APPEND targets ${dep})
    elseif(TARGET rayx::${dep})
      list(APPEND targets rayx::${dep})
    else()
      list(APPEND targets rayx_${dep})
    endif()
  endforeach()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

# Adds each directory (patterns allowed) that has a CMakeLists.txt. One that gets its CMakeLists.txt
# later is noticed by the next build.
function(rayx_add_directories)
  foreach(pattern IN LISTS ARGN)
    file(GLOB lists CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${pattern}/CMakeLists.txt")
    foreach(list_file IN LISTS lists)
      get_filename_component(directory "${list_file}" DIRECTORY)
      get_property(added GLOBAL PROPERTY rayx_added_directories)
      if(NOT directory IN_LIST added)
        set_property(GLOBAL APPEND PROPERTY rayx_added_directories "${directory}")
        file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}" "${directory}")
        add_subdirectory("${directory}" "${PROJECT_BINARY_DIR}/rooms/${relative}")
      endif()
    endforeach()
  endforeach()
endfunction()

# ---- libraries ---------------------------------------------------------------------------------

# Sources of a room are compiled some at a time: most of the time goes into templates that several of
# them use, so that the whole takes a third of it. More at a time would make one edited file slow, and
# the node: GCC inlines less in a large unit, which costs 6% of the node's time at 30. Not
# for the sanitizers: their builds see to it that every source includes what it uses. These are the most;
# the units of a room are of one size.
set(RAYX_UNITY_BATCH 5)
set(RAYX_UNITY_BATCH_SELDOM 12)

# A room. Without SOURCES it has headers only. Headers need not be listed. SELDOM are sources that no task
# waits for: they are optimised less, which takes a fifth off their time.
function(rayx_library room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;SELDOM;HEADERS;DEPS")
  rayx_check_arguments("rayx_library(${room})" "${arg_UNPARSED_ARGUMENTS}")
  set(target rayx_${room})
  rayx_resolve_deps(deps ${arg_DEPS})
  if(TARGET ${target}_schemas)
    list(APPEND deps ${target}_schemas)
  endif()
  if(NOT arg_SOURCES AND NOT arg_SELDOM)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${PROJECT_SOURCE_DIR}/cpp")
    target_link_libraries(${target} INTERFACE rayx_flags ${deps})
    return()
  endif()
  if(NOT arg_SELDOM)
    add_library(${target} STATIC ${arg_SOURCES} ${arg_HEADERS})
    rayx_compile_room(${target})
  elseif(NOT arg_SOURCES)
    add_library(${target} STATIC ${arg_SELDOM} ${arg_HEADERS})
    rayx_compile_room(${target} SELDOM)
  else()
    add_library(${target}_seldom OBJECT ${arg_SELDOM})
    add_library(${target} STATIC ${arg_SOURCES} ${arg_HEADERS} $<TARGET_OBJECTS:${target}_seldom>)
    rayx_compile_room(${target})
    rayx_compile_room(${target}_seldom SELDOM)
  endif()
endfunction()

# How the sources of a room are compiled. Takes the arguments of the rayx_library that calls it.
function(rayx_compile_room target)
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}/cpp")
  target_link_libraries(${target} PUBLIC rayx_flags ${deps} PRIVATE $<BUILD_INTERFACE:rayx_warnings>)
  if("SELDOM" IN_LIST ARGN AND NOT RAYX_SANITIZE AND NOT RAYX_BUILD_FUZZERS)
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1>)
  endif()
  if(NOT RAYX_UNITY OR RAYX_SANITIZE OR RAYX_BUILD_FUZZERS)
    return()
  endif()
  set(batch ${RAYX_UNITY_BATCH})
  if("SELDOM" IN_LIST ARGN)
    set(batch ${RAYX_UNITY_BATCH_SELDOM})
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  list(LENGTH sources count)
  math(EXPR units "(${count} + ${batch} - 1) / ${batch}")
  math(EXPR batch "(${count} + ${units} - 1) / ${units}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
  # GCC takes a source that is included for a header, and is mistaken about variants where it
  # inlines more. The builds of the sanitizers keep both warnings.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage -Wno-maybe-uninitialized)
  rayx_precompile_headers(${target})
endfunction()

# The headers that most sources use are read once, which takes a fifth off the time of a build. A set of
# headers for one room does not pay: to make it takes as long as its ten sources save.
function(rayx_precompile_headers target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR RAYX_SANITIZE OR RAYX_BUILD_FUZZERS)
    return()
  endif()
  if(NOT TARGET rayx_product_headers)
    file(WRITE "${PROJECT_BINARY_DIR}/product_headers.cc" "")
    add_library(rayx_product_headers STATIC "${PROJECT_BINARY_DIR}/product_headers.cc")
    target_link_libraries(rayx_product_headers PRIVATE rayx_flags rayx::flatbuffers)
    target_compile_options(rayx_product_headers PRIVATE -fpch-preprocess)
    target_precompile_headers(rayx_product_headers PRIVATE
      <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <functional> <map> <memory> <mutex>
      <optional> <set> <span> <string> <string_view> <unordered_map> <unordered_set> <utility>
      <variant> <vector> <flatbuffers/flatbuffers.h>)
  endif()
  target_compile_options(${target} PRIVATE -fpch-preprocess)
  target_precompile_headers(${target} REUSE_FROM rayx_product_headers)
endfunction()

# The C++ headers of FlatBuffers schemas, for the room that owns them; may stand before or after its
# rayx_library. A schema at cpp/common/protocol/task.fbs is included, in every room that depends on
# protocol, as "common/protocol/generated/task_generated.h". Of the tables in STRUCTS there are structs, too:
# CallOptionsT of CallOptions, with its defaults.
function(rayx_flatbuffers room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SCHEMAS;STRUCTS")
  rayx_check_arguments("rayx_flatbuffers(${room})" "${arg_UNPARSED_ARGUMENTS}")
  set(target rayx_${room}_schemas)
  file(RELATIVE_PATH below_cpp "${PROJECT_SOURCE_DIR}/cpp" "${CMAKE_CURRENT_SOURCE_DIR}")
  set(root "${PROJECT_BINARY_DIR}/generated")
  set(directory "${root}/${below_cpp}/generated")
  list(TRANSFORM arg_SCHEMAS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" OUTPUT_VARIABLE schemas)
  set(headers "")
  foreach(schema IN LISTS schemas)
    get_filename_component(name "${schema}" NAME_WE)
    set(header "${directory}/${name}_generated.h")
    set(structs "")
    if(${name}.fbs IN_LIST arg_STRUCTS)
      set(structs --gen-object-api --gen-compare)
    endif()
    # Depends on all schemas, since one may include another.
    add_custom_command(OUTPUT "${header}"
      COMMAND "${RAYX_FLATC}" --cpp --scoped-enums --cpp-std c++17 --warnings-as-errors --reflect-names ${structs}
              -I "${CMAKE_CURRENT_SOURCE_DIR}" -I "${PROJECT_SOURCE_DIR}/cpp" -o "${directory}" "${schema}"
      DEPENDS ${schemas}
      COMMENT "flatc ${below_cpp}/${name}.fbs"
      VERBATIM)
    list(APPEND headers "${header}")
  endforeach()
  add_custom_target(${target}_generate DEPENDS ${headers})
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_generate)
  target_include_directories(${target} SYSTEM INTERFACE "${root}")
  target_link_libraries(${target} INTERFACE rayx::flatbuffers)
  if(TARGET rayx_${room})
    get_target_property(type rayx_${room} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
      target_link_libraries(rayx_${room} INTERFACE ${target})
    else()
      target_link_libraries(rayx_${room} PUBLIC ${target})
    endif()
  endif()
endfunction()

# `cmake --build DIR --target product` builds what is installed: the daemons and the module.
add_custom_target(product)
# `cmake --build DIR --target fuzzers` builds these alone.
add_custom_target(fuzzers)
# Benchmarks are only built by `cmake --build DIR --target benchmarks`.
add_custom_target(benchmarks)

# ---- programs ----------------------------------------------------------------------------------

function(rayx_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  rayx_check_arguments("program ${name}" "${arg_UNPARSED_ARGUMENTS}")
  rayx_resolve_deps(deps ${arg_DEPS})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/cpp")
  target_link_libraries(${name} PRIVATE rayx_flags rayx_warnings ${deps})
endfunction()

# A program of the package. Skipped as long as its source does not exist. HOT are rooms which are linked
# first: of a template that several sources instantiate, the linker takes the first one's, and that shall
# not be of a source that is optimised less.
function(rayx_daemon name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;HOT")
  rayx_check_arguments("rayx_daemon(${name})" "${arg_UNPARSED_ARGUMENTS}")
  file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${arg_SOURCES}")
  if(NOT found)
    message(STATUS "${name}: no ${arg_SOURCES} yet, skipped")
    return()
  endif()
  rayx_program(${name} SOURCES ${found} DEPS ${arg_DEPS})
  if(NOT RAYX_SANITIZE AND NOT RAYX_BUILD_FUZZERS)
    # One file that runs on any machine of the wheel's platform.
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  foreach(room IN LISTS arg_HOT)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:rayx_${room}>)
  endforeach()
  add_dependencies(product ${name})
  install(TARGETS ${name} RUNTIME DESTINATION rayx/bin)
endfunction()

# Tests run in the top directory of the sources, so that they find tests/golden; they may include
# the shared test doubles as "testing/fake_clock.h". RESOURCE_LOCK is for tests that cannot run
# beside others.
function(rayx_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;RESOURCE_LOCK" "SOURCES;DEPS")
  rayx_check_arguments("rayx_test(${name})" "${arg_UNPARSED_ARGUMENTS}")
  rayx_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} gtest)
  rayx_compile_quickly(${name})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/cpp")
  rayx_add_ctest(${name} "${arg_TIMEOUT}")
  if(arg_RESOURCE_LOCK)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK "${arg_RESOURCE_LOCK}")
  endif()
endfunction()

# What tests share is read once, and they are not optimised: half of the time of a build from scratch is
# theirs. Not for the sanitizers: their builds see to it that every source includes what it uses.
function(rayx_compile_quickly name)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR RAYX_SANITIZE OR RAYX_BUILD_FUZZERS)
    return()
  endif()
  set(flags -O0 -fpch-preprocess)
  if(NOT TARGET rayx_test_headers)
    file(WRITE "${PROJECT_BINARY_DIR}/test_headers.cc" "int main() { return 0; }\n")
    add_executable(rayx_test_headers "${PROJECT_BINARY_DIR}/test_headers.cc")
    rayx_resolve_deps(deps gtest protocol)
    target_link_libraries(rayx_test_headers PRIVATE rayx_flags rayx_warnings ${deps})
    target_compile_options(rayx_test_headers PRIVATE ${flags})
    set_target_properties(rayx_test_headers PROPERTIES RAYX_UNOPTIMISED ON)
    target_precompile_headers(rayx_test_headers PRIVATE
      <gtest/gtest.h> <algorithm> <chrono> <functional> <map> <memory> <optional> <string>
      <unordered_map> <variant> <vector>
      <common/base/status.h> <common/protocol/generated/messages_generated.h>)
  endif()
  target_compile_options(${name} PRIVATE ${flags})
  set_target_properties(${name} PROPERTIES RAYX_UNOPTIMISED ON)
  target_precompile_headers(${name} REUSE_FROM rayx_test_headers)
endfunction()

function(rayx_benchmark name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  rayx_check_arguments("rayx_benchmark(${name})" "${arg_UNPARSED_ARGUMENTS}")
  rayx_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} benchmark)
  set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  add_dependencies(benchmarks ${name})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/cpp")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/benchmarks")
endfunction()

# SOURCES define LLVMFuzzerTestOneInput; the corpus is tests/fuzz/corpus/<name>. With
# RAYX_BUILD_FUZZERS this is a libFuzzer program; without, a test that feeds it the corpus and small
# mutations of it, so that every compiler and every ctest run meets what fuzzing once found.
function(rayx_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  rayx_check_arguments("rayx_fuzzer(${name})" "${arg_UNPARSED_ARGUMENTS}")
  if(RAYX_BUILD_FUZZERS)
    rayx_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    if(NOT TARGET rayx_fuzz_replay)
      add_library(rayx_fuzz_replay STATIC "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc")
      target_link_libraries(rayx_fuzz_replay PUBLIC rayx_flags PRIVATE rayx_warnings)
    endif()
    rayx_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} rayx_fuzz_replay)
    add_test(NAME ${name}_replay COMMAND ${name} "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 120)
  endif()
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/cpp")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzzers")
  add_dependencies(fuzzers ${name})
endfunction()

function(rayx_add_ctest name timeout)
  if(NOT timeout)
    set(timeout 120)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout})
endfunction()

function(rayx_check_arguments call unparsed)
  if(unparsed)
    message(FATAL_ERROR "${call}: what is '${unparsed}'? Use SOURCES and DEPS (see cmake/rayx.cmake).")
  endif()
endfunction()
