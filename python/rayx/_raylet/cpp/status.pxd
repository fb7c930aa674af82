# Status and Result, by which C++ tells of failures.
from libcpp cimport bool as cbool
from libcpp.string cimport string


cdef extern from "common/base/status.h" namespace "rayx" nogil:
    cdef enum class StatusCode:
        kInterrupted
        kTimedOut

    cdef cppclass Status:
        cbool ok()
        StatusCode code()
        const string& message()

    cdef cppclass Result[T]:
        pass

    cdef cppclass string_view "std::string_view":
        const char* data()
        size_t size()

    string_view StatusCodeName(StatusCode code)


# What C++ can say and Cython cannot.
cdef extern from * namespace "rayx::doorway" nogil:
    """
    #include <utility>

    #include "common/base/status.h"

    namespace rayx::doorway {
    // The value goes to `out` if there is one.
    template <typename T>
    Status Unwrap(Result<T> result, T* out) {
      if (!result.ok()) return result.status();
      *out = std::move(result).value();
      return Status::Ok();
    }
    }  // namespace rayx::doorway
    """
    Status Unwrap[T](Result[T] result, T* out)
