# The connection to the node.


cdef dict amounts_of(const ResourceSet& resources):
    return {text_of(resources.items()[i].first): resources.items()[i].second.ToDouble()
            for i in range(resources.items().size())}


# What a question asks about.
cdef Value fields_of(dict fields) except *:
    cdef Value made = Value(ValueKind.kTable)
    for name, value in fields.items():
        if type(value) is str:
            made.Add(<string> name.encode(), Value.OfText(value.encode()))
        elif type(value) is bytes:
            made.Add(<string> name.encode(), Value.OfBytes(value))
        else:
            made.Add(<string> name.encode(), Value.OfInteger(value))
    return made


# What it is answered.
cdef object object_of(const Value& value):
    if value.kind == ValueKind.kInteger:
        return value.integer
    if value.kind == ValueKind.kReal:
        return value.real
    if value.kind == ValueKind.kText:
        return text_of(value.text)
    if value.kind == ValueKind.kBytes:
        return bytes_in(value.text)
    if value.kind == ValueKind.kList:
        return [object_of(value.items[i]) for i in range(value.items.size())]
    if value.kind == ValueKind.kTable:
        return {text_of(value.names[i]): object_of(value.items[i]) for i in range(value.items.size())}
    return None


@cython.final
cdef class Client:
    cdef unique_ptr[CClient] client

    def __cinit__(self, made_by=None):
        if made_by is not DOORWAY:
            raise TypeError("a Client is made by Client.connect_driver or Client.adopt_worker")

    def __dealloc__(self):
        # Destroying closes, which may have to wait for threads that want the GIL.
        if self.client.get() != NULL:
            with nogil:
                self.client.reset()

    cdef inline CClient* core(self) noexcept nogil:
        return self.client.get()

    @staticmethod
    def connect_driver(str socket_path not None, bytes driver_id not None,
                       str python_version not None, bytes driver_config not None):
        cdef DriverOptions options = driver_options(
            socket_path, driver_id, python_version, driver_config)
        cdef Client made = Client.__new__(Client, DOORWAY)
        cdef Status status
        with nogil:
            status = Unwrap(CClient.ConnectDriver(options), &made.client)
        raise_unless_ok(status)
        return made

    @staticmethod
    def adopt_worker(int socket_fd, int claim_fd, uint64_t number, str python_version not None):
        cdef string version = python_version.encode()
        cdef Client made = Client.__new__(Client, DOORWAY)
        cdef Status status
        with nogil:
            status = Unwrap(
                CClient.AdoptWorker(
                    socket_fd, claim_fd, WorkerNumber(number), version, True), &made.client)
        raise_unless_ok(status)
        return made

    @property
    def node_id(self):
        return bytes_of(self.core().node_id().data(), SHORT_ID_BYTES)

    @property
    def pool_bytes(self):
        return self.core().pool_bytes()

    @property
    def closed(self):
        return self.core().fd() < 0

    def fileno(self):
        return self.core().fd()

    def object_id(self, bytes binary not None):
        cdef CObjectId id = CObjectId.FromBytes(id_bytes(binary, OBJECT_ID_BYTES))
        self.core().AddLocalReference(id)
        return adopt_object_id(self, id)

    def has_reference(self, bytes binary not None):
        return <bint> self.core().HasLocalReference(CObjectId.FromBytes(id_bytes(binary, OBJECT_ID_BYTES)))

    def export_function(self, bytes function_id not None, str name not None, bytes pickled not None,
                        contained):
        cdef CFunctionId id = CFunctionId.FromBytes(id_bytes(function_id, SHORT_ID_BYTES))
        cdef string c_name = name.encode()
        cdef ByteSpan content = ByteSpan(<const uint8_t*> PyBytes_AS_STRING(pickled), len(pickled))
        cdef vector[CObjectId] ids
        cdef Status status
        append_ids(&ids, contained, self)
        with nogil:
            status = self.core().ExportFunction(id, c_name, content, IdSpan(ids))
        raise_unless_ok(status)

    def fetch_function(self, bytes function_id not None):
        cdef CFunctionId id = CFunctionId.FromBytes(id_bytes(function_id, SHORT_ID_BYTES))
        cdef string pickled
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.core().FetchFunction(id), &pickled)
            raise_unless_ok(status)
            if not interrupted(status):
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
            status = Unwrap(self.core().Submit(template.core, args, IdSpan(depends)), &results)
        raise_unless_ok(status)
        return [adopt_object_id(self, results[i]) for i in range(results.size())]

    def grant_credit(self, ObjectID stream_end not None, uint32_t first, uint32_t count, uint32_t credit):
        cdef vector[CObjectId] ids
        cdef Status status
        check_owner(stream_end, self)
        with nogil:
            status = Unwrap(self.core().GrantCredit(stream_end.id, first, count, credit), &ids)
        raise_unless_ok(status)
        return [adopt_object_id(self, ids[i]) for i in range(ids.size())]

    def cancel(self, ObjectID object_id not None, bint force):
        cdef Status status
        check_owner(object_id, self)
        with nogil:
            status = self.core().Cancel(object_id.id, force)
        raise_unless_ok(status)

    def cancel_all(self, bint force):
        cdef Status status
        with nogil:
            status = self.core().CancelAll(force)
        raise_unless_ok(status)

    def kill_actor(self, ObjectID object_id not None):
        cdef Status status
        check_owner(object_id, self)
        with nogil:
            status = self.core().KillActor(object_id.id)
        raise_unless_ok(status)

    def find_actor(self, str name not None, int64_t timeout_ms):
        cdef string c_name = name.encode()
        cdef optional[NamedActor] found
        cdef int64_t start_ms = now_ms()
        cdef int64_t left_ms = timeout_ms
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.core().FindActor(c_name, left_ms), &found)
            raise_unless_ok(status)
            if not interrupted(status):
                break
            left_ms = remaining_ms(start_ms, timeout_ms)
        if not found.has_value():
            return None
        return adopt_object_id(self, found.value().id), bytes_in(found.value().info)

    def add_worker_setup(self, bytes pickled not None):
        cdef ByteSpan content = ByteSpan(<const uint8_t*> PyBytes_AS_STRING(pickled), len(pickled))
        cdef Status status
        with nogil:
            status = self.core().AddWorkerSetup(content)
        raise_unless_ok(status)

    def put(self, int kind, stream, buffers, contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef CObjectId id
        cdef Status status
        with nogil:
            status = Unwrap(self.core().Put(lent.pieces), &id)
        raise_unless_ok(status)
        return adopt_object_id(self, id)

    def get(self, ids, int64_t timeout_ms):
        cdef vector[CObjectId] wanted
        cdef vector[ObjectView] views
        cdef Looking looking = looking_at(ids, True)
        cdef Status status
        append_ids(&wanted, ids, self)
        with nogil:
            status = Unwrap(self.core().Get(IdSpan(wanted), timeout_ms, &looking.looker), &views)
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
            status = Unwrap(self.core().Wait(IdSpan(wanted), count, timeout_ms, &looking.looker),
                            &available)
        end_looking(&looking)
        raise_unless_ok(status)
        return [<bint> available[i] for i in range(available.size())]

    def private_copy(self, part not None):
        return private_part(self, part)

    def poll(self):
        cdef Status status
        with nogil:
            status = self.core().Poll()
        raise_unless_ok(status)

    def completions(self):
        return Completions.__new__(Completions, DOORWAY, self)

    def next_task(self, forget=None):
        cdef RunnableTask task = RunnableTask.__new__(RunnableTask)
        task.client = self
        cdef vector[CFunctionId] forgotten
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.core().NextTask(), &task.core)
            raise_unless_ok(status)
            if not interrupted(status):
                return task
            forgotten = self.core().TakeForgottenFunctions()
            if forget is not None:
                forget([bytes_of(forgotten[i].data(), SHORT_ID_BYTES) for i in range(forgotten.size())])

    def put_result(self, RunnableTask task not None, uint32_t index, int kind, stream, buffers,
                   contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef Status status
        with nogil:
            status = self.core().PutResult(task.core, index, lent.pieces)
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
            status = self.core().PutResults(task.core, first, PiecesSpan(values), &stored)
        if stored == 0:
            raise_unless_ok(status)
        return first + stored

    def put_item(self, RunnableTask task not None, uint32_t item, int kind, stream, buffers, contained):
        cdef Lent lent = lend_value(kind, stream, buffers, contained, self)
        cdef Status status
        with nogil:
            status = self.core().PutItem(task.core, item, lent.pieces)
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
            status = self.core().FinishTask(task.core, text, wrote_output, failed, c_state)
        raise_unless_ok(status)

    def lend_cpus(self):
        cdef uint64_t wait = 0
        cdef Status status
        with nogil:
            status = Unwrap(self.core().LendCpus(), &wait)
        raise_unless_ok(status)
        return wait

    def return_cpus(self, uint64_t wait):
        cdef Status status
        with nogil:
            status = self.core().ReturnCpus(wait)
        raise_unless_ok(status)

    def interrupt(self):
        cdef Interrupted found = self.core().Interrupt()
        return found.sequence, found.reason

    def note_exit_work(self):
        self.core().NoteExitWork()

    def ask(self, str question not None, dict fields not None, int64_t timeout_ms):
        cdef string name = question.encode()
        cdef Value given = fields_of(fields)
        cdef Value found
        cdef int64_t start_ms = now_ms()
        cdef int64_t left_ms = timeout_ms
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.core().Ask(name, given, left_ms), &found)
            raise_unless_ok(status)
            if not interrupted(status):
                return object_of(found)
            left_ms = remaining_ms(start_ms, timeout_ms)

    def seed_ids(self, uint64_t seed):
        self.core().SeedIds(seed)

    def close(self):
        with nogil:
            self.core().Close()
