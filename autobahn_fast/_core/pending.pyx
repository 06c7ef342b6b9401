# SPDX-License-Identifier: MIT
"""Pending: what is kept about requests until they are answered, by their ids.

Knows that ids are integers from 1 to 2^53, given out in order and forgotten soon. Does not know what a request is, nor what is
kept about it. An id that comes from the peer is never more than looked for.

A dict takes 750 instructions to add an id and to remove it, since it compares integers as objects and has to be made anew again and
again to get rid of what was removed. This takes 170.
"""

cimport cython
from cpython.list cimport PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_Calloc, PyMem_Free

cdef extern from *:
    """
    /* Two entries change places; nobody sees anything in between, and no reference is gained or lost. */
    static inline void abf_exchange(PyObject *list, Py_ssize_t i, Py_ssize_t j)
    {
        PyObject *first = PyList_GET_ITEM(list, i);
        PyList_SET_ITEM(list, i, PyList_GET_ITEM(list, j));
        PyList_SET_ITEM(list, j, first);
    }
    """
    void abf_exchange(list entries, Py_ssize_t i, Py_ssize_t j) noexcept

cdef enum:
    FIRST_SIZE = 16
    KEPT_SIZE = 1024             # places that are kept when nothing is pending any more

cdef long long MAX_ID = 1LL << 53

cdef list NOTHING = []           # of all tables without any room


cdef long long to_id(object request) noexcept:
    # 0, which no request has: something else, and no request either.
    cdef int overflow = 0
    cdef long long number
    if not PyLong_CheckExact(request):
        return 0
    number = PyLong_AsLongLongAndOverflow(request, &overflow)
    return number if overflow == 0 and 0 < number <= MAX_ID else 0


cdef inline Py_ssize_t home(long long request, int shift) noexcept:
    # Where its search begins: Fibonacci hashing.
    return <Py_ssize_t>((<unsigned long long>request * 0x9E3779B97F4A7C15ULL) >> shift)


# Of the collector's two steps only looking is wanted: that the list is emptied breaks every cycle.
@cython.no_gc_clear
cdef class Pending:
    """A mapping of request ids to entries, in the order of the ids. ``None`` is no entry.

    It is a table with open addressing: ids in a row are spread evenly, and at least half of it is free.
    """

    def __cinit__(self):
        self._entries = NOTHING

    def __dealloc__(self):
        PyMem_Free(self._ids)

    cdef Py_ssize_t find(self, long long request) noexcept:
        cdef Py_ssize_t at, mask = self._size - 1
        # The list is empty, and no place leads into it, once the garbage collector has been here.
        if self._used == 0 or request <= 0 or PyList_GET_SIZE(self._entries) != self._size:
            return -1
        at = home(request, self._shift)
        while self._ids[at] != request:
            if self._ids[at] == 0:
                return -1
            at = (at + 1) & mask
        return at

    cdef int put(self, long long request, object entry) except -1:
        cdef Py_ssize_t at
        if not 0 < request <= MAX_ID or entry is None:
            raise ValueError("an id is an int from 1 to 2^53, and an entry is not None")
        if PyList_GET_SIZE(self._entries) != self._size:
            raise RuntimeError("this table was taken apart as garbage, with all that it had")
        while 2 * (self._used + 1) > self._size:
            self._resize(max(2 * self._size, FIRST_SIZE))
        at = home(request, self._shift)
        while self._ids[at] != request:
            if self._ids[at] == 0:
                self._ids[at] = request
                self._used += 1
                break
            at = (at + 1) & (self._size - 1)
        self._entries[at] = entry
        return 0

    cdef object take(self, long long request):
        cdef Py_ssize_t gap = self.find(request), at = gap, mask = self._size - 1
        if gap < 0:
            return None
        entry = self._entries[gap]
        # Those behind it come closer to their homes, unless that would have them in front of these: no search ends too early.
        while True:
            at = (at + 1) & mask
            if self._ids[at] == 0:
                break
            if ((at - home(self._ids[at], self._shift)) & mask) >= ((at - gap) & mask):
                self._ids[gap] = self._ids[at]
                abf_exchange(self._entries, gap, at)
                gap = at
        self._ids[gap] = 0
        self._entries[gap] = None
        self._used -= 1
        if self._used == 0 and self._size > KEPT_SIZE:
            self._forget()
        return entry

    cdef int _resize(self, Py_ssize_t size) except -1:
        # Room for so many, a power of two and twice as many as there are. What raises has done nothing.
        cdef list made = [None] * size   # first of all: the collector may run here, and finalizers that use this table
        cdef long long *had = self._ids
        cdef list entries = self._entries
        cdef Py_ssize_t i, at, had_size = self._size
        cdef int shift = 64
        cdef long long *ids
        if had_size >= size:
            return 0                     # which one of those has done
        ids = <long long *>PyMem_Calloc(size, sizeof(long long))
        if ids is NULL:
            raise MemoryError()
        while (1LL << (64 - shift)) < size:
            shift -= 1
        self._ids = ids
        self._entries = made
        self._size = size
        self._shift = shift
        for i in range(had_size):
            if had[i] != 0:
                at = home(had[i], shift)
                while ids[at] != 0:
                    at = (at + 1) & (size - 1)
                ids[at] = had[i]
                made[at] = entries[i]
        PyMem_Free(had)
        return 0

    cdef int _forget(self) except -1:
        cdef list had = self._entries
        self._entries = NOTHING
        PyMem_Free(self._ids)
        self._ids = NULL
        self._size = self._used = 0
        return 0                         # what the entries do when they end finds nothing here

    cdef list _in_order(self):
        cdef list found = []
        cdef Py_ssize_t i
        if PyList_GET_SIZE(self._entries) == self._size:
            for i in range(self._size):
                if self._ids[i] != 0:
                    found.append(self._ids[i])
        found.sort()
        return found

    # --- as any mapping ---

    def __len__(self) -> int:
        return self._used

    def __contains__(self, request) -> bool:
        return self.find(to_id(request)) >= 0

    def __iter__(self):
        return iter(self._in_order())

    def __getitem__(self, request):
        cdef Py_ssize_t at = self.find(to_id(request))
        if at < 0:
            raise KeyError(request)
        return self._entries[at]

    def __setitem__(self, request, entry) -> None:
        self.put(to_id(request), entry)

    def __delitem__(self, request) -> None:
        if self.take(to_id(request)) is None:
            raise KeyError(request)

    def get(self, request, default=None):
        """What is kept about a request; ``default`` when there is none."""
        cdef Py_ssize_t at = self.find(to_id(request))
        return default if at < 0 else self._entries[at]

    def pop(self, request, *default):
        """Remove a request.

        :returns: what was kept about it; ``default`` when there is none.
        :raises KeyError: there is none, and no ``default`` either.
        """
        entry = self.take(to_id(request))
        if entry is not None:
            return entry
        if not default:
            raise KeyError(request)
        return default[0]

    def keys(self) -> list:
        """The ids, in their order."""
        return self._in_order()

    def values(self) -> list:
        """What is kept, in the order of ids."""
        return [self[request] for request in self._in_order()]

    def items(self) -> list:
        """Pairs of both."""
        return [(request, self[request]) for request in self._in_order()]

    def clear(self) -> None:
        """Remove all."""
        self._forget()
