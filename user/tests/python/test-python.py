#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Devices in Python, with the C client; prints TAP.

PYTHONPATH and VUSER_LIBRARY name the package and the library. PRELOAD is a library
that must be loaded before a libvuser with sanitizers.
"""

import errno
import os
import queue
import select
import sys
import tempfile
import threading
import traceback

if os.environ.get("PRELOAD") and "LD_PRELOAD" not in os.environ:
    os.environ.update(LD_PRELOAD=os.environ["PRELOAD"],
                      # Python itself does not free all memory.
                      ASAN_OPTIONS="detect_leaks=0")
    os.execv(sys.executable, [sys.executable, *sys.argv])

import vuser
from vuser import library

CONFIG = library.CONFIG_REGION
PCI_COMMAND = 4
MASTER = 4
IOVA = 0x100000
PAGE = 4096


class Registers(vuser.Device):
    """Remembers all writes. Some registers do more: see read() and write()."""

    vendor = 0x8086
    device = 0xbeef
    bars = {0: vuser.Bar(PAGE), 2: vuser.Bar(PAGE, shared=True)}
    intx = True
    msix = 3
    access_max = 8

    def __init__(self):
        self.values = {}
        self.events = []
        self.requests = queue.Queue()
        super().__init__()

    def defer_for_test(self):
        request = self.defer()
        self.requests.put(request)
        return request

    def read(self, bar, offset, size):
        if offset == 0x100:
            return self.defer_for_test()
        if offset == 0x108:
            raise OSError(errno.EBUSY, "busy")
        if offset == 0x110:
            raise ZeroDivisionError("wanted by the test")
        if offset == 0x118:
            return b"\x11" * size
        return self.values.get(offset, 0)

    def write(self, bar, offset, size, value):
        self.values[offset] = value
        self.events.append((bar, offset, size, value))
        if offset == 0x10:
            self.dma_write(value, self.dma_read(value, 8)[::-1])
        elif offset == 0x18:
            self.values[offset] = self.fire(value)
        elif offset == 0x20:
            self.defer_for_test()

    def reset(self):
        self.values.clear()
        self.events.append("reset")

    def connected(self):
        self.events.append("connected")

    def disconnected(self, error):
        self.events.append(("disconnected", error))

    def dma_map(self, iova, size, prot):
        self.events.append(("map", iova, size, prot))
        if iova == 0xbad000:
            raise OSError(errno.EPERM, "not here")

    def dma_unmap(self, iova, size):
        self.events.append(("unmap", iova, size))


class Bench:
    """A device that a thread serves at a socket."""

    def __init__(self, make=Registers):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "sock")
        self.device = make()
        self.device.listen(self.path, 0o600)
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        poll = select.poll()
        poll.register(self.device, select.POLLIN)
        poll.register(self.stop_read, select.POLLIN)
        while all(fd != self.stop_read for fd, _ in poll.poll()):
            self.device.process()

    def stop(self):
        """Stop the thread; from now on the test may use the device."""
        os.write(self.stop_write, b"x")
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.thread.is_alive():
            self.stop()
        self.device.close()
        os.close(self.stop_read)
        os.close(self.stop_write)
        self.dir.cleanup()


def expect(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, expected {want!r}")


def fails_with(error, function, *args):
    try:
        function(*args)
    except OSError as raised:
        expect(raised.errno, error)
    else:
        raise AssertionError(f"no {errno.errorcode[error]}")


def driver_reads_identity_and_bars_of_the_device():
    with Bench() as bench, vuser.Client(bench.path) as client:
        expect(client.read(CONFIG, 0, 4), 0xbeef8086)
        expect(client.read(CONFIG, 0x3d, 1), 1)
        client.write(CONFIG, 0x10, 4, 0xffffffff)
        expect(client.read(CONFIG, 0x10, 4), 0xfffff000)
        # The table of MSI-X has a BAR of its own, and behaves like memory.
        client.write(4, 8, 4, 0x1234)
        expect(client.read(4, 8, 4), 0x1234)
        expect(client.read(4, 12, 4), 1)
        expect(client.read(4, 48, 8), 0)


def registers_are_read_and_written_as_ints():
    with Bench() as bench, vuser.Client(bench.path) as client:
        client.write(0, 8, 8, 0x1122334455667788)
        client.write(0, 4, 2, 0xffff)
        expect(client.read(0, 8, 8), 0x1122334455667788)
        # A value that is too large for the access is cut off.
        expect(client.read(0, 8, 1), 0x88)
        expect(client.read(0, 0x118, 4), 0x11111111)
        expect(bench.device.events, ["connected", (0, 8, 8, 0x1122334455667788),
                                     (0, 4, 2, 0xffff)])


def exceptions_of_methods_are_errors_for_the_client():
    with Bench() as bench, vuser.Client(bench.path) as client:
        fails_with(errno.EBUSY, client.read, 0, 0x108, 4)
        fails_with(errno.EIO, client.read, 0, 0x110, 4)
        fails_with(errno.EPERM, client.dma_map, 0xbad000, PAGE, -1)
        expect(client.read(0, 0, 4), 0)


def shared_bar_is_memory_of_the_device_and_the_client():
    with Bench() as bench, vuser.Client(bench.path) as client:
        client.write(2, 16, 4, 0x64636261)
        expect(bench.device.memory[2][16:20], b"abcd")
        bench.device.memory[2][20:24] = b"efgh"
        expect(client.read(2, 16, 8), int.from_bytes(b"abcdefgh", "little"))


def device_reads_and_writes_memory_of_the_client():
    file = os.memfd_create("client")
    os.truncate(file, PAGE)
    os.pwrite(file, b"backward", 64)
    with Bench() as bench, vuser.Client(bench.path) as client:
        client.dma_map(IOVA, PAGE, file)
        client.write(0, 0x10, 8, IOVA + 64)
        expect(os.pread(file, 8, 64), b"drawkcab")
        fails_with(errno.EFAULT, client.write, 0, 0x10, 8, IOVA + PAGE)
        client.write(CONFIG, PCI_COMMAND, 2, MASTER)
        expect(bench.device.bus_master, True)
        client.dma_unmap(IOVA, PAGE)
        expect(("map", IOVA, PAGE, 3) in bench.device.events, True)
        expect(("unmap", IOVA, PAGE) in bench.device.events, True)
    os.close(file)


def interrupt_reaches_the_eventfd_of_its_vector():
    events = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(3)]
    with Bench() as bench, vuser.Client(bench.path) as client:
        client.write(0, 0x18, 4, 0)
        expect(client.read(0, 0x18, 4), False)
        client.set_eventfds(library.MSIX, events)
        client.write(0, 0x18, 4, 2)
        expect(client.read(0, 0x18, 4), True)
        expect(os.eventfd_read(events[2]), 1)
    for event in events:
        os.close(event)


def masked_intx_is_dropped_or_delivered():
    event = os.eventfd(0, os.EFD_NONBLOCK)
    with Bench() as bench, vuser.Client(bench.path) as client:
        client.set_eventfds(library.INTX, [event])
        client.write(0, 0x18, 4, 0)
        expect(os.eventfd_read(event), 1)
        # INTx has masked itself.
        client.write(0, 0x18, 4, 0)
        fails_with(errno.EAGAIN, os.eventfd_read, event)
        bench.device.clear()
        client.unmask(library.INTX)
        fails_with(errno.EAGAIN, os.eventfd_read, event)
        client.write(0, 0x18, 4, 0)
        expect(os.eventfd_read(event), 1)
    os.close(event)


def another_thread_answers_a_deferred_read():
    with Bench() as bench, vuser.Client(bench.path) as client:
        results = []
        reader = threading.Thread(
            target=lambda: results.append(client.read(0, 0x100, 8)))
        reader.start()
        request = bench.device.requests.get(timeout=20)
        # A value of the wrong size does not answer the request.
        try:
            request.done(b"12")
        except ValueError:
            pass
        else:
            raise AssertionError("two bytes were taken for eight")
        request.done(0xabcdef)
        reader.join()
        expect(results, [0xabcdef])
        try:
            request.done(0)
        except ValueError:
            pass
        else:
            raise AssertionError("a request was answered twice")


def reset_is_deferred_after_a_read_that_failed():
    class Slow(Registers):
        def reset(self):
            return self.defer_for_test()

    with Bench(Slow) as bench, vuser.Client(bench.path) as client:
        fails_with(errno.EBUSY, client.read, 0, 0x108, 8)
        resetter = threading.Thread(target=client.reset)
        resetter.start()
        bench.device.requests.get(timeout=20).done()
        resetter.join()
        expect(client.read(0, 0, 4), 0)


def deferred_write_fails_with_the_errno_of_the_answer():
    with Bench() as bench, vuser.Client(bench.path) as client:
        writer = threading.Thread(target=fails_with, args=(
            errno.ENODEV, client.write, 0, 0x20, 4, 1))
        writer.start()
        bench.device.requests.get(timeout=20).done(error=errno.ENODEV)
        writer.join()
        # Outside of its methods, the device cannot defer.
        bench.stop()
        fails_with(errno.EBUSY, bench.device.defer)


def reset_and_disconnect_call_their_methods():
    with Bench() as bench:
        with vuser.Client(bench.path) as client:
            client.write(0, 0, 4, 5)
            client.write(CONFIG, PCI_COMMAND, 2, MASTER)
            client.reset()
            expect(client.read(0, 0, 4), 0)
            expect(client.read(CONFIG, PCI_COMMAND, 2), 0)
        with vuser.Client(bench.path):
            pass
        expect(bench.device.events[:5], ["connected", (0, 0, 4, 5), "reset",
                                         ("disconnected", 0), "connected"])


def impossible_devices_are_rejected():
    class Odd(vuser.Device):
        bars = {0: vuser.Bar(1000)}

    fails_with(errno.EINVAL, Odd)
    with vuser.Device() as device:
        fails_with(errno.ENOENT, device.listen, "/nonexistent/sock")
        expect(device.is_connected, False)
        fails_with(errno.ENOTCONN, device.dma_read, 0, 1)


def sample_of_thirty_lines_counts():
    samples = os.path.join(os.environ["PYTHONPATH"], "../samples")
    sys.path.insert(0, samples)
    import counter

    event = os.eventfd(0, os.EFD_NONBLOCK)
    with Bench(counter.Counter) as bench, vuser.Client(bench.path) as client:
        client.set_eventfds(library.MSIX, [event])
        client.write(0, 0, 4, 40)
        client.write(0, 4, 4, 59)
        expect(client.read(0, 0, 4), 99)
        fails_with(errno.EAGAIN, os.eventfd_read, event)
        client.write(0, 4, 4, 3)
        expect(client.read(0, 0, 4), 2)
        expect(os.eventfd_read(event), 1)
    os.close(event)


TESTS = [
    driver_reads_identity_and_bars_of_the_device,
    registers_are_read_and_written_as_ints,
    exceptions_of_methods_are_errors_for_the_client,
    shared_bar_is_memory_of_the_device_and_the_client,
    device_reads_and_writes_memory_of_the_client,
    interrupt_reaches_the_eventfd_of_its_vector,
    masked_intx_is_dropped_or_delivered,
    another_thread_answers_a_deferred_read,
    reset_is_deferred_after_a_read_that_failed,
    deferred_write_fails_with_the_errno_of_the_answer,
    reset_and_disconnect_call_their_methods,
    impossible_devices_are_rejected,
    sample_of_thirty_lines_counts,
]


def main():
    failed = False
    for number, test in enumerate(TESTS, 1):
        try:
            test()
        except Exception:
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()),
                  end="")
            print(f"not ok {number} - {test.__name__}")
            failed = True
        else:
            print(f"ok {number} - {test.__name__}")
    print(f"1..{len(TESTS)}")
    return failed


sys.exit(main())
