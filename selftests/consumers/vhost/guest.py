#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A Linux guest that uses devices of vuser-vhost through QEMU's vfio-user-pci.

usage: guest.py DIRECTORY KERNEL INITRAMFS

Prints TAP.  vuser's kernel module is not needed.  The guest has a disk of
qemu-storage-daemon, a network card of dpdk-testpmd and a file system of virtiofsd.
guest-init runs in the guest.
"""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

# Do not write bytecode into the source tree.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from bridge import Bridge
from qemu import QUEUES, Guest
from tap import SOON, Failure, Tap, require, run, show_logs, tested, version_of
from testpmd import Testpmd

MAC = "52:54:00:12:34:56"
OWN, OTHER = "10.99.0.2", "10.99.0.1"
PINGS = 50
MIB = 1 << 20


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Stand:
    """The processes of the test: back ends, vuser-vhost and the guest."""

    def __init__(self, work, kernel, initramfs):
        self.work = work
        self.boot = (kernel, initramfs)
        self.shared = self.path("shared")
        self.storage = self.files = self.net = self.bridge = self.guest = None
        self.runs = 0
        os.mkdir(self.shared)

    def path(self, name):
        return os.path.join(self.work, name)

    def random_file(self, directory, name, size):
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, name)
        with open(path, "wb") as file:
            file.write(os.urandom(size))
        return path

    def start_listening(self, name, socket_of, argv):
        """Start a back end with a listening socket, so that clients can connect
        at once."""
        with socket.socket(socket.AF_UNIX) as listener, \
                open(self.path(name + ".log"), "wb") as log:
            listener.bind(self.path(socket_of))
            listener.listen(1)
            fd = listener.fileno()
            return subprocess.Popen([arg.format(fd=fd) for arg in argv],
                                    stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, pass_fds=[fd])

    def start_storage(self):
        """Export an ext4 file system that contains a file."""
        self.random_file(self.path("root"), "outside", 4 * MIB)
        run("mkfs.ext4", "-q", "-d", self.path("root"), self.path("disk.img"),
            "48M")
        self.storage = self.start_listening("storage", "blk.back", [
            "qemu-storage-daemon", "--blockdev",
            f"driver=file,filename={self.path('disk.img')},node-name=disk",
            "--export", "type=vhost-user-blk,id=export,node-name=disk,"
            f"writable=on,addr.type=fd,addr.str={{fd}},num-queues={QUEUES}"])

    def start_files(self):
        self.random_file(self.shared, "outside", MIB + 1)
        self.files = self.start_listening("virtiofsd", "fs.back", [
            "/usr/libexec/virtiofsd", "--fd", "{fd}", "--shared-dir", self.shared,
            "--tag", "files", "--sandbox", "chroot"])

    def start_net(self):
        """Start a back end that answers ARP and ping."""
        self.runs += 1
        self.net = Testpmd(
            "testpmd", ["dpdk-testpmd", "--no-pci", "--no-huge", "-m", "128",
                        "--no-telemetry", "-l", "0,1", "--file-prefix",
                        f"guest{os.getpid()}", "--vdev",
                        f"net_vhost0,iface={self.path('net.back')},"
                        f"queues={QUEUES}", "--", "-i", "--no-flush-rx",
                        "--forward-mode=icmpecho", "--total-num-mbufs=8192",
                        f"--rxq={QUEUES}", f"--txq={QUEUES}"],
            self.path(f"testpmd{self.runs}.log"))
        self.net.command("start")

    def start_bridge(self):
        argv = []
        for kind, more in (("blk", ()), ("fs", ()),
                           ("net", ("--mac", MAC, "--queues", str(QUEUES)))):
            argv += ["--device", kind, "--back-end", self.path(kind + ".back"),
                     "--socket", self.path(kind + ".sock"), *more]
        self.bridge = Bridge(self.work, *argv)

    def start_guest(self):
        sockets = [self.path(kind + ".sock") for kind in ("blk", "fs", "net")]
        self.guest = Guest(self.work, *self.boot, sockets)
        self.guest.boot()

    def clean_up(self):
        for one in (self.guest, self.bridge, self.net):
            if one:
                one.kill()
        for one in (self.files, self.storage):
            if one:
                one.kill()
                one.wait()


def drivers_bind(stand):
    drivers = stand.guest.do(
        "cd /sys/bus/virtio/drivers; for d in */virtio*; do echo $d; done; cd /")
    print("# " + drivers.replace("\n", ", "))
    for name in ("virtio_blk", "virtiofs", "virtio_net"):
        require(f"{name}/virtio" in drivers, f"no {name}: {drivers}")


def check_digest(stand, name, path):
    """Check that a file has the same content in the guest as outside."""
    theirs = stand.guest.do(f"sha256sum {name}").split()[0]
    require(theirs == digest(path), f"{name} differs in the guest")


def read_disk(stand):
    stand.guest.do("mount -t ext4 /dev/vda /disk")
    check_digest(stand, "/disk/outside", os.path.join(stand.path("root"),
                                                      "outside"))


def write_disk(stand):
    """Write a file and read it again from the device, not from the page cache."""
    guest = stand.guest
    guest.do("dd if=/dev/urandom of=/tmp-file bs=64k count=128")
    guest.do("cp /tmp-file /disk/inside && sync && umount /disk")
    guest.do("echo 3 > /proc/sys/vm/drop_caches")
    guest.do("mount -t ext4 /dev/vda /disk && cmp /tmp-file /disk/inside")
    guest.do("umount /disk")


def check_disk(stand):
    """Check the image without the device; QEMU's daemon has no cache of its own."""
    image, out = stand.path("disk.img"), stand.path("inside")
    print("# " + run("e2fsck", "-f", "-n", image).strip().rsplit("\n", 1)[-1])
    run("debugfs", "-R", f"dump /inside {out}", image)
    check_digest(stand, "/tmp-file", out)


