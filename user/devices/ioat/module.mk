# SPDX-License-Identifier: GPL-2.0
#
# vuser-ioat serves an Intel I/OAT DMA engine over vfio-user.

programs += vuser-ioat
bin += vuser-ioat

ioat-objs := $(addprefix $(d), \
	engine.o channel.o channel-state.o copy-thread.o memory.o bar.o config.o \
	migration.o device.o) $(server-event-objs) $(state-file-objs)
ioat-libs := $(server-event-libs)
vuser-ioat-objs := $(ioat-objs) $(d)baseline.o $(d)main.o \
	$(exit-status-objs) $(option-objs)
vuser-ioat-libs := $(ioat-libs)

ioat-man := $(d)vuser-ioat.1
install: install-ioat
install-ioat:
	$(INSTALL) -d $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 644 $(ioat-man) $(DESTDIR)$(mandir)/man1
.PHONY: install-ioat
