# ObjectID, and the hooks by which serialization.py learns of those inside a value.

cdef object object_id_on_reduce = None
cdef object object_id_rebuild = None


def set_object_id_hooks(on_reduce, rebuild):
    global object_id_on_reduce, object_id_rebuild
    object_id_on_reduce = on_reduce
    object_id_rebuild = rebuild


@cython.final
@cython.no_gc  # refers to its client only, which refers to no Python object
@cython.freelist(64)
cdef class ObjectID:
    cdef CObjectId id
    cdef Client client
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        raise TypeError("an ObjectID is made by rayx.put and by calling remote functions, not by hand")

    def __dealloc__(self):
        if self.client is not None:
            self.client.core().RemoveLocalReference(self.id)

    def binary(self):
        return bytes_of(self.id.data(), OBJECT_ID_BYTES)

    def hex(self):
        return self.binary().hex()

    def __hash__(self):
        cdef Py_hash_t value = <Py_hash_t> self.id.Hash()
        return -2 if value == -1 else value

    def __richcmp__(self, other, int op):
        if not isinstance(other, ObjectID):
            return NotImplemented
        cdef int order = memcmp(self.id.data(), (<ObjectID> other).id.data(), OBJECT_ID_BYTES)
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

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)


# Takes over one local reference.
cdef inline ObjectID adopt_object_id(Client client, const CObjectId& id):
    cdef ObjectID made = ObjectID.__new__(ObjectID)
    made.id = id
    made.client = client
    return made


cdef int append_ids(vector[CObjectId]* out, object ids) except -1:
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
        out.push_back((<ObjectID> item).id)
    return 0


cdef const uint8_t* id_bytes(bytes binary, Py_ssize_t size) except NULL:
    if binary is None or len(binary) != size:
        raise ValueError(f"an id of {size} bytes is wanted")
    return <const uint8_t*> PyBytes_AS_STRING(binary)
