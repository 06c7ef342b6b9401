# Requests under way, by their ids.


cdef class Pending:
    cdef long long *_ids                        # NULL: there is no room yet; an id of 0: a free place
    cdef list _entries                          # at the same places; None where there is none
    cdef Py_ssize_t _size                       # places: a power of two, or 0
    cdef Py_ssize_t _used
    cdef int _shift                             # 64 less the binary logarithm of _size

    cdef Py_ssize_t find(self, long long request) noexcept               # its place; -1: there is none
    cdef int put(self, long long request, object entry) except -1        # ValueError: no request has such an id
    cdef object take(self, long long request)                            # the entry, which is removed; None: there is none
    cdef int _resize(self, Py_ssize_t size) except -1
    cdef int _forget(self) except -1
    cdef list _in_order(self)
