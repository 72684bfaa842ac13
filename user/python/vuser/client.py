# SPDX-License-Identifier: BSD-3-Clause
"""A client of a vfio-user device, for tests."""

import ctypes
import os

from vuser import library
from vuser.library import check, lib

_TIMEOUT_MS = 20000
_READ_WRITE = 3


class Client:
    """A synchronous client, without a driver and without the kernel module."""

    def __init__(self, path, timeout_ms=_TIMEOUT_MS):
        self._client = ctypes.c_void_p()
        check(lib.vuser_client_new(os.fsencode(path), None, timeout_ms, None, None,
                                   self._client))

    def close(self):
        """Disconnect."""
        client, self._client = self._client, ctypes.c_void_p()
        lib.vuser_client_free(client)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def read(self, region, offset, size):
        """Read an int from a region."""
        buf = ctypes.create_string_buffer(size)
        check(lib.vuser_client_read(self._client, region, offset, buf, size))
        return int.from_bytes(buf.raw, "little")

    def write(self, region, offset, size, value):
        """Write an int to a region."""
        check(lib.vuser_client_write(self._client, region, offset,
                                     value.to_bytes(size, "little"), size))

    def reset(self):
        """Reset the device."""
        check(lib.vuser_client_reset(self._client))

    def dma_map(self, iova, size, file, offset=0):
        """Let the device access a file as memory."""
        check(lib.vuser_client_dma_map(self._client, iova, size, _READ_WRITE, file,
                                       offset))

    def dma_unmap(self, iova, size):
        """Take memory back."""
        check(lib.vuser_client_dma_unmap(self._client, iova, size))

    def set_eventfds(self, index, eventfds):
        """Set the eventfds of an interrupt type: library.INTX, MSI or MSIX."""
        fds = (ctypes.c_int * len(eventfds))(*eventfds)
        check(lib.vuser_client_set_irqs(
            self._client, library.SET_DATA_EVENTFD | library.SET_TRIGGER, index, 0,
            len(eventfds), None, fds))

    def unmask(self, index, vector=0):
        """Unmask an interrupt."""
        check(lib.vuser_client_set_irqs(
            self._client, library.SET_DATA_NONE | library.SET_UNMASK, index, vector, 1,
            None, None))