def all_queues(stand, what, device):
    """Check that each queue of a device has raised interrupts."""
    counts = {}
    for line in stand.guest.do("cat /proc/interrupts").splitlines():
        match = re.match(rf"\s*\d+:\s+((?:\d+\s+)+).*\b({device}-{what}\S*)$",
                         line)
        if match:
            counts[match[2]] = sum(map(int, match[1].split()))
    print(f"# {counts}")
    require(len(counts) == QUEUES and all(counts.values()),
            f"not {QUEUES} queues with interrupts: {counts}")


def virtio_of(stand, path):
    return os.path.basename(stand.guest.do(f"readlink -f {path}/device"))


def disk_queues(stand):
    """Read on each processor: the guest's block layer has a queue for each."""
    for cpu in range(QUEUES):
        stand.guest.do(f"taskset -c {cpu} dd if=/dev/vda of=/dev/null bs=64k "
                       "count=16 iflag=direct")
    all_queues(stand, "req", virtio_of(stand, "/sys/block/vda"))


def ping(stand, **options):
    """Ping from each processor, and so from each pair of queues; check that each
    packet is answered."""
    flags = " ".join(f"-{key} {value}" for key, value in options.items())
    for cpu in range(QUEUES):
        text = stand.guest.do(f"taskset -c {cpu} ping -A -q -c {PINGS} {flags} "
                              f"{OTHER}")
        require(f" {PINGS} packets received" in text, text)
        print("# " + text.splitlines()[-1])


def bring_up(stand):
    guest = stand.guest
    require(MAC in guest.do("cat /sys/class/net/eth0/address"), "wrong MAC")
    guest.do(f"ip link set eth0 up && ip addr add {OWN}/24 dev eth0")
    guest.wait("[ $(cat /sys/class/net/eth0/carrier) = 1 ]")


def network_queues(stand):
    """Check that answers come on the same pair of queues as the requests."""
    all_queues(stand, "input", virtio_of(stand, "/sys/class/net/eth0"))


def counts(stand):
    """Return the frames that the guest sent and received, and those that testpmd
    received and sent."""
    ours = [int(stand.guest.do(f"cat /sys/class/net/eth0/statistics/{way}_packets"))
            for way in ("tx", "rx")]
    return ours, list(stand.net.stats(0)[:2])


def count(stand):
    """Check that no frame was lost. The guest's kernel may send frames of its own
    between the two readings, so read again if they differ. A lost frame makes them
    differ for good."""
    end = time.monotonic() + SOON
    ours, theirs = counts(stand)
    while ours != theirs and time.monotonic() < end:
        ours, theirs = counts(stand)
    require(ours == theirs, f"frames were lost: the guest sent and received {ours}, "
            f"testpmd received and sent {theirs}")
    print(f"# sent and received: {ours}")
    require(min(ours) >= 2 * QUEUES * PINGS, "fewer frames than pings")


def lose_net(stand):
    stand.net.kill()
    stand.guest.wait("[ $(cat /sys/class/net/eth0/carrier) = 0 ]")


def new_net(stand):
    os.unlink(stand.path("net.back"))
    stand.start_net()
    stand.guest.wait("[ $(cat /sys/class/net/eth0/carrier) = 1 ]")


