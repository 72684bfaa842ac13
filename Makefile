# SPDX-License-Identifier: GPL-2.0
#
# vuser: VFIO devices that are served by other processes. `make help` lists the
# targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
BUILD := $(CURDIR)/build
# Kbuild puts the module beside its sources.
KMOD := $(CURDIR)/kmod
MINUTES ?= 10

all: modules user

modules:
	$(MAKE) -C $(KDIR) M=$(KMOD) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(KMOD) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install

# A compiler that is newer than this tree may have new warnings.
WERROR ?= 0

user:
	$(MAKE) -C user O=$(BUILD)/user WERROR=$(WERROR)

install: user modules_install
	$(MAKE) -C user O=$(BUILD)/user WERROR=$(WERROR) install

# The module is removed from the kernel of KDIR.
uninstall:
	$(MAKE) -C user O=$(BUILD)/user WERROR=$(WERROR) uninstall
	release=$$($(MAKE) -s -C $(KDIR) kernelrelease) && \
		find $(DESTDIR)/lib/modules/$$release -name 'vuser.ko*' -delete && \
		$(if $(DESTDIR),:,depmod $$release)

# The same commit makes the same file, to the byte, whatever the configuration of git and xz.
VERSION = $(shell sed -n 's/^.define VUSER_VERSION "\(.*\)"/\1/p' include/vuser-version.h)
TARBALL = $(BUILD)/vuser-$(VERSION).tar
dist:
	mkdir -p $(BUILD)
	git -c tar.umask=0022 archive --prefix=vuser-$(VERSION)/ -o $(TARBALL) HEAD
	env -u XZ_DEFAULTS -u XZ_OPT xz -6 -T1 -f $(TARBALL)
	@echo $(TARBALL).xz

# The lab is written in Python, which bootstrap installs on a host that has none.
check check-debug demo demo-linux demo-qemu lint rpm htmldocs: bootstrap
	@lab/$@

deb: bootstrap
	@lab/deb $(LAB)

bench: bootstrap
	@LAB=$(LAB) lab/bench

fuzz: bootstrap
	@FUZZ_SECONDS=$(SECONDS) lab/fuzz

soak: bootstrap
	@VUSER_SECONDS=$$(($(MINUTES) * 60)) SUITES=39-soak lab/check
	@grep -h '^#' build/check/*/39-soak.tap

soak-hostile: bootstrap
	@VUSER_SECONDS=$$(($(MINUTES) * 60)) SUITES=39-soak-hostile lab/check
	@grep -h '^#' build/check/*/39-soak-hostile.tap

lab-shell: bootstrap
	@lab/shell $(LAB)

# The command line reaches the lab as it was written, whatever make would read in it.
lab-run: export LAB_COMMAND = $(value CMD)
lab-run: bootstrap
	@lab/make-run $(LAB)

lab-clean: bootstrap
	@lab/clean

bootstrap:
	@lab/bootstrap

clean:
	rm -rf $(BUILD)

help:
	@echo 'On a host with kernel headers and the libraries of user/BUILD-DEPENDS:'
	@echo '  all              vuser.ko and all programs (the default)'
	@echo '  modules          kmod/vuser.ko, for KDIR=/lib/modules/VERSION/build'
	@echo '  user             vuserd, vuserctl, device servers, in build/user'
	@echo '  install          modules_install, and the programs (DESTDIR=, prefix=)'
	@echo '                   WERROR=1 makes a warning an error'
	@echo '  uninstall        remove what install has installed'
	@echo '  dist             the sources as build/vuser-VERSION.tar.xz'
	@echo '  clean            remove what was built'
	@echo
	@echo 'In virtual machines made of Debian packages (as root; make sets them up):'
	@echo '  demo             DPDK on a vuser device, from nothing, with a summary'
	@echo '  demo-qemu        DPDK on a network card of QEMU, without a guest around the card;'
	@echo '                   builds the vfio-user server of QEMU first'
	@echo '  demo-linux       the nvme and virtio drivers of Linux, in a process, on disks of'
	@echo '                   other processes; builds that Linux and the server of QEMU first'
	@echo '  check            every test on every kernel; the last line has the sums'
	@echo '                   LABS="6.12" SUITES="10-* 20-*" narrow it, JOBS=1 runs one'
	@echo '                   machine at a time'
	@echo '  check-debug      the suites on a kernel with KASAN, lockdep, kmemleak,'
	@echo '                   fault injection and iommufd; builds this kernel first'
	@echo '  fuzz             every fuzzer for SECONDS= each (60): executions, coverage'
	@echo '                   FUZZERS="server random" LABS="6.12" narrow it'
	@echo '  soak             servers are killed, stopped and replaced under DPDK and qemu-io,'
	@echo '                   for MINUTES= (10), on LABS="6.12"'
	@echo '  soak-hostile     well-behaved devices beside hostile servers, consumers and helpers,'
	@echo '                   for MINUTES= (10), on LABS="6.12"'
	@echo '  bench            what things cost: a table, and build/bench.json'
	@echo '                   BENCHES="10-*" narrows it, CLOCK=instructions counts'
	@echo '  deb              packages of Debian 13, LAB=6.1: of Debian 12; tries them and'
	@echo '                   prints their names'
	@echo '  rpm              packages of rpm/vuser.spec; tries them and prints their names'
	@echo '  lab-run          one command line, CMD=, in a machine with the module loaded'
	@echo '                   and vuserd running, in /vuser, which is this tree'
	@echo '  lab-shell        a shell in such a machine'
	@echo '  lint             W=1, sparse, checkpatch, clang-format, shellcheck, language'
	@echo '  htmldocs         the documentation, in build/htmldocs'
	@echo '  lab-clean        remove the cached root file systems and kernels'
	@echo 'bench, deb, lab-run and lab-shell take LAB=; lab/kernels.toml names the default.'
	@printf '%s' 'The labs: '
	@sed -n 's/^\[kernel\."*\([a-z0-9][a-z0-9.]*[a-z0-9]\)"*\]$$/\1/p' lab/kernels.toml | \
		tr '\n' ' '
	@echo

.PHONY: all modules modules_install user install uninstall dist check check-debug deb rpm demo \
	demo-linux demo-qemu fuzz bench soak soak-hostile lint lab-run lab-shell htmldocs clean \
	lab-clean bootstrap help
