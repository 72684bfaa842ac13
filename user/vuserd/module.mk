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
udevrulesdir ?= $(prefix)/lib/udev/rules.d
sysusersdir ?= $(prefix)/lib/sysusers.d
modulesloaddir ?= $(prefix)/lib/modules-load.d
vuserd-dir := $(d)

install: install-vuserd
install-vuserd: all
	$(INSTALL) -d $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(unitdir)
	$(INSTALL) -m 644 $(vuserd-dir)vuserd.8 $(DESTDIR)$(mandir)/man8
	sed -e 's|@sbindir@|$(sbindir)|' $(vuserd-dir)vuserd.service.in \
		>$(DESTDIR)$(unitdir)/vuserd.service
	chmod 644 $(DESTDIR)$(unitdir)/vuserd.service
	$(INSTALL) -D -m 644 $(vuserd-dir)vuser.rules \
		$(DESTDIR)$(udevrulesdir)/60-vuser.rules
	$(INSTALL) -D -m 644 $(vuserd-dir)vuser.sysusers $(DESTDIR)$(sysusersdir)/vuser.conf
	$(INSTALL) -D -m 644 $(vuserd-dir)vuser.modules-load \
		$(DESTDIR)$(modulesloaddir)/vuser.conf

.PHONY: install-vuserd
