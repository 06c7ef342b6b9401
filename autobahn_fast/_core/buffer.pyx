# SPDX-License-Identifier: MIT
"""Octets on their way in and out: growing memory that costs nothing while idle.

Knows allocation, growth and pooling. Does not know what the octets mean or where they come from.

Both kinds of buffer take their first memory from small pools of equal blocks, shared by all connections, and give it
back as soon as they are empty. Growth is geometric, so the total cost is linear in the octets that really passed.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_REFCNT, PyObject
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t newsize) except -1
    PyObject *_new_bytes "PyBytes_FromStringAndSize"(const char *v, Py_ssize_t n) except NULL
    char *_bytes_data "PyBytes_AS_STRING"(PyObject *o)
    void _decref "Py_DECREF"(PyObject *o)

cdef extern from "pages.h" nogil:
    void abf_large_pages(void *p, size_t n)

cdef Py_ssize_t MAX_SIZE = <Py_ssize_t>(<size_t>-1 >> 1)

cdef enum:
    READ_BLOCK = 128 * 1024      # what one read of the transport may fill
    READ_POOL = 8
    FLOOD_BLOCK = 512 * 1024     # the same while reads fill their block: fewer of them, and the kernel has less to announce
    FLOOD_POOL = 2
    LEND = FLOOD_BLOCK           # at most this much in one read, so that the octets are still in the cache when parsed
    SMALL_REST = 4096            # an unread rest up to this size moves to memory of its own size between two reads;
    BODY_ROOM = 64 * 1024        # room for a large payload, at least, while it is received
    FLOOD_REST = 64 * 1024       # one in a block of more than READ_BLOCK, up to this size
    WRITE_BLOCK = 80 * 1024      # the 64 KiB after which the engine flushes, and the message that crosses that line
    WRITE_POOL = 8
    WRITE_SPARE = 4160 * 1024    # of larger ones one is kept, up to this size, that was sent at once: malloc may give it
                                 # back to the system, which zeroes it page by page for the next message of a megabyte

cdef PyObject *_read_pool[READ_POOL]
cdef int _read_pooled = 0
cdef PyObject *_flood_pool[FLOOD_POOL]
cdef int _flood_pooled = 0
cdef void *_write_pool[WRITE_POOL]
cdef int _write_pooled = 0
cdef PyObject *_spare = NULL
cdef Py_ssize_t _spare_size = 0


cdef class Block:
    """Memory with the buffer protocol, of which it shows what is free. It is never moved while a view exists, nor freed.

    Loops receive into it: it has a length and slices, which are memoryviews.
    """

    def __cinit__(self, Py_ssize_t size, bint as_bytes=False):
        if size <= 0:
            raise ValueError(f"a block has a positive size, not {size}")
        if as_bytes:
            self._bytes = _new_bytes(NULL, size)
            self.data = <unsigned char *>_bytes_data(<PyObject *>self._bytes)
            abf_large_pages(self.data, size)
        else:
            self.data = <unsigned char *>malloc(size)
            if self.data is NULL:
                raise MemoryError()
        self.size = size

    def __dealloc__(self):
        if self._bytes is not NULL:
            _decref(<PyObject *>self._bytes)
        else:
            free(self.data)

    def __getbuffer__(self, Py_buffer *view, int flags):
        view.buf = self.data + self.offset
        view.len = min(self.size - self.offset, <Py_ssize_t>LEND)
        view.readonly = 0
        view.itemsize = 1
        view.format = NULL
        view.ndim = 1
        view.shape = &view.len
        view.strides = &view.itemsize
        view.suboffsets = NULL
        view.internal = NULL
        view.obj = self
        self.exports += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.exports -= 1

    def __len__(self):
        return min(self.size - self.offset, <Py_ssize_t>LEND)

    def __getitem__(self, where):
        return memoryview(self)[where]

    def __setitem__(self, where, octets):
        memoryview(self)[where] = octets


cdef class ReadBuffer:
    """What was received and is not read yet, in one piece. Holds no memory while empty."""

    cdef unsigned char *reserve(self, Py_ssize_t n) except NULL:
        cdef Py_ssize_t unread = self.end - self.start
        cdef Py_ssize_t size
        cdef Block block
        cdef void *moved
        if self.capacity - self.end >= n and self.data is not NULL:
            return self.data + self.end
        if n < 0 or n > MAX_SIZE - unread:
            raise MemoryError()
        # Moving to the front is worth it when it frees at least as much as it moves; else cost could add up.
        if self.start >= unread and self.capacity - unread >= n and self.data is not NULL:
            memmove(self.data, self.data + self.start, unread)
            self.start = 0
            self.end = unread
            return self.data + unread
        size = unread + n
        if unread > 0 and self.capacity > 0 and size < 2 * self.capacity and self.capacity <= MAX_SIZE // 2:
            size = 2 * self.capacity
        if self.block is not None and self.start == 0 and self.block.exports == 0 and self.block.size > FLOOD_BLOCK:
            moved = realloc(self.data, size)
            if moved is NULL:
                raise MemoryError()
            self.block.data = self.data = <unsigned char *>moved
            self.block.size = self.capacity = size
            return self.data + unread
        block = _new_read_block(size)
        if unread > 0:
            memcpy(block.data, self.data + self.start, unread)
        _give_read_block(self.block)
        self.hold(block)
        self.end = unread
        return self.data + unread

    cdef void hold(self, Block block) noexcept:
        self.block = block
        self.start = 0
        self.end = 0
        if block is None:
            self.data = NULL
            self.capacity = 0
        else:
            self.data = block.data
            self.capacity = block.size

    cdef Block lend(self, Py_ssize_t n):
        # An empty buffer, or one with a small rest of its own size, moves to a block from a pool here.
        cdef Py_ssize_t block = FLOOD_BLOCK if self.flooded else READ_BLOCK
        if self.data is NULL and not self.flooded and n <= READ_BLOCK:
            self.hold(_new_read_block(READ_BLOCK))      # what nearly every read of a quiet connection gets
            self.block.offset = 0
            return self.block
        if self.end - self.start + n < block and self.capacity < block:
            n = block - (self.end - self.start)
        self.reserve(n)
        self.block.offset = self.end
        return self.block

    cdef void received(self, Py_ssize_t n) noexcept:
        self.end += n
        if self.end == self.capacity:
            self.flooded = True
        elif n < READ_BLOCK // 2:
            self.flooded = False

    cdef int append(self, const unsigned char *p, Py_ssize_t n) except -1:
        if n <= 0:
            return 0
        memcpy(self.reserve(n), p, n)
        self.end += n
        return 0

    cdef void consume(self, Py_ssize_t n) noexcept:
        self.start += n
        if self.start >= self.end:
            self.start = 0
            self.end = 0

    cdef void relax(self) noexcept:
        cdef Py_ssize_t unread = self.end - self.start
        cdef Py_ssize_t start = self.start
        cdef Block old = self.block
        cdef Block small
        if old is None:
            return
        if unread == 0:
            self.clear()
        elif (unread <= SMALL_REST and self.capacity > 4 * SMALL_REST
              or unread <= FLOOD_REST and self.capacity > READ_BLOCK):
            try:
                small = Block(unread)
            except MemoryError:
                return
            memcpy(small.data, old.data + start, unread)
            self.hold(small)
            self.end = unread
            _give_read_block(old)

    cdef void clear(self) noexcept:
        cdef Block old = self.block
        self.hold(None)
        _give_read_block(old)

    # --- for tests and inspection from Python ---

    def __len__(self) -> int:
        return self.end - self.start

    def write(self, data) -> None:
        """Append the octets of any bytes-like object."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.append(<const unsigned char *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def read(self, Py_ssize_t n) -> bytes:
        """Take up to ``n`` unread octets."""
        n = max(0, min(n, self.end - self.start))
        data = PyBytes_FromStringAndSize(<const char *>(self.data + self.start), n) if n else b""
        self.consume(n)
        return data

    def free_memory(self) -> None:
        """Give back what the unread octets do not need."""
        self.relax()

    @property
    def allocated(self) -> int:
        """Octets of memory held."""
        return self.capacity


