# SPDX-License-Identifier: GPL-2.0
"""The host half of the lab: root file systems, virtual machines, tests and their sums.

Python 3.11 with its standard library only. What runs inside a machine is shell
(lab/vm). The commands are the small programs in lab/; each calls one function here.

Tables          kernels, suites
Results         tap, matrix
Foundations     paths, lists, table, message, entry, process, cache
From Debian     host, download, backports, root, source, debugkernel, dpdk,
                crates, qemu_server, uml
Compiling       chroot, build, htmldocs
Machines        image, guestfiles, qemu, machine, run, shell
Tests           runner, guest, unit, lint, fuzz, check
Others          bench, demo
"""
