# Octets on their way in and out. Neither buffer knows what is in it.

cdef class Block:
    # Memory with the buffer protocol, which gives data[offset:size]; it lives as long as any view of it.
    cdef unsigned char *data
    cdef Py_ssize_t size, offset
    cdef Py_ssize_t exports                    # views alive; the memory is never moved while there is one
    cdef void *_bytes                          # the bytes object that data is inside of (owned); NULL: data is malloc's


cdef class ReadBuffer:
    # data[start:end] is unread; data[end:capacity] is free. Contiguous: moved to the front when room is needed.
    cdef Block block                           # owner of data; None while there is no memory
    cdef unsigned char *data
    cdef Py_ssize_t start, end, capacity
    cdef bint flooded                          # the last read filled all the room it had: the next one gets more

    # Pointer to at least n free octets behind end (moves or grows the data; pointers into it die).
    cdef unsigned char *reserve(self, Py_ssize_t n) except NULL
    cdef void hold(self, Block block) noexcept                       # becomes the empty buffer's memory
    # Room to receive into (at least n octets): the block, which as a buffer is its free part.
    cdef Block lend(self, Py_ssize_t n)
    cdef void received(self, Py_ssize_t n) noexcept                  # n octets of what was lent are filled
    cdef int append(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef void consume(self, Py_ssize_t n) noexcept
    # Give back memory that the unread octets do not need: all of it when nothing is unread.
    cdef void relax(self) noexcept
    # Forget everything and give the memory back.
    cdef void clear(self) noexcept


cdef class Body:
    # size octets of payload, put together in the bytes object that they become; end of them are there. size 0: none begun.
    cdef Block block                           # None while there is no memory
    cdef Py_ssize_t size, end

    cdef void begin(self, Py_ssize_t size) noexcept
    cdef int append(self, const unsigned char *p, Py_ssize_t n) except -1   # p may be where data was received: at end
    cdef Block lend(self)                                            # room to receive into, for what is missing at most
    cdef Py_ssize_t room(self) noexcept                              # octets of it
    cdef bytes take(self)                                            # all octets are there
    cdef void clear(self) noexcept
    cdef int _reserve(self, Py_ssize_t n) except -1


cdef class WriteBuffer:
    # data[:size] is what was written. put_* grow by themselves and raise MemoryError only.
    cdef unsigned char *data
    cdef Py_ssize_t size, capacity
    cdef void *_bytes                          # large: the bytes object that data is inside of (owned); else NULL

    cdef int grow(self, Py_ssize_t extra) except -1
    cdef void release(self) noexcept
    cdef bytes take(self)                                            # everything written; empties the buffer
    cdef bytes rest(self, Py_ssize_t start)                          # data[start:size], start <= size; empties the buffer
    cdef void truncate(self, Py_ssize_t size) noexcept               # 0: gives the memory back too

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