cdef Block _new_read_block(Py_ssize_t size):
    cdef Block block = None
    if READ_BLOCK // 4 < size <= READ_BLOCK:
        block = _pooled(_read_pool, &_read_pooled)
        size = READ_BLOCK
    elif READ_BLOCK < size <= FLOOD_BLOCK:
        block = _pooled(_flood_pool, &_flood_pooled)
        size = FLOOD_BLOCK
    return Block(size) if block is None else block


cdef Block _pooled(PyObject **pool, int *count):
    cdef Block block
    while count[0] > 0:
        # One that somebody still has may still be written to, as by a read that is under way: not for anybody else.
        count[0] -= 1
        block = <Block>pool[count[0]]
        Py_DECREF(block)
        if block.exports == 0 and Py_REFCNT(block) == 1:
            return block
    return None


cdef void _give_read_block(Block block) noexcept:
    global _read_pooled, _flood_pooled
    if block is None:
        return
    if block.size == READ_BLOCK and _read_pooled < READ_POOL:
        Py_INCREF(block)
        _read_pool[_read_pooled] = <PyObject *>block
        _read_pooled += 1
    elif block.size == FLOOD_BLOCK and _flood_pooled < FLOOD_POOL:
        Py_INCREF(block)
        _flood_pool[_flood_pooled] = <PyObject *>block
        _flood_pooled += 1


