# SPDX-License-Identifier: GPL-2.0
# Tests of vuser-ioat.
tests += test-ioat-engine test-ioat-channel test-ioat-config \
	 test-ioat-state test-ioat-server test-ioat-migration \
	 test-ioat-program

$(foreach t,engine channel config state,$(eval test-ioat-$(t)-objs := \
	$(d)test-ioat-$(t).o $(d)fake-memory.o $(ioat-objs) $(harness-objs)))
test-ioat-server-objs := $(d)test-ioat-server.o $(ioat-objs) $(harness-objs)
test-ioat-migration-objs := $(d)test-ioat-migration.o $(ioat-objs) $(harness-objs)
$(foreach t,engine channel config state server migration,$(eval \
	test-ioat-$(t)-libs := $(ioat-libs)))
test-ioat-program-objs := $(d)test-ioat-program.o $(harness-objs)
test-ioat-program-libs := libsystemd

# This test runs the program, which it finds in its own directory.
$(B)/bin/test-ioat-program: | $(B)/bin/vuser-ioat
