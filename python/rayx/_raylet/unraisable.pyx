"""What is raised in a finalizer, and is to be raised again behind it."""

cimport cython
from cpython.object cimport PyObject

cdef extern from "Python.h":
    int PyErr_SetInterruptEx(int signal_number)
    int PyThreadState_SetAsyncExc(unsigned long thread, PyObject* kind)
    unsigned long PyThread_get_thread_ident()


@cython.final
cdef class UnraisableHook:
    cdef object on_lost
    cdef int signal_number

    def __init__(self, on_lost, int signal_number):
        self.on_lost = on_lost
        self.signal_number = signal_number

    # Compiled, since Python's own code would hear the signal, or raise the exception, in here.
    def __call__(self, lost):
        again = self.on_lost(lost)
        if again is True:
            PyErr_SetInterruptEx(self.signal_number)
        elif isinstance(again, type):
            PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), <PyObject*> again)
