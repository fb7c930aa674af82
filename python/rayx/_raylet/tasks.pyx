"""What a caller asks for, and what a worker is given to run."""

cimport cython
from libc.stdint cimport uint32_t
from libcpp.string cimport string

from rayx._raylet.buffers cimport wrap_view
from rayx._raylet.bytes_and_text cimport bytes_in, bytes_of, id_bytes, text_of
from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.ids cimport CFunctionId, CObjectId, kShortIdBytes
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectView
from rayx._raylet.cpp.status cimport Unwrap
from rayx._raylet.cpp.tasks cimport CallOptions, HasDefaults, ResourceAmount, ResourceSet, TaskKind
from rayx._raylet.ids cimport ObjectID, adopt_object_id
from rayx._raylet.status cimport raise_unless_ok

from types import MappingProxyType

cdef CallOptions default_options
DEFAULT_OPTIONS = MappingProxyType(default_options)


# Most tasks have the defaults, for which no dictionary is made.
cdef inline object options_of(CallOptions options):
    return DEFAULT_OPTIONS if HasDefaults(options) else options


cdef dict amounts_of(const ResourceSet& resources):
    return {text_of(resources.items()[i].first): resources.items()[i].second.ToDouble()
            for i in range(resources.items().size())}


@cython.final
cdef class TaskTemplate:
    def __init__(self, bytes function_id not None, str name not None, dict resources not None,
                 uint32_t num_return_vals, dict options not None, *, int kind=<int> TaskKind.kFunction,
                 ObjectID actor=None, str method not None="", str actor_name not None="",
                 bytes actor_info not None=b""):
        if not <int> TaskKind.kFunction <= kind <= <int> TaskKind.kActorCall:
            raise ValueError(f"there is no kind {kind} of tasks")
        cdef ResourceAmount amount
        self.core.function = CFunctionId.FromBytes(id_bytes(function_id, kShortIdBytes))
        self.core.name = name.encode()
        for resource, value in resources.items():
            raise_unless_ok(Unwrap(ResourceAmount.FromDouble(value), &amount))
            self.core.resources.Set(<string> resource.encode(), amount)
        self.core.return_count = num_return_vals
        for name in options:
            if name not in DEFAULT_OPTIONS:
                raise ValueError(f"there is no option {name!r} of calls")
        self.core.options = {**DEFAULT_OPTIONS, **options}
        self.core.kind = <TaskKind> kind
        self.actor = actor
        if actor is not None:
            self.core.actor = actor.id
        self.core.method = method.encode()
        self.core.actor_name = actor_name.encode()
        self.core.actor_info = actor_info

    @property
    def function_id(self):
        return bytes_of(self.core.function.data(), kShortIdBytes)

    @property
    def name(self):
        return text_of(self.core.name)

    @property
    def resources(self):
        return amounts_of(self.core.resources)

    @property
    def num_return_vals(self):
        return self.core.return_count

    @property
    def kind(self):
        return <int> self.core.kind

    @property
    def method(self):
        return text_of(self.core.method)

    @property
    def actor_name(self):
        return text_of(self.core.actor_name)

    @property
    def actor_info(self):
        return <bytes> self.core.actor_info

    @property
    def options(self):
        return options_of(self.core.options)


@cython.final
cdef class RunnableTask:
    def __init__(self, *args, **kwargs):
        raise TypeError("a RunnableTask is what Client.next_task returns, not made by hand")

    @property
    def task_id(self):
        return bytes_of(self.core.id.data(), kShortIdBytes)

    @property
    def driver_id(self):
        return bytes_of(self.core.driver.data(), kShortIdBytes)

    @property
    def function_id(self):
        return bytes_of(self.core.function.data(), kShortIdBytes)

    @property
    def name(self):
        if self.text_of_name is None:
            self.text_of_name = text_of(self.core.name)
        return self.text_of_name

    @property
    def sequence(self):
        return self.core.sequence

    @property
    def attempt(self):
        return self.core.attempt

    @property
    def kind(self):
        return <int> self.core.kind

    @property
    def actor_id(self):
        return bytes_of(self.core.actor.data(), kShortIdBytes)

    @property
    def method(self):
        return text_of(self.core.method)

    @property
    def gpu_ids(self):
        return [self.core.gpus[i] for i in range(self.core.gpus.size())]

    @property
    def num_cpus(self):
        return self.core.cpus

    @property
    def options(self):
        return options_of(self.core.options)

    @property
    def setups(self):
        return [bytes_in(self.core.setups[i]) for i in range(self.core.setups.size())]

    @property
    def num_return_vals(self):
        return self.core.return_count

    @property
    def args(self):
        if self.core.args_in_store:
            return wrap_view(self.core.values.back())
        if self.core.args.size() == 0:
            return None
        return wrap_view(ObjectView(self.core.memory, self.core.args))

    @property
    def values(self):
        cdef size_t count = self.core.values.size() - (1 if self.core.args_in_store else 0)
        return [wrap_view(self.core.values[i]) for i in range(count)]

    @property
    def has_news(self):
        return self.core.driver_config.has_value() or self.core.setups.size() > 0

    @property
    def driver_config(self):
        if not self.core.driver_config.has_value():
            return None
        return bytes_in(self.core.driver_config.value())

    @property
    def state(self):
        if not self.core.state.has_value():
            return None
        cdef CObjectId id = self.core.state.value()
        self.client.core.get().AddLocalReference(id)
        return adopt_object_id(self.client, id)

    def release(self):
        self.core.values.clear()
        self.core.args_in_store = False
        self.core.args = ByteSpan()
        self.core.memory.reset()


cdef RunnableTask new_task(Connection client):
    cdef RunnableTask made = RunnableTask.__new__(RunnableTask)
    made.client = client
    return made
