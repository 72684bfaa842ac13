# SPDX-License-Identifier: GPL-2.0
# Tests of libvuser.
lib-tests := test-proto test-region test-version test-sock test-fd \
	     test-event test-conn test-pci test-handshake test-handshake-region test-server \
	     test-server-access test-server-irq test-defer \
	     test-defer-unmap test-defer-thread test-migration test-dma \
	     test-hostile test-abi
tests += $(lib-tests)
script-tests += test-headers
test-headers-script := $(d)test-headers.sh

$(foreach t,$(lib-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
test-server-objs += $(d)both.o $(d)device.o
test-server-access-objs += $(d)both.o $(d)device.o
test-server-irq-objs += $(d)both.o $(d)device.o
test-migration-objs += $(d)device.o
test-dma-objs += $(d)device.o
test-sock-objs += $(wire-objs)
test-fd-objs += $(wire-objs)
test-conn-objs += $(wire-objs)
test-handshake-objs += $(d)liar.o $(wire-objs)
test-handshake-region-objs += $(d)liar.o $(wire-objs)
test-defer-objs += $(d)defer.o $(wire-objs)
test-defer-unmap-objs += $(d)defer.o $(wire-objs)
test-hostile-objs += $(d)device.o $(wire-objs)
test-server-objs += $(server-event-objs)
test-server-libs := $(server-event-libs)
