# SPDX-License-Identifier: GPL-2.0
# Tests of the vhost-user front end: of its messages, and of its requests to a
# scripted back end, to vuser-vhost-blk and to the back ends of other projects.
vhost-message-tests := test-vhost-proto test-vhost-rules test-vhost-crosvm
vhost-user-tests := $(vhost-message-tests) test-vhost-request \
		    test-vhost-hostile test-vhost-channel \
		    test-vhost-channel-close test-vhost-channel-nested \
		    test-vhost-inflight
tests += $(vhost-user-tests) test-vhost-storage test-vhost-postcopy test-vhost-fs

$(foreach t,$(vhost-user-tests),$(eval $(t)-objs := $(d)$(t).o $(harness-objs)))
$(foreach t,$(vhost-message-tests),$(eval $(t)-objs += $(d)message.o))
test-vhost-request-objs += $(d)fake.o $(wire-objs)
test-vhost-hostile-objs += $(d)fake.o $(wire-objs)
test-vhost-channel-objs += $(d)channel.o $(d)fake.o $(wire-objs)
test-vhost-channel-close-objs += $(d)channel.o $(d)fake.o $(wire-objs)
test-vhost-channel-nested-objs += $(d)channel.o $(d)fake.o $(wire-objs)
test-vhost-inflight-objs += $(d)driver.o

test-vhost-storage-objs := $(if $(qemu-storage-daemon),\
	$(d)test-vhost-storage.o $(d)driver.o $(harness-objs),\
	$(d)no-storage.o $(tap-objs))
test-vhost-postcopy-objs := $(if $(dpdk-testpmd),\
	$(d)test-vhost-postcopy.o $(harness-objs),$(d)no-dpdk.o $(tap-objs))
test-vhost-fs-objs := $(if $(virtiofsd),\
	$(d)test-vhost-fs.o $(harness-objs),$(d)no-fs.o $(tap-objs))
test-vhost-fs-cppflags := -DVIRTIOFSD='"$(virtiofsd)"'

# This test runs vuser-vhost-blk, which it finds in its own directory.
$(B)/bin/test-vhost-inflight: | $(B)/bin/vuser-vhost-blk
