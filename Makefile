# SPDX-License-Identifier: GPL-2.0
#
# vuser: VFIO devices that are served by other processes. `make help` lists the
# targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
LAB ?= 6.12
BUILD := $(CURDIR)/build
# Kbuild puts the module beside its sources.
KMOD := $(CURDIR)/kmod

all: modules user

modules:
	$(MAKE) -C $(KDIR) M=$(KMOD) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(KMOD) \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install

user:
	$(MAKE) -C user O=$(BUILD)/user

install: user modules_install
	$(MAKE) -C user O=$(BUILD)/user install

check:
	@lab/check

check-debug:
	@lab/check-debug

demo:
	@lab/demo

fuzz:
	@FUZZ_SECONDS=$(SECONDS) lab/fuzz

bench:
	@LAB=$(LAB) lab/bench

lint:
	@lab/lint

lab-shell:
	@lab/shell $(LAB)

htmldocs:
	@lab/htmldocs

clean:
	rm -rf $(BUILD)

lab-clean:
	@lab/clean

help:
	@echo 'On a host with kernel headers and the libraries of user/BUILD-DEPENDS:'
	@echo '  all              vuser.ko and all programs (the default)'
	@echo '  modules          kmod/vuser.ko, for KDIR=/lib/modules/VERSION/build'
	@echo '  user             vuserd, vuserctl, the devices, in build/user'
	@echo '  install          modules_install, and the programs (DESTDIR=, prefix=)'
	@echo '  clean            remove what was built'
	@echo
	@echo 'In virtual machines made of Debian packages (as root; all is set up):'
	@echo '  demo             DPDK on a vuser device, from nothing, with a summary'
	@echo '  check            every test on Linux 6.1, 6.12 and 7.2'
	@echo '                   (LABS="6.12" and SUITES="10-* 20-*" narrow it)'
	@echo '  check-debug      the suites on a kernel with KASAN, lockdep, kmemleak,'
	@echo '                   fault injection and iommufd, which is built first'
	@echo '  fuzz             every fuzzer, SECONDS= each (60): executions, coverage'
	@echo '  bench            how fast it is: a table, and build/bench.json'
	@echo '  lab-shell        a shell with the module loaded and vuserd running'
	@echo '                   (LAB=6.1, 6.12 or 7.2; 6.12 by default)'
	@echo '  lint             W=1, sparse, checkpatch, clang-format, shellcheck'
	@echo '  htmldocs         the documentation, in build/htmldocs'
	@echo '  lab-clean        remove the cached root file systems'

.PHONY: all modules modules_install user install check check-debug demo fuzz bench lint \
	lab-shell htmldocs clean lab-clean help
