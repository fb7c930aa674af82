"""ObjectID, and the hooks by which serialization.py learns of those inside a value."""

cimport cython
from cpython.object cimport Py_EQ, Py_GT, Py_LE, Py_LT, Py_NE
from libc.string cimport memcmp
from libcpp.vector cimport vector

from rayx._raylet.bytes_and_text cimport bytes_of, id_bytes
from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.ids cimport CObjectId, FirstRepeated, IdSpan, kObjectIdBytes

from types import GenericAlias

from rayx._raylet.status import RayletError

cdef object object_id_on_reduce = None
cdef object object_id_rebuild = None


def set_object_id_hooks(on_reduce, rebuild):
    global object_id_on_reduce, object_id_rebuild
    object_id_on_reduce = on_reduce
    object_id_rebuild = rebuild


# What to write in place of attributes that futures have, and ids have not.
cdef str OF_FUTURES_ONLY = (
    "it is no future of concurrent.futures. rayx.as_completed(ids) and rayx.wait(ids) are made for ids; "
    "for what takes futures only there is object_id.future()")
cdef dict ADVICE = {
    "cancel": "rayx.cancel(object_id) stops the task that makes it",
    "running": "object_id.done() tells whether its value is there",
    "get": "rayx.get(object_id) returns its value",
    "wait": "rayx.wait([object_id]) waits for it",
    "_condition": OF_FUTURES_ONLY,
    "_state": OF_FUTURES_ONLY,
    "_waiters": OF_FUTURES_ONLY,
    "_invoke_callbacks": OF_FUTURES_ONLY,
}


cdef object object_id_waiting = None


def set_waiting_hooks(hooks):
    global object_id_waiting
    object_id_waiting = hooks


@cython.final
@cython.no_gc  # refers to its client only, which refers to no Python object
@cython.freelist(64)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class ObjectID:
    """Names an immutable object, present or to come. Made by rayx, never by hand.

    Holds a reference: the object lives at least as long as this ObjectID does. Can be compared,
    hashed, pickled into arguments and other objects, and awaited in a coroutine.
    """

    def __init__(self, *args, **kwargs):
        raise TypeError("an ObjectID is made by rayx.put and by calling remote functions, not by hand")

    def __dealloc__(self):
        if self.client is not None:
            self.client.core.get().RemoveLocalReference(self.id)

    def binary(self):
        """Its 20 bytes."""
        return bytes_of(self.id.data(), kObjectIdBytes)

    def hex(self):
        """Its bytes as 40 hexadecimal digits."""
        return self.binary().hex()

    def __getattr__(self, name):
        """Only for what is not there: as a rule somebody takes the ObjectID for its value."""
        if name.startswith("__"):
            raise AttributeError(f"'ObjectID' object has no attribute '{name}'")
        advice = ADVICE.get(name, "it stands for a value, which rayx.get(object_id) returns")
        raise AttributeError(f"an ObjectID has no attribute '{name}': {advice}", name=name, obj=self)

    def __hash__(self):
        cdef Py_hash_t value = <Py_hash_t> self.id.Hash()
        return -2 if value == -1 else value

    def __richcmp__(self, other, int op):
        if not isinstance(other, ObjectID):
            return NotImplemented
        cdef int order = memcmp(self.id.data(), (<ObjectID> other).id.data(), kObjectIdBytes)
        if op == Py_EQ:
            return order == 0
        if op == Py_NE:
            return order != 0
        if op == Py_LT:
            return order < 0
        if op == Py_LE:
            return order <= 0
        if op == Py_GT:
            return order > 0
        return order >= 0

    def __repr__(self):
        return f"ObjectID({self.hex()})"

    def __reduce__(self):
        if object_id_rebuild is None:
            raise TypeError("an ObjectID can be pickled only in a process that has called rayx.init()")
        object_id_on_reduce(self)
        return object_id_rebuild, (self.binary(),)

    # It never changes, so that it is its own copy, as numbers and texts are: a copy by way of a pickle would be taken for
    # one that goes elsewhere, and keep the object until the session ends.
    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __await__(self):
        """`await object_id` on an event loop of asyncio is what `rayx.get` is elsewhere."""
        return object_id_waiting.on_await(self)

    def future(self):
        """For code that takes a concurrent.futures.Future. Cancelling it leaves the task alone."""
        return object_id_waiting.future(self)

    # ---- what asyncio.wait wants ----

    def done(self):
        """Whether the object is there, be it a value or a failure. Does not wait."""
        return object_id_waiting.done(self)

    def result(self):
        """What `rayx.get` returns or raises, if the object is there; else InvalidStateError."""
        return object_id_waiting.result(self)

    def exception(self):
        """What `rayx.get` raises, or None; InvalidStateError if the object is not there."""
        return object_id_waiting.exception(self)

    def cancelled(self):
        """False: a cancelled task has an exception, TaskCancelledError."""
        return False

    def add_done_callback(self, callback, *, context=None):
        """Calls `callback(object_id)` on the event loop that runs now, when the object is there."""
        object_id_waiting.add_done_callback(self, callback, context)

    def remove_done_callback(self, callback):
        """Undoes `add_done_callback`; returns how many there were that have not been called."""
        return object_id_waiting.remove_done_callback(self, callback)

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)


cdef ObjectID adopt_object_id(Connection client, const CObjectId& id):
    cdef ObjectID made = ObjectID.__new__(ObjectID)
    made.id = id
    made.client = client
    return made


cdef list adopt_object_ids(Connection client, const vector[CObjectId]& ids):
    return [adopt_object_id(client, ids[i]) for i in range(ids.size())]


def detached_object_id(bytes binary not None):
    return adopt_object_id(None, CObjectId.FromBytes(id_bytes(binary, kObjectIdBytes)))


cdef int check_owner(ObjectID item, Connection client) except -1:
    if item.client is not client and item.client is not None:
        raise RayletError("InvalidArgument", (
            f"{item!r} is of another session than the present one: of one that rayx.shutdown() has "
            "ended, or of the process that this one is a fork of. Its object cannot be had here"))
    return 0


cdef int append_ids(vector[CObjectId]* out, object ids, Connection client) except -1:
    if ids is None:
        return 0
    cdef object fast = ids if type(ids) is list or type(ids) is tuple else list(ids)
    cdef Py_ssize_t count = len(fast)
    cdef Py_ssize_t i
    cdef object item
    out.reserve(out.size() + count)
    for i in range(count):
        item = fast[i]
        if not isinstance(item, ObjectID):
            raise TypeError(f"an ObjectID is wanted, not {type(item).__name__}")
        if client is not None:
            check_owner(<ObjectID> item, client)
        out.push_back((<ObjectID> item).id)
    return 0


def first_foreign(list items not None):
    cdef Py_ssize_t i
    for i in range(len(items)):
        if type(items[i]) is not ObjectID:
            return i
    return None


def first_repeated(list ids not None):
    cdef vector[CObjectId] looked_at
    append_ids(&looked_at, ids, None)
    cdef size_t found = FirstRepeated(IdSpan(looked_at))
    return found if found < looked_at.size() else None
