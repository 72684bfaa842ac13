# SPDX-License-Identifier: GPL-2.0
"""A migration from one QEMU to another one, by their monitors."""

import time

from qmp import LIMIT, Failure


def prepare(monitor):
    """Allow QEMU to stop the guest for long, so that memory is sent only once."""
    monitor.command("migrate-set-parameters", **{"downtime-limit": 1000000,
                                                 "max-bandwidth": 1 << 40})


def use_mapped_file(monitor):
    """For a state in a file: each page has its own place in the file, which is faster."""
    monitor.command("migrate-set-capabilities",
                    capabilities=[{"capability": "mapped-ram", "state": True}])


def use_stream(monitor):
    """For a state that goes to another QEMU."""
    monitor.command("migrate-set-capabilities",
                    capabilities=[{"capability": "mapped-ram", "state": False}])


def wait_migrated(monitor):
    """Wait until the migration has ended; return what QEMU says about it."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        info = monitor.command("query-migrate")
        if info.get("status") == "completed":
            return info
        if info.get("status") in ("failed", "cancelled"):
            raise Failure(f"the migration {info['status']}: {info.get('error-desc')}")
        time.sleep(0.1)
    raise Failure(f"the migration does not end: {info}")


def wait_running(monitor):
    """Wait until QEMU lets its guest run."""
    end = time.monotonic() + LIMIT
    while not monitor.command("query-status")["running"]:
        if time.monotonic() > end:
            raise Failure("QEMU does not let the guest run")
        time.sleep(0.1)


def migrate(source, target, uri):
    """Migrate a guest with VFIO devices."""
    target.command("migrate-incoming", uri=uri)
    source.command("migrate", uri=uri)
    info = wait_migrated(source)
    moved = info.get("vfio", {}).get("transferred", 0)
    print(f"# {info['total-time']} ms, {info['downtime']} ms of them stopped; {moved} bytes of"
          " the devices' state")
    if not moved:
        raise Failure("QEMU moved no state of a device")
    wait_running(target)
