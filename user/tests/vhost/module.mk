# SPDX-License-Identifier: GPL-2.0
# Tests of vuser-vhost: of its parts, of the device in one process with a
# scripted back end, and of the program with back ends of other projects.
vhost-migration-tests := test-vhost-migration test-vhost-migration-bad \
	test-vhost-migration-net test-vhost-drain
vhost-stand-tests := test-vhost-device test-vhost-irq test-vhost-memory \
	test-vhost-lost test-vhost-config test-vhost-pci test-vhost-offer \
	test-vhost-dirty test-vhost-reconnect test-vhost-wait test-vhost-shared \
	$(vhost-migration-tests)
vhost-device-tests := test-vhost-virtio test-vhost-vqueue test-vhost-log \
	test-vhost-state test-vhost-transfer test-vhost-say \
	$(vhost-stand-tests)
tests += $(vhost-device-tests)
vhost-fake-objs := tests/vhost-user/fake.o

$(foreach t,$(vhost-device-tests),$(eval $(t)-objs := $(d)$(t).o \
	$(vhost-objs) $(harness-objs)))
$(foreach t,$(vhost-device-tests),$(eval $(t)-libs := $(vhost-libs)))
test-vhost-transfer-objs += $(vhost-fake-objs)
test-vhost-wait-objs += $(wire-objs)
$(foreach t,$(vhost-stand-tests),\
	$(eval $(t)-objs += $(d)stand.o $(vhost-fake-objs)))
$(foreach t,$(vhost-migration-tests),$(eval $(t)-objs += $(d)migrate.o))

# These tests run the program, which they find in their own directory.
vhost-peers-objs := $(d)peers.o $(harness-objs)
tests += test-vhost-program test-vhost-disk test-vhost-files test-vhost-usage
test-vhost-program-objs := $(d)test-vhost-program.o $(vhost-fake-objs) \
	devices/vhost/stream.o $(vhost-peers-objs)
test-vhost-usage-objs := $(d)test-vhost-usage.o $(vhost-fake-objs) \
	$(vhost-peers-objs)
test-vhost-disk-objs := $(d)test-vhost-disk.o tests/vhost-user/driver.o \
	$(vhost-peers-objs)
test-vhost-disk-cppflags := $(if $(qemu-storage-daemon),\
	-DSTORAGE_DAEMON='"$(qemu-storage-daemon)"')
test-vhost-files-objs := $(if $(virtiofsd),\
	$(d)test-vhost-files.o $(vhost-peers-objs),\
	tests/vhost-user/no-fs.o $(tap-objs))
test-vhost-files-cppflags := -DVIRTIOFSD='"$(virtiofsd)"'
$(B)/bin/test-vhost-disk: | $(B)/bin/vuser-vhost $(B)/bin/vuser-vhost-blk
$(B)/bin/test-vhost-files $(B)/bin/test-vhost-program: | $(B)/bin/vuser-vhost
$(B)/bin/test-vhost-usage: | $(B)/bin/vuser-vhost
