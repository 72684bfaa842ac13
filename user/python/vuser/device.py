# SPDX-License-Identifier: BSD-3-Clause
"""A PCI device that Python code implements."""

import collections
import ctypes
import errno
import mmap
import os
import select
import sys
import traceback

from vuser import library
from vuser.library import check, lib

Bar = collections.namedtuple("Bar", "size flags shared", defaults=(0, False))
Bar.__doc__ = """A BAR: its size in bytes, a power of two, and the flags of its register:
0, 1 (I/O), 4 (64 bits, which also takes the next BAR), 8 (prefetchable). A BAR that is
shared is memory, which the driver can map; the device has it as self.memory[INDEX]."""

_MSIX_BAR = 4


class Request:
    """A callback that answers later; any thread may call done()."""

    def __init__(self, pointer, size):
        self._pointer = pointer
        self._size = size

    def done(self, value=0, error=0):
        """Answer with the value of a read, or with an errno. Call this once."""
        # If the value is invalid, the request is not answered yet.
        data = _data(value, self._size) if self._size and not error else b""
        pointer, self._pointer = self._pointer, None
        if not pointer:
            raise ValueError("the request is answered already")
        if data:
            ctypes.memmove(lib.vuser_request_data(pointer), data, len(data))
        lib.vuser_request_done(pointer, -error)