cdef class Body:
    """A payload that is received into the bytes object it becomes, so that nothing of it is copied at the end.

    The object grows with what has come: what a header announces is not believed.
    """

    cdef void begin(self, Py_ssize_t size) noexcept:
        self.block = None
        self.size = size
        self.end = 0

    cdef void clear(self) noexcept:
        self.begin(0)

    cdef int _reserve(self, Py_ssize_t n) except -1:
        # n <= size - end. As much again as there is, at least; the last time it is exactly the size.
        cdef Py_ssize_t missing = self.size - self.end
        cdef Py_ssize_t size
        cdef PyObject *grown
        cdef Block block = self.block
        if block is None and self.end > 0:
            raise MemoryError()              # it was not to be had before, and what had come is lost
        if block is not None and block.size - self.end >= n:
            return 0
        size = self.end + min(missing, max(n, self.end, <Py_ssize_t>BODY_ROOM))
        if block is not None and block.exports == 0:
            grown = <PyObject *>block._bytes
            self.block = None                # the resize frees the object when it fails
            block._bytes = NULL
            block.data = NULL
            _PyBytes_Resize(&grown, size)
            self.block = block
            block._bytes = grown
            block.data = <unsigned char *>_bytes_data(grown)
            block.size = size
            abf_large_pages(block.data, size)
            return 0
        self.block = Block(size, True)
        if self.end > 0:
            memcpy(self.block.data, block.data, self.end)
        return 0

    cdef int append(self, const unsigned char *p, Py_ssize_t n) except -1:
        if n > self.size - self.end:
            raise ValueError("more payload than the frame has")
        if n > 0 and (self.block is None or p != self.block.data + self.end):
            self._reserve(n)
            memcpy(self.block.data + self.end, p, n)
        self.end += n
        return 0

    cdef Block lend(self):
        self._reserve(min(self.size - self.end, <Py_ssize_t>BODY_ROOM))
        self.block.offset = self.end
        return self.block

    cdef Py_ssize_t room(self) noexcept:
        return self.block.size - self.end if self.block is not None else 0

    cdef bytes take(self):
        cdef PyObject *whole = <PyObject *>self.block._bytes
        data = <bytes>whole
        self.clear()
        return data


