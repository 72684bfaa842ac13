# SPDX-License-Identifier: GPL-2.0
#
# vuser-ioat, an Intel I/OAT DMA engine as a vfio-user server.

programs += vuser-ioat
bin += vuser-ioat

ioat-objs := $(addprefix $(d), \
	engine.o channel.o copy-thread.o memory.o bar.o config.o \
	device.o)
vuser-ioat-objs := $(ioat-objs) $(d)baseline.o $(d)main.o

ioat-tests := test-ioat-engine test-ioat-channel test-ioat-config \
	      test-ioat-server test-ioat-program
tests += $(ioat-tests)
ioat-harness := tests/harness.o $(tap-objs)

test-ioat-engine-objs := $(d)tests/test-ioat-engine.o \
	$(d)tests/fake-memory.o $(ioat-objs) $(ioat-harness)
test-ioat-channel-objs := $(d)tests/test-ioat-channel.o \
	$(d)tests/fake-memory.o $(ioat-objs) $(ioat-harness)
test-ioat-config-objs := $(d)tests/test-ioat-config.o \
	$(d)tests/fake-memory.o $(ioat-objs) $(ioat-harness)
test-ioat-server-objs := $(d)tests/test-ioat-server.o $(ioat-objs) $(ioat-harness)
test-ioat-program-objs := $(d)tests/test-ioat-program.o $(ioat-harness)

# The last one runs the program that lies beside it.
$(B)/bin/test-ioat-program: | $(B)/bin/vuser-ioat

ioat-man := $(d)vuser-ioat.1
install: install-ioat
install-ioat:
	$(INSTALL) -d $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 644 $(ioat-man) $(DESTDIR)$(mandir)/man1
.PHONY: install-ioat