def _data(value, size):
    """The bytes of a value that read() returned."""
    if isinstance(value, int):
        return (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if len(value) != size:
        raise ValueError(f"{len(value)} bytes instead of {size}")
    return bytes(value)


def _guarded(function):
    """A callback for the library: return 0 or -errno, and never raise."""
    def call(*args):
        try:
            function(*args)
        except OSError as error:
            return -(error.errno or errno.EIO)
        except Exception:  # pylint: disable=broad-except
            # ctypes cannot pass an exception through the library.
            traceback.print_exc()
            return -errno.EIO
        return 0
    return call


class Device:
    """A PCI device. Derive a class, set the attributes, override methods.

    The library calls the methods in the thread that calls process() or serve(). A
    method that raises OSError answers with this errno; with every other exception the
    client gets EIO.
    """

    vendor = 0x1234
    device = 0
    subsystem_vendor = 0
    subsystem = 0
    class_code = 0xff0000
    revision = 0
    bars = {}         # index: Bar
    intx = False      # the device has INTx
    msi = 0           # number of vectors: 0, 1, 2, 4, 8, 16 or 32
    msix = 0          # number of vectors; their table takes BAR 4
    access_max = 4    # accesses have 1, 2, 4 or, if this is 8, 8 bytes
    config_size = 256  # bytes of configuration space: 256 or 4096

    def read(self, bar, offset, size):
        """Read a register: return an int, or bytes. Or return self.defer()."""
        del bar, offset, size
        return 0

    def write(self, bar, offset, size, value):
        """Write an int to a register. Return self.defer() to answer later."""

    def reset(self):
        """Reset the registers. Return self.defer() to answer later."""

    def connected(self):
        """A client has connected."""

    def disconnected(self, error):
        """The client has disconnected; error is 0, or an errno."""

    def dma_map(self, iova, size, prot):
        """The client has mapped memory for DMA."""

    def dma_unmap(self, iova, size):
        """The client unmaps memory. Return self.defer() to answer later."""

    def log(self, level, text):
        """A line for a log; level is a level of syslog(3)."""
        if level <= 4:
            print(text, file=sys.stderr)

    def __init__(self):
        self.memory = {}
        self._files = []
        self._size = 0
        self._pci = library.Pci()
        self._msix = library.Msix()
        self._server = ctypes.c_void_p()
        self._callbacks()
        try:
            self._config_space()
            config = library.ServerConfig(device_flags=library.DEVICE_FLAGS_PCI)
            check(lib.vuser_server_new(self._ops, config, None, self._server))
            self._regions()
            self._interrupts()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Disconnect the client, remove the socket file and free the server."""
        server, self._server = self._server, ctypes.c_void_p()
        lib.vuser_server_free(server)
        lib.vuser_msix_fini(self._msix)
        for file in self._files:
            os.close(file)
        self._files = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def listen(self, path, mode=None):
        """Wait for clients at a socket file; mode is that of the file."""
        path = os.fsencode(path)
        if mode is None:
            check(lib.vuser_server_listen(self._server, path))
        else:
            check(lib.vuser_server_listen_mode(self._server, path, mode))

    def fileno(self):
        """The file descriptor that is readable when process() has work."""
        return lib.vuser_server_fd(self._server)

    def process(self):
        """Serve what has arrived. Does not wait."""
        check(lib.vuser_server_process(self._server))

    def serve(self, path, mode=None):
        """Listen, and serve clients until an exception, e.g. KeyboardInterrupt."""
        self.listen(path, mode)
        poll = select.poll()
        poll.register(self, select.POLLIN)
        while True:
            poll.poll()
            self.process()

    def disconnect(self):
        """Disconnect the client."""
        lib.vuser_server_disconnect(self._server)

    @property
    def is_connected(self):
        """Whether a client is connected."""
        return lib.vuser_server_connected(self._server)

    @property
    def bus_master(self):
        """Whether the driver allows the device to do DMA."""
        return lib.vuser_pci_bus_master(self._pci)

    def dma_read(self, iova, size):
        """Read memory of the client: return bytes. Any thread."""
        buf = ctypes.create_string_buffer(size)
        check(lib.vuser_dma_read(self._server, iova, buf, size))
        return buf.raw

    def dma_write(self, iova, data):
        """Write bytes to memory of the client. Any thread."""
        data = bytes(data)
        check(lib.vuser_dma_write(self._server, iova, data, len(data)))

    def fire(self, vector=0):
        """Fire an interrupt. Return whether the driver has enabled it. Any thread."""
        ret = lib.vuser_irq_fire(self._server, vector)
        if ret == -errno.ENOENT:
            return False
        check(ret)
        return True

    def clear(self):
        """Drop an INTx that is pending because it is masked. Any thread."""
        lib.vuser_irq_clear(self._server, library.INTX, 0)

    def defer(self):
        """Answer the method that runs later: it must return the result of this call."""
        pointer = lib.vuser_server_defer(self._server)
        if not pointer:
            raise OSError(errno.EBUSY, "the answer cannot be deferred")
        return Request(pointer, self._size)

    # The callbacks of the library.

    def _callbacks(self):
        """Make the callbacks. They must live as long as the server."""
        self._read_bar = library.READ(_guarded(self._on_read))
        self._write_bar = library.READ(_guarded(self._on_write))
        self._read_config = library.READ(_guarded(self._on_read_config))
        self._write_config = library.READ(_guarded(self._on_write_config))
        self._ops = library.ServerOps(
            connected=library.VOID(_guarded_void(lambda _: self.connected())),
            disconnected=library.DISCONNECTED(
                _guarded_void(lambda _, error: self.disconnected(-error))),
            reset=library.INT(_guarded(lambda _: self._on_reset())),
            dma_map=library.MAP(_guarded(lambda _, region: self.dma_map(
                region[0].iova, region[0].size, region[0].prot))),
            dma_unmap=library.UNMAP(_guarded_void(self._on_unmap)),
            log=library.LOG(_guarded_void(lambda _, level, line: self.log(
                level, line.decode(errors="replace")))))

    def _on_read(self, _, index, offset, buf, size):
        if index in self.memory:
            data = self.memory[index][offset:offset + size]
        elif index == _MSIX_BAR and self.msix:
            self._msix_access(offset, buf, size, write=False)
            return
        else:
            self._size = size
            try:
                data = self.read(index, offset, size)
            finally:
                self._size = 0
            if isinstance(data, Request):
                return
        ctypes.memmove(buf, _data(data, size), size)

    def _on_write(self, _, index, offset, buf, size):
        if index == _MSIX_BAR and self.msix:
            self._msix_access(offset, buf, size, write=True)
            return
        data = ctypes.string_at(buf, size)
        if index in self.memory:
            self.memory[index][offset:offset + size] = data
        else:
            self.write(index, offset, size, int.from_bytes(data, "little"))

    def _on_read_config(self, _, index, offset, buf, size):
        del index
        check(lib.vuser_pci_read(self._pci, offset, buf, size))

    def _on_write_config(self, _, index, offset, buf, size):
        del index
        check(lib.vuser_pci_write(self._pci, offset, buf, size))

    def _on_reset(self):
        lib.vuser_pci_reset(self._pci)
        if self.msix:
            lib.vuser_msix_reset(self._msix)
        self.clear()
        self.reset()

    def _on_unmap(self, _, region):
        self.dma_unmap(region[0].iova, region[0].size)

    # MSI-X: the table is at the start of its BAR, the pending bits follow.

    def _msix_access(self, offset, buf, size, write):
        table = self.msix * 16
        if offset >= table and not write:
            lib.vuser_msix_pba_read(self._msix, offset - table, buf, size)
        elif write:
            lib.vuser_msix_table_write(self._msix, offset, buf, size)
        else:
            lib.vuser_msix_table_read(self._msix, offset, buf, size)

    # The description of the device.

    def _all_bars(self):
        bars = dict(self.bars)
        if self.msix:
            size = 4096
            while size < self.msix * 16 + 256:
                size *= 2
            bars[_MSIX_BAR] = Bar(size)
        return bars

    def _config_space(self):
        ids = library.PciIds(vendor=self.vendor, device=self.device,
                             subsystem_vendor=self.subsystem_vendor,
                             subsystem=self.subsystem, class_code=self.class_code,
                             revision=self.revision)
        check(lib.vuser_pci_init(self._pci, self.config_size, ids))
        for index, bar in self._all_bars().items():
            check(lib.vuser_pci_set_bar(self._pci, index, bar.size, bar.flags))
        if self.intx:
            lib.vuser_pci_set_intx(self._pci, 1)
        if self.msi:
            check(lib.vuser_pci_add_msi(self._pci, self.msi))
        if self.msix:
            check(lib.vuser_msix_init(self._msix, self.msix))
            check(lib.vuser_pci_add_msix(self._pci, self.msix, _MSIX_BAR, 0, _MSIX_BAR,
                                         self.msix * 16))
        lib.vuser_pci_seal(self._pci)

    def _share(self, index, size):
        """Make the memory of a BAR; return its file."""
        file = os.memfd_create("bar")
        self._files.append(file)
        os.truncate(file, size)
        self.memory[index] = mmap.mmap(file, size)
        return file

    def _set_region(self, index, size, read, write, file=-1):
        region = library.ServerRegion(
            size=size, flags=library.FLAG_READ | library.FLAG_WRITE,
            access_max=self.access_max, read=read, write=write, fd=file)
        check(lib.vuser_server_set_region(self._server, index, region))

    def _regions(self):
        for index, bar in self._all_bars().items():
            file = self._share(index, bar.size) if bar.shared else -1
            self._set_region(index, bar.size, self._read_bar, self._write_bar, file)
        self._set_region(library.CONFIG_REGION, self.config_size, self._read_config,
                         self._write_config)

    def _interrupts(self):
        if self.intx:
            check(lib.vuser_server_set_irqs(
                self._server, library.INTX, library.IRQ_EVENTFD | library.IRQ_MASKABLE |
                library.IRQ_AUTOMASKED, 1))
        for index, count in (library.MSI, self.msi), (library.MSIX, self.msix):
            if count:
                check(lib.vuser_server_set_irqs(
                    self._server, index, library.IRQ_EVENTFD | library.IRQ_NORESIZE,
                    count))


def _guarded_void(function):
    """As _guarded(), for a callback without a result."""
    call = _guarded(function)

    def call_void(*args):
        call(*args)
    return call_void
