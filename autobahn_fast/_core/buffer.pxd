# Octets on their way in and out. Neither buffer knows what is in it.

cdef class ReadBuffer:
    # data[start:end] is unread; data[end:capacity] is free. Contiguous: moved to the front when room is needed.
    cdef unsigned char *data
    cdef Py_ssize_t start, end, capacity

    # Pointer to at least n free octets behind end (moves or grows the data; pointers into it die).
    cdef unsigned char *reserve(self, Py_ssize_t n) except NULL
    cdef int append(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef void consume(self, Py_ssize_t n) noexcept
    # Give the memory back when nothing is unread and the buffer has grown beyond its idle size.
    cdef void relax(self) noexcept


cdef class WriteBuffer:
    # data[:size] is what was written. put_* grow by themselves and raise MemoryError only.
    cdef unsigned char *data
    cdef Py_ssize_t size, capacity

    cdef int grow(self, Py_ssize_t extra) except -1
    cdef bytes take(self)
    cdef void truncate(self, Py_ssize_t size) noexcept

    cdef inline int need(self, Py_ssize_t extra) except -1:
        if self.capacity - self.size < extra:
            return self.grow(extra)
        return 0
    cdef inline int put_byte(self, unsigned char c) except -1:
        self.need(1)
        self.data[self.size] = c
        self.size += 1
        return 0
    cdef int put(self, const void *p, Py_ssize_t n) except -1
    cdef int put_u16(self, unsigned int v) except -1                 # big-endian
    cdef int put_u32(self, unsigned long v) except -1
    cdef int put_u64(self, unsigned long long v) except -1
