# SPDX-License-Identifier: GPL-2.0
#
# vuser-vhost serves vhost-user back ends over vfio-user.

programs += vuser-vhost
bin += vuser-vhost

vhost-objs := $(addprefix $(d), \
	type.o virtio.o vqueue.o net.o pci.o dma.o log.o connection.o \
	arguments.o say.o features.o queue.o ring.o regions.o \
	config.o control.o dirty.o drain.o hold.o inflight.o keep.o snapshot.o state.o \
	stream.o \
	transfer.o migration.o irq.o rings.o pause.o reconnect.o serve.o shared.o \
	timeout.o wait.o device.o) $(server-event-objs) $(state-file-objs) \
	$(exit-status-objs) $(option-objs)
vhost-libs := $(server-event-libs)
vuser-vhost-objs := $(vhost-objs) $(d)main.o
vuser-vhost-libs := $(vhost-libs)

sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
vhost-dir := $(d)

install: install-vhost
install-vhost:
	$(INSTALL) -d $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(unitdir)
	$(INSTALL) -m 644 $(vhost-dir)vuser-vhost.1 $(DESTDIR)$(mandir)/man1
	sed -e 's|@bindir@|$(bindir)|; s|@sysconfdir@|$(sysconfdir)|' \
		$(vhost-dir)vuser-vhost@.service.in \
		>$(DESTDIR)$(unitdir)/vuser-vhost@.service
	chmod 644 $(DESTDIR)$(unitdir)/vuser-vhost@.service
.PHONY: install-vhost
