# SPDX-License-Identifier: GPL-2.0
# What the tests share.  Tests that are functions link with $(harness-objs), see
# harness.h; tests that are plain programs link with $(tap-objs) alone.
harness-objs := $(d)harness.o $(tap-objs)
wire-objs := $(d)wire.o

# The back ends of other projects that tests use.  Where one is not installed,
# its test reports one skipped test.
qemu-storage-daemon ?= $(shell command -v qemu-storage-daemon)
dpdk-testpmd ?= $(shell command -v dpdk-testpmd)
virtiofsd ?= $(wildcard /usr/libexec/virtiofsd)
