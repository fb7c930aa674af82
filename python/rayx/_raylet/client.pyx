"""A client of the node: a driver's, or a worker's."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector

from rayx._raylet.buffers cimport private_part, wrap_view
from rayx._raylet.bytes_and_text cimport bytes_in, bytes_of, id_bytes
from rayx._raylet.completions cimport new_completions
from rayx._raylet.connection cimport Connection, check_made_by, doorway, driver_options
from rayx._raylet.cpp.client cimport CClient, DriverOptions, Interrupted, NamedActor
from rayx._raylet.cpp.ids cimport CFunctionId, CObjectId, IdSpan, WorkerNumber, kObjectIdBytes, kShortIdBytes
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectKind, ObjectPieces, ObjectView, PiecesSpan
from rayx._raylet.cpp.questions cimport Value
from rayx._raylet.cpp.status cimport Status, Unwrap
from rayx._raylet.ids cimport ObjectID, adopt_object_id, adopt_object_ids, append_ids, check_owner
from rayx._raylet.lent cimport Lent, lend_value
from rayx._raylet.questions cimport fields_of, object_of
from rayx._raylet.status cimport raise_unless_ok
from rayx._raylet.tasks cimport RunnableTask, TaskTemplate, new_task
from rayx._raylet.waiting cimport (
    Deadline, Looking, again, deadline_after, end_looking, looking_at, looking_for_signals)


@cython.final
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Client(Connection):
    def __cinit__(self, made_by=None):
        check_made_by(made_by, "a Client is made by Client.connect_driver or Client.adopt_worker")

    @staticmethod
    def connect_driver(str socket_path not None, bytes driver_id not None,
                       str python_version not None, bytes driver_config not None):
        cdef DriverOptions options = driver_options(
            socket_path, driver_id, python_version, driver_config)
        cdef Client made = Client.__new__(Client, doorway())
        cdef Status status
        with nogil:
            status = Unwrap(CClient.ConnectDriver(options), &made.core)
        raise_unless_ok(status)
        return made

    @staticmethod
    def connect_observer(str socket_path not None, bytes observer_id not None):
        cdef DriverOptions options = driver_options(socket_path, observer_id, "", b"")
        cdef Client made = Client.__new__(Client, doorway())
        cdef Status status
        options.observes = True
        with nogil:
            status = Unwrap(CClient.ConnectDriver(options), &made.core)
        raise_unless_ok(status)
        return made

    @staticmethod
    def adopt_worker(int socket_fd, int claim_fd, uint64_t number, str python_version not None):
        cdef string version = python_version.encode()
        cdef Client made = Client.__new__(Client, doorway())
        cdef Status status
        with nogil:
            status = Unwrap(
                CClient.AdoptWorker(
                    socket_fd, claim_fd, WorkerNumber(number), version, True), &made.core)
        raise_unless_ok(status)
        return made

    @property
    def node_id(self):
        return bytes_of(self.core.get().node_id().data(), kShortIdBytes)

    @property
    def pool_bytes(self):
        return self.core.get().pool_bytes()

    @property
    def closed(self):
        return self.core.get().fd() < 0

    def fileno(self):
        return self.core.get().fd()

    def object_id(self, bytes binary not None):
        cdef CObjectId id = CObjectId.FromBytes(id_bytes(binary, kObjectIdBytes))
        self.core.get().AddLocalReference(id)
        return adopt_object_id(self, id)

    def has_reference(self, bytes binary not None):
        return <bint> self.core.get().HasLocalReference(CObjectId.FromBytes(id_bytes(binary, kObjectIdBytes)))

    def export_function(self, bytes function_id not None, str name not None, bytes pickled not None,
                        contained):
        cdef CFunctionId id = CFunctionId.FromBytes(id_bytes(function_id, kShortIdBytes))
        cdef string c_name = name.encode()
        cdef ByteSpan content = ByteSpan(<const uint8_t*> PyBytes_AS_STRING(pickled), len(pickled))
        cdef vector[CObjectId] ids
        cdef Status status
        append_ids(&ids, contained, self)
        with nogil:
            status = self.core.get().ExportFunction(id, c_name, content, IdSpan(ids))
        raise_unless_ok(status)

    def fetch_function(self, bytes function_id not None):
        cdef CFunctionId id = CFunctionId.FromBytes(id_bytes(function_id, kShortIdBytes))
        cdef string pickled
        cdef Looking looking = looking_for_signals()
        cdef Status status
        with nogil:
            status = Unwrap(self.core.get().FetchFunction(id, &looking.looker), &pickled)
        end_looking(&looking)
        raise_unless_ok(status)
        return <bytes> pickled

    def submit(self, TaskTemplate template not None, stream, buffers, contained, dependencies):
        cdef vector[CObjectId] depends
        cdef vector[CObjectId] results
        cdef const ObjectPieces* args = NULL
        cdef Lent lent = None
        cdef Status status
        append_ids(&depends, dependencies, self)
        if template.actor is not None:
            check_owner(template.actor, self)
        if stream is not None:
            lent = lend_value(<int> ObjectKind.kPickle, stream, buffers, contained, self)
            args = &lent.pieces
        with nogil:
            status = Unwrap(self.core.get().Submit(template.core, args, IdSpan(depends)), &results)
        raise_unless_ok(status)
        return adopt_object_ids(self, results)

    def grant_credit(self, ObjectID stream_end not None, uint32_t first, uint32_t count, uint32_t credit):
        cdef vector[CObjectId] ids
        cdef Status status
        check_owner(stream_end, self)
        with nogil:
            status = Unwrap(self.core.get().GrantCredit(stream_end.id, first, count, credit), &ids)
        raise_unless_ok(status)
        return adopt_object_ids(self, ids)

    def cancel(self, ObjectID object_id not None, bint force):
        cdef Status status
        check_owner(object_id, self)
        with nogil:
            status = self.core.get().Cancel(object_id.id, force)
        raise_unless_ok(status)

    def cancel_all(self, bint force):
        cdef Status status
        with nogil:
            status = self.core.get().CancelAll(force)
        raise_unless_ok(status)

    def kill_actor(self, ObjectID object_id not None):
        cdef Status status
        check_owner(object_id, self)
        with nogil:
            status = self.core.get().KillActor(object_id.id)
        raise_unless_ok(status)

    def find_actor(self, str name not None, int64_t timeout_ms):
        cdef string c_name = name.encode()
        cdef optional[NamedActor] found
        cdef ObjectID actor = None
        cdef Looking looking = looking_for_signals()
        cdef Status status
        with nogil:
            status = Unwrap(self.core.get().FindActor(c_name, timeout_ms, &looking.looker), &found)
        # Its reference counts already, whatever the handler of a signal has raised.
        if found.has_value():
            actor = adopt_object_id(self, found.value().id)
        end_looking(&looking)
        raise_unless_ok(status)
        return None if actor is None else (actor, bytes_in(found.value().info))

    def add_worker_setup(self, bytes pickled not None):
        cdef ByteSpan content = ByteSpan(<const uint8_t*> PyBytes_AS_STRING(pickled), len(pickled))
        cdef Status status
        with nogil:
            status = self.core.get().AddWorkerSetup(content)
        raise_unless_ok(status)

    def put(self, int kind, stream, buffers, contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef CObjectId id
        cdef Status status
        with nogil:
            status = Unwrap(self.core.get().Put(lent.pieces), &id)
        raise_unless_ok(status)
        return adopt_object_id(self, id)

    def get(self, ids, int64_t timeout_ms):
        cdef vector[CObjectId] wanted
        cdef vector[ObjectView] views
        cdef Looking looking = looking_at(ids, True)
        cdef Status status
        append_ids(&wanted, ids, self)
        with nogil:
            status = Unwrap(self.core.get().Get(IdSpan(wanted), timeout_ms, &looking.looker), &views)
        end_looking(&looking)
        raise_unless_ok(status)
        return [wrap_view(views[i]) for i in range(views.size())]

    def wait(self, ids, size_t count, int64_t timeout_ms):
        cdef vector[CObjectId] wanted
        cdef vector[cbool] available
        cdef Looking looking
        cdef Status status
        append_ids(&wanted, ids, self)
        looking = looking_at(ids, count >= wanted.size())
        with nogil:
            status = Unwrap(self.core.get().Wait(IdSpan(wanted), count, timeout_ms, &looking.looker),
                            &available)
        end_looking(&looking)
        raise_unless_ok(status)
        return [<bint> available[i] for i in range(available.size())]

    def private_copy(self, part not None):
        return private_part(self, part)

    def poll(self):
        cdef Status status
        with nogil:
            status = self.core.get().Poll()
        raise_unless_ok(status)

    def completions(self):
        return new_completions(self)

    def next_task(self, forget=None):
        cdef RunnableTask task = new_task(self)
        cdef vector[CFunctionId] forgotten
        cdef Deadline none = deadline_after(-1)
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.core.get().NextTask(), &task.core)
            if not again(status, &none):
                return task
            forgotten = self.core.get().TakeForgottenFunctions()
            if forget is not None:
                forget([bytes_of(forgotten[i].data(), kShortIdBytes) for i in range(forgotten.size())])

    def put_result(self, RunnableTask task not None, uint32_t index, int kind, stream, buffers,
                   contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef Status status
        with nogil:
            status = self.core.get().PutResult(task.core, index, lent.pieces)
        raise_unless_ok(status)

    def put_results(self, RunnableTask task not None, results not None, uint32_t first):
        # All are lent, then stored without the GIL: to give it up for each would take longer than to store it.
        cdef list all_lent = []
        cdef vector[const ObjectPieces*] values
        cdef Lent lent
        cdef Status status
        cdef size_t stored = 0
        cdef uint32_t index
        values.reserve(len(results))
        for index in range(first, <uint32_t> len(results)):
            kind, stream, buffers, contained = results[index]
            lent = lend_value(kind, stream, buffers or None, contained, self)
            all_lent.append(lent)
            values.push_back(&lent.pieces)
        with nogil:
            status = self.core.get().PutResults(task.core, first, PiecesSpan(values), &stored)
        if stored == 0:
            raise_unless_ok(status)
        return first + stored

    def put_item(self, RunnableTask task not None, uint32_t item, int kind, stream, buffers, contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef Status status
        with nogil:
            status = self.core.get().PutItem(task.core, item, lent.pieces)
        raise_unless_ok(status)

    def finish_task(self, RunnableTask task not None, str error_text, bint wrote_output, bint failed,
                    ObjectID state=None):
        cdef const CObjectId* c_state = NULL
        if state is not None:
            c_state = &state.id
        cdef string text
        cdef Status status
        if error_text is not None:
            text = error_text.encode("utf-8", "replace")
        with nogil:
            status = self.core.get().FinishTask(task.core, text, wrote_output, failed, c_state)
        raise_unless_ok(status)

    def lend_cpus(self):
        cdef uint64_t wait = 0
        cdef Status status
        with nogil:
            status = Unwrap(self.core.get().LendCpus(), &wait)
        raise_unless_ok(status)
        return wait

    def return_cpus(self, uint64_t wait):
        cdef Status status
        with nogil:
            status = self.core.get().ReturnCpus(wait)
        raise_unless_ok(status)

    def interrupt(self):
        cdef Interrupted found = self.core.get().Interrupt()
        return found.sequence, found.reason

    def note_exit_work(self):
        self.core.get().NoteExitWork()

    def ask(self, str question not None, dict fields not None, int64_t timeout_ms):
        cdef string name = question.encode()
        cdef Value given = fields_of(fields)
        cdef Value found
        cdef Looking looking = looking_for_signals()
        cdef Status status
        with nogil:
            status = Unwrap(self.core.get().Ask(name, given, timeout_ms, &looking.looker), &found)
        end_looking(&looking)
        raise_unless_ok(status)
        return object_of(found)

    def seed_ids(self, uint64_t seed):
        self.core.get().SeedIds(seed)

    def close(self):
        with nogil:
            self.core.get().Close()
