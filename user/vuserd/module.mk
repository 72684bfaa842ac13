# SPDX-License-Identifier: GPL-2.0
programs += vuserd
sbin += vuserd
vuserd-objs := $(addprefix $(d), \
	main.o log.o helper.o family.o device.o connection.o worker.o result.o \
	caps.o config.o attach.o fdmsg.o endpoint.o explain.o) $(vnl-objs) \
	$(exit-status-objs) $(option-objs)
vuserd-libs := $(vnl-libs) libsystemd

sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
vuserd-dir := $(d)

install: install-vuserd
install-vuserd: all
	$(INSTALL) -d $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(unitdir)
	$(INSTALL) -m 644 $(vuserd-dir)vuserd.8 $(DESTDIR)$(mandir)/man8
	sed -e 's|@sbindir@|$(sbindir)|' $(vuserd-dir)vuserd.service.in \
		>$(DESTDIR)$(unitdir)/vuserd.service
	chmod 644 $(DESTDIR)$(unitdir)/vuserd.service

.PHONY: install-vuserd
