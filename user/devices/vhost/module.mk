# SPDX-License-Identifier: GPL-2.0
#
# vuser-vhost, vhost-user back-ends as vfio-user servers.

programs += vuser-vhost
bin += vuser-vhost

vhost-objs := $(addprefix $(d), \
	types.o virtio.o vqueue.o net.o pci.o memory.o log.o link.o \
	arguments.o \
	config.o control.o dirty.o inflight.o state.o stream.o \
	transfer.o migration.o irq.o rings.o pause.o serve.o device.o)
vuser-vhost-objs := $(vhost-objs) $(d)main.o

vhost-migration-tests := test-vhost-migration test-vhost-migration-bad \
	test-vhost-migration-net
vhost-device-tests := test-vhost-virtio test-vhost-vqueue test-vhost-log \
	test-vhost-state test-vhost-transfer \
	test-vhost-device test-vhost-dirty $(vhost-migration-tests)
tests += $(vhost-device-tests)
$(foreach t,$(vhost-device-tests),$(eval $(t)-objs := $(d)tests/$(t).o \
	$(vhost-objs) tests/harness.o $(tap-objs)))
test-vhost-transfer-objs += tests/vhost/fake.o
$(foreach t,test-vhost-device test-vhost-dirty $(vhost-migration-tests),\
	$(eval $(t)-objs += $(d)tests/stand.o tests/vhost/fake.o))
$(foreach t,$(vhost-migration-tests),$(eval $(t)-objs += $(d)tests/migrate.o))

# Those that run the program, with back-ends that others wrote, too.  Where these
# are not installed, the test is one line that says so.
vhost-peers-objs := $(d)tests/peers.o tests/harness.o $(tap-objs)
qemu-storage-daemon ?= $(shell command -v qemu-storage-daemon)
virtiofsd ?= $(wildcard /usr/libexec/virtiofsd)
tests += test-vhost-program test-vhost-disk test-vhost-files test-vhost-usage
test-vhost-program-objs := $(d)tests/test-vhost-program.o \
	tests/vhost/fake.o $(d)stream.o $(vhost-peers-objs)
test-vhost-usage-objs := $(d)tests/test-vhost-usage.o tests/vhost/fake.o \
	$(vhost-peers-objs)
test-vhost-disk-objs := $(d)tests/test-vhost-disk.o tests/vhost/driver.o \
	$(vhost-peers-objs)
test-vhost-disk-cppflags := $(if $(qemu-storage-daemon),\
	-DSTORAGE_DAEMON='"$(qemu-storage-daemon)"')
test-vhost-files-objs := $(if $(virtiofsd),\
	$(d)tests/test-vhost-files.o $(vhost-peers-objs),\
	tests/vhost/no-fs.o $(tap-objs))
test-vhost-files-cppflags := -DVIRTIOFSD='"$(virtiofsd)"'
$(B)/bin/test-vhost-disk: | $(B)/bin/vuser-vhost $(B)/bin/vuser-vhost-blk
$(B)/bin/test-vhost-files $(B)/bin/test-vhost-program: | $(B)/bin/vuser-vhost
$(B)/bin/test-vhost-usage: | $(B)/bin/vuser-vhost

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
