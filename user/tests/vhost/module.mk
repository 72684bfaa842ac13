# SPDX-License-Identifier: GPL-2.0
# The vhost-user front-end: its messages, its requests to a scripted back-end,
# to ours, and to those that others wrote.
vhost-tests := test-vhost-proto test-vhost-request test-vhost-hostile \
	       test-vhost-channel test-vhost-inflight
wire-objs := $(d)../wire.o

$(foreach t,$(vhost-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
test-vhost-request-objs += $(d)fake.o
test-vhost-hostile-objs += $(d)fake.o $(wire-objs)
test-vhost-channel-objs += $(d)fake.o $(wire-objs)
test-vhost-inflight-objs += $(d)driver.o

# Where the back-end is not installed, the test is one line that says so.
qemu-storage-daemon ?= $(shell command -v qemu-storage-daemon)
virtiofsd ?= $(wildcard /usr/libexec/virtiofsd)

test-vhost-storage-objs := $(if $(qemu-storage-daemon),\
	$(d)test-vhost-storage.o $(d)driver.o $(harness-objs),\
	$(d)no-storage.o $(tap-objs))
test-vhost-fs-objs := $(if $(virtiofsd),\
	$(d)test-vhost-fs.o $(harness-objs),$(d)no-fs.o $(tap-objs))
test-vhost-fs-cppflags := -DVIRTIOFSD='"$(virtiofsd)"'

tests += $(vhost-tests) test-vhost-storage test-vhost-fs

# It runs that one.
$(B)/bin/test-vhost-inflight: | $(B)/bin/vuser-vhost-blk