def rebind(stand):
    """Bind the driver again: Linux's driver ignores a device's request for a reset."""
    name = virtio_of(stand, "/sys/class/net/eth0")
    for what in ("unbind", "bind"):
        stand.guest.do(f"echo {name} > /sys/bus/virtio/drivers/virtio_net/{what}")
    bring_up(stand)


def read_files(stand):
    stand.guest.do("mount -t virtiofs files /fs")
    check_digest(stand, "/fs/outside", os.path.join(stand.shared, "outside"))


def write_files(stand):
    stand.guest.do("mkdir /fs/made && cp /tmp-file /fs/made/inside && sync")
    check_digest(stand, "/tmp-file", os.path.join(stand.shared, "made/inside"))


def change_files(stand):
    """Check that changes outside are visible in the guest, and the reverse."""
    path = os.path.join(stand.shared, "made")
    with open(os.path.join(path, "note"), "w", encoding="ascii") as file:
        file.write("from outside\n")
    require(stand.guest.do("cat /fs/made/note") == "from outside", "wrong content of the note")
    stand.guest.do("mv /fs/made/note /fs/moved && rm -r /fs/made && sync")
    require(sorted(os.listdir(stand.shared)) == ["moved", "outside"],
            f"unexpected files: {os.listdir(stand.shared)}")


def all_disconnected(stand):
    """Check that vuser-vhost and the back ends still run, without a client."""
    stand.bridge.wait_log("client disconnected", 3)
    stand.net.wait("link down", lambda: not stand.net.link_up(0))


def end(stand):
    """Stop vuser-vhost; virtiofsd ends when its front end disconnects."""
    stand.bridge.stop()
    try:
        status = stand.files.wait(SOON)
    except subprocess.TimeoutExpired:
        raise Failure("virtiofsd does not end") from None
    require(not status, f"virtiofsd ended with {status}")
    status = stand.net.quit()
    require(not status, f"dpdk-testpmd ended with {status}")


def record(kernel):
    """Say which programs the guest has used."""
    consumer = f"Linux in QEMU, vfio-user-pci {version_of('qemu-system-x86')}"
    for name, package in (("qemu-storage-daemon", "qemu-utils"),
                          ("DPDK net_vhost", "dpdk"), ("virtiofsd", "virtiofsd")):
        tested(kernel, consumer, f"{name} {version_of(package)}")


def scenario(tap, stand):
    tap.step("qemu-storage-daemon exports a disk", stand.start_storage)
    tap.step("virtiofsd exports a directory", stand.start_files)
    tap.step("dpdk-testpmd answers on a vhost port", stand.start_net)
    tap.step("vuser-vhost serves all three", stand.start_bridge)
    tap.step("a Linux guest with QEMU's vfio-user-pci boots", stand.start_guest)
    tap.step("the guest's drivers bind to the devices", drivers_bind, stand)

    kernel = re.match(r"[0-9]+\.[0-9]+", stand.guest.do("uname -r"))[0]
    tap.step("disk: a file from outside can be read", read_disk, stand)
    tap.step("disk: a written file can be read again", write_disk, stand)
    tap.step("disk: the image contains the written file", check_disk, stand)
    tap.step("disk: each queue raises interrupts", disk_queues, stand)

    tap.step("network: the MAC is right and the link comes up", bring_up, stand)
    tap.step("network: small packets are answered", ping, stand)
    tap.step("network: large packets are answered",
             lambda: ping(stand, s=1400))
    tap.step("network: each pair of queues raises interrupts", network_queues, stand)
    tap.step("network: both ends count the same frames", count, stand)
    tap.step("network: the link goes down when the back end is killed", lose_net,
             stand)
    tap.step("network: the link comes up with a new back end", new_net, stand)
    tap.step("network: the driver can be bound again", rebind, stand)
    tap.step("network: packets are answered after the rebind", ping, stand)

    tap.step("files: a file from outside can be read", read_files, stand)
    tap.step("files: a file written by the guest is visible outside", write_files, stand)
    tap.step("files: changes are visible on both sides", change_files, stand)

    tap.step("QEMU can be killed with network and file system in use",
             stand.guest.kill)
    tap.step("vuser-vhost and the back ends lose their clients",
             all_disconnected, stand)
    tap.step("vuser-vhost and the back ends end", end, stand)
    record(kernel)


def main(work, kernel, initramfs):
    tap = Tap()
    stand = Stand(work, kernel, initramfs)
    try:
        scenario(tap, stand)
    except Failure:
        show_logs(work)
    finally:
        stand.clean_up()
    print(f"1..{tap.count}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    # Exit on SIGTERM, so that clean_up() ends the processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(*sys.argv[1:])
