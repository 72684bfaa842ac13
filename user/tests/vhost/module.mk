# SPDX-License-Identifier: GPL-2.0
# The vhost-user front-end: its messages, its requests to a scripted back-end
# and to one that others wrote.
vhost-tests := test-vhost-proto test-vhost-request test-vhost-hostile \
	       test-vhost-channel test-vhost-inflight
wire-objs := $(d)../wire.o
tests += $(vhost-tests) test-vhost-storage

$(foreach t,$(vhost-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
test-vhost-request-objs += $(d)fake.o
test-vhost-hostile-objs += $(d)fake.o $(wire-objs)
test-vhost-channel-objs += $(d)fake.o $(wire-objs)

test-vhost-inflight-objs += $(d)driver.o

ifneq ($(shell command -v qemu-storage-daemon),)
test-vhost-storage-objs := $(d)test-vhost-storage.o $(d)driver.o \
			   $(harness-objs)
else
test-vhost-storage-objs := $(d)no-daemon.o $(tap-objs)
endif

# It runs that one.
$(B)/bin/test-vhost-inflight: | $(B)/bin/vuser-vhost-blk