cdef class WriteBuffer:
    """What was written and is not sent yet, in one piece. Holds no memory while empty.

    Up to 80 KiB it is a block from a pool, and ``take`` copies it; a larger one is written straight into the bytes
    object that ``take`` returns.
    """

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        global _write_pooled, _spare, _spare_size
        cdef PyObject *large = <PyObject *>self._bytes
        if large is not NULL:
            self._bytes = NULL
            if _spare_size < self.capacity <= WRITE_SPARE:
                large, _spare, _spare_size = _spare, large, self.capacity
            if large is not NULL:
                _decref(large)
        elif self.data is not NULL:
            if _write_pooled < WRITE_POOL:
                _write_pool[_write_pooled] = self.data
                _write_pooled += 1
            else:
                free(self.data)
        self.data = NULL
        self.size = self.capacity = 0

    cdef int grow(self, Py_ssize_t extra) except -1:
        global _write_pooled, _spare, _spare_size
        cdef Py_ssize_t size, written = self.size
        cdef PyObject *large
        if extra < 0 or extra > MAX_SIZE - written - 64:
            raise MemoryError()
        size = written + extra
        if self.data is NULL and size <= WRITE_BLOCK:
            if _write_pooled:
                _write_pooled -= 1
                self.data = <unsigned char *>_write_pool[_write_pooled]
            else:
                self.data = <unsigned char *>malloc(WRITE_BLOCK)
                if self.data is NULL:
                    raise MemoryError()
            self.capacity = WRITE_BLOCK
            return 0
        if size - self.capacity < self.capacity // 2 and self.capacity < MAX_SIZE // 2:
            size = self.capacity + self.capacity // 2
        if self._bytes is not NULL:
            large = <PyObject *>self._bytes
            try:
                _PyBytes_Resize(&large, size)
            except MemoryError:
                self._bytes = NULL          # the resize has freed it
                self.data = NULL
                self.size = self.capacity = 0
                raise
        else:
            if _spare_size >= size:
                large, size = _spare, _spare_size
                _spare, _spare_size = NULL, 0
            else:
                large = _new_bytes(NULL, size)
            if written > 0:
                memcpy(_bytes_data(large), self.data, written)
            self.release()
        self._bytes = large
        self.data = <unsigned char *>_bytes_data(large)
        self.size = written
        self.capacity = size
        abf_large_pages(self.data, size)
        return 0

    cdef bytes take(self):
        cdef PyObject *large
        cdef Py_ssize_t size = self.size
        if self._bytes is not NULL:
            large = <PyObject *>self._bytes
            self._bytes = NULL
            self.data = NULL
            self.size = self.capacity = 0
            _PyBytes_Resize(&large, size)
            data = <bytes>large
            _decref(large)
            return data
        data = PyBytes_FromStringAndSize(<const char *>self.data, size) if size else b""
        self.release()
        return data

    cdef bytes rest(self, Py_ssize_t start):
        data = PyBytes_FromStringAndSize(<const char *>(self.data + start), self.size - start)
        self.release()
        return data

    cdef void truncate(self, Py_ssize_t size) noexcept:
        if size <= 0:
            self.release()
        elif size < self.size:
            self.size = size

    cdef int put(self, const void *p, Py_ssize_t n) except -1:
        if n <= 0:
            return 0
        self.need(n)
        memcpy(self.data + self.size, p, n)
        self.size += n
        return 0

    cdef int put_u16(self, unsigned int v) except -1:
        cdef unsigned char *d
        self.need(2)
        d = self.data + self.size
        d[0] = (v >> 8) & 0xFF
        d[1] = v & 0xFF
        self.size += 2
        return 0

    cdef int put_u32(self, unsigned long v) except -1:
        cdef unsigned char *d
        self.need(4)
        d = self.data + self.size
        d[0] = (v >> 24) & 0xFF
        d[1] = (v >> 16) & 0xFF
        d[2] = (v >> 8) & 0xFF
        d[3] = v & 0xFF
        self.size += 4
        return 0

    cdef int put_u64(self, unsigned long long v) except -1:
        cdef unsigned char *d
        cdef int i
        self.need(8)
        d = self.data + self.size
        for i in range(8):
            d[i] = (v >> (56 - 8 * i)) & 0xFF
        self.size += 8
        return 0

    # --- for tests and inspection from Python ---

    def __len__(self) -> int:
        return self.size

    def write(self, data) -> None:
        """Append the octets of any bytes-like object."""
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self.put(view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def write_int(self, unsigned long long value, int octets) -> None:
        """Append ``value`` big-endian in 1, 2, 4 or 8 octets."""
        if octets == 1:
            self.put_byte(value & 0xFF)
        elif octets == 2:
            self.put_u16(value & 0xFFFF)
        elif octets == 4:
            self.put_u32(value & 0xFFFFFFFF)
        elif octets == 8:
            self.put_u64(value)
        else:
            raise ValueError(f"octets is 1, 2, 4 or 8, not {octets}")

    def pop(self) -> bytes:
        """Take everything written; the buffer is empty then."""
        return self.take()

    def cut(self, Py_ssize_t size) -> None:
        """Forget what was written after the first ``size`` octets."""
        self.truncate(size)

    @property
    def allocated(self) -> int:
        """Octets of memory held."""
        return self.capacity
