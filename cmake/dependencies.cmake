# The packages rayx is made with, as targets rayx::<name>. All that are missing are told at once,
# with the command that installs them. Everything linked is static or header-only, so that one wheel
# carries the daemons.

include_guard(GLOBAL)

set(RAYX_MISSING "")
set(RAYX_MISSING_PACKAGES "")

# Notes that `what` is missing when `variable` holds nothing found.
macro(rayx_require variable what package)
  if(NOT ${variable})
    list(APPEND RAYX_MISSING "${what} (${package})")
    list(APPEND RAYX_MISSING_PACKAGES ${package})
  endif()
endmacro()

# ---- look for all ------------------------------------------------------------------------------

find_path(RAYX_ASIO_INCLUDE_DIR asio.hpp)
rayx_require(RAYX_ASIO_INCLUDE_DIR "asio.hpp, the event loop" libasio-dev)

find_path(RAYX_XXHASH_INCLUDE_DIR xxhash.h)
rayx_require(RAYX_XXHASH_INCLUDE_DIR "xxhash.h, checksums" libxxhash-dev)

find_path(RAYX_FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h)
rayx_require(RAYX_FLATBUFFERS_INCLUDE_DIR "flatbuffers/flatbuffers.h, the messages" libflatbuffers-dev)

find_program(RAYX_FLATC flatc)
rayx_require(RAYX_FLATC "flatc, the compiler of the message schemas" flatbuffers-compiler)

find_path(RAYX_HIREDIS_INCLUDE_DIR hiredis/hiredis.h)
find_library(RAYX_HIREDIS_LIBRARY NAMES libhiredis.a hiredis)
if(NOT RAYX_HIREDIS_INCLUDE_DIR OR NOT RAYX_HIREDIS_LIBRARY)
  set(hiredis_found FALSE)
else()
  set(hiredis_found TRUE)
endif()
rayx_require(hiredis_found "hiredis, the client of the control server" libhiredis-dev)

# Sanitizers bring a heap of their own.
if(NOT RAYX_SANITIZE AND NOT RAYX_BUILD_FUZZERS)
  find_library(RAYX_JEMALLOC_LIBRARY NAMES libjemalloc_pic.a jemalloc)
  rayx_require(RAYX_JEMALLOC_LIBRARY "jemalloc, the heap of the node" libjemalloc-dev)
endif()

# Linked statically as all else: a wheel carries the version that it was tested with, whatever the
# machine has (libssl.so.3, or .1.1, or none). Other versions than 3 lack parts of the interface.
find_path(RAYX_OPENSSL_INCLUDE_DIR openssl/ssl.h)
find_library(RAYX_SSL_LIBRARY NAMES libssl.a ssl)
find_library(RAYX_CRYPTO_LIBRARY NAMES libcrypto.a crypto)
set(openssl_3 "")
if(RAYX_OPENSSL_INCLUDE_DIR AND RAYX_SSL_LIBRARY AND RAYX_CRYPTO_LIBRARY)
  file(STRINGS "${RAYX_OPENSSL_INCLUDE_DIR}/openssl/opensslv.h" openssl_3
    REGEX "define OPENSSL_VERSION_MAJOR +3")
endif()
rayx_require(openssl_3 "OpenSSL 3, TLS between machines" libssl-dev)

if(RAYX_BUILD_TESTS)
  find_package(GTest QUIET)
  rayx_require(GTest_FOUND "GoogleTest, the C++ tests" libgtest-dev)
endif()
if(RAYX_BUILD_BENCHMARKS)
  find_package(benchmark QUIET)
  rayx_require(benchmark_FOUND "Google Benchmark, the microbenchmarks" libbenchmark-dev)
endif()

if(RAYX_MISSING)
  list(JOIN RAYX_MISSING "\n  - " missing_lines)
  list(JOIN RAYX_MISSING_PACKAGES " " missing_packages)
  message(FATAL_ERROR "rayx cannot be built, since this machine lacks:\n  - ${missing_lines}\n"
    "On Debian and Ubuntu, install all of them with:\n\n"
    "  sudo apt-get install ${missing_packages}\n\n"
    "or run ci/install_system_packages.sh, which installs whatever rayx needs.")
endif()

find_package(Threads REQUIRED)

# ---- name them ---------------------------------------------------------------------------------

function(rayx_package name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "INCLUDE_DIR" "DEFINITIONS;LIBRARIES")
  add_library(rayx_package_${name} INTERFACE)
  add_library(rayx::${name} ALIAS rayx_package_${name})
  if(arg_INCLUDE_DIR)
    target_include_directories(rayx_package_${name} SYSTEM INTERFACE "${arg_INCLUDE_DIR}")
  endif()
  target_compile_definitions(rayx_package_${name} INTERFACE ${arg_DEFINITIONS})
  target_link_libraries(rayx_package_${name} INTERFACE ${arg_LIBRARIES})
endfunction()

rayx_package(threads LIBRARIES Threads::Threads)
rayx_package(flatbuffers INCLUDE_DIR ${RAYX_FLATBUFFERS_INCLUDE_DIR})
rayx_package(xxhash INCLUDE_DIR ${RAYX_XXHASH_INCLUDE_DIR})
rayx_package(hiredis INCLUDE_DIR ${RAYX_HIREDIS_INCLUDE_DIR} LIBRARIES ${RAYX_HIREDIS_LIBRARY})
if(RAYX_JEMALLOC_LIBRARY)
  rayx_package(jemalloc LIBRARIES ${RAYX_JEMALLOC_LIBRARY} Threads::Threads)
endif()
rayx_package(openssl INCLUDE_DIR ${RAYX_OPENSSL_INCLUDE_DIR}
  LIBRARIES ${RAYX_SSL_LIBRARY} ${RAYX_CRYPTO_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS})
# asio's own code is compiled once, here, and not again in every file that includes it. A header of the
# standard library goes before it, as everywhere else: asio looks at its macros before it includes one
# itself, and would free in another way than others allocate.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/asio/asio.cc" CONTENT
  "#include <cstddef>\n#include <asio/impl/src.hpp>\n")
add_library(rayx_package_asio STATIC EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/asio/asio.cc")
add_library(rayx::asio ALIAS rayx_package_asio)
target_include_directories(rayx_package_asio SYSTEM PUBLIC "${RAYX_ASIO_INCLUDE_DIR}")
target_compile_definitions(rayx_package_asio PUBLIC ASIO_STANDALONE ASIO_SEPARATE_COMPILATION)
target_link_libraries(rayx_package_asio PUBLIC rayx_flags Threads::Threads)
rayx_precompile_headers(rayx_package_asio)

if(RAYX_BUILD_TESTS)
  rayx_package(gtest LIBRARIES GTest::gtest_main GTest::gtest)
  if(TARGET GTest::gmock)
    target_link_libraries(rayx_package_gtest INTERFACE GTest::gmock)
  endif()
endif()
if(RAYX_BUILD_BENCHMARKS)
  rayx_package(benchmark LIBRARIES benchmark::benchmark_main benchmark::benchmark)
endif()
