# SPDX-License-Identifier: GPL-2.0
"""Run selftests/consumers/vhost/guest.py: a Linux guest in a QEMU that is the client of
vuser-vhost. Prints TAP.

It runs on the host, in the root of the lab whose QEMU has vfio-user-pci. It does not need
vuser.ko, and a QEMU in a lab's machine would be emulation inside emulation. The lab must
have been built before.
"""
from . import build, guestfiles, host, kernels, process, root
from .entry import no_arguments

MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4", "virtiofs")

# DPDK looks for the processors in sysfs.
SCRIPT = """
mount -t sysfs -o ro sysfs /sys
export PATH="$BUILD/user/bin:$PATH"
exec selftests/consumers/vhost/guest.py "$(mktemp -d)" \
	"$BUILD/guest/vmlinuz" "$BUILD/guest/initramfs"
"""


def main(arguments: list[str]) -> int:
    no_arguments(arguments)
    process.need_root()
    host.install()
    kernel = kernels.load().capable("qemu-vfio-user")
    guestfiles.make(kernel, build.directory(kernel) / "guest", MODULES)
    return process.status(root.inside(kernel, ["sh", "-ec", SCRIPT]))
