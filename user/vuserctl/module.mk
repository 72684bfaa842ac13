# SPDX-License-Identifier: GPL-2.0
programs += vuserctl
sbin += vuserctl
vuserctl-objs := $(addprefix $(d), \
	main.o help.o completion.o ctl.o target.o settings.o output.o table.o \
	holder.o helper.o rate.o latency.o sysfs.o define.o definition.o view.o tree.o \
	create.o remove.o bridge.o qemu.o unit.o lock.o list.o show.o set.o replace.o \
	status.o monitor.o stats.o top.o save.o restore.o exec.o cdi.o) \
	$(vnl-objs) $(exit-status-objs) $(option-objs)
vuserctl-libs := $(vnl-libs) json-c smartcols

vuserctl-dir := $(d)

install: install-vuserctl
install-vuserctl: all
	$(INSTALL) -d $(DESTDIR)$(mandir)/man8
	$(INSTALL) -m 644 $(vuserctl-dir)vuserctl.8 $(DESTDIR)$(mandir)/man8

.PHONY: install-vuserctl
