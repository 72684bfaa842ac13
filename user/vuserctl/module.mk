# SPDX-License-Identifier: GPL-2.0
programs += vuserctl
sbin += vuserctl
vuserctl-objs := $(addprefix $(d), \
	main.o ctl.o target.o settings.o output.o sysfs.o view.o tree.o \
	create.o remove.o bridge.o bridge-unit.o list.o show.o set.o monitor.o \
	stats.o exec.o) \
	$(vnl-objs)
vuserctl-libs := $(vnl-libs) json-c

completionsdir ?= $(prefix)/share/bash-completion/completions
vuserctl-dir := $(d)

install: install-vuserctl
install-vuserctl: all
	$(INSTALL) -d $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(completionsdir)
	$(INSTALL) -m 644 $(vuserctl-dir)vuserctl.8 $(DESTDIR)$(mandir)/man8
	$(INSTALL) -m 644 $(vuserctl-dir)vuserctl.bash \
		$(DESTDIR)$(completionsdir)/vuserctl

.PHONY: install-vuserctl
