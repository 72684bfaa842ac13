# SPDX-License-Identifier: GPL-2.0
#
# What the suites of the consumers run, included by ../Makefile:
# $(O)/consumers/{mdev_wait,gpio_test} and the kernel's own VFIO selftests in
# $(O)/consumers/vfio.

CONSUMERS := $(SRC)consumers
CONSUMER_PROGS := $(O)/consumers/mdev_wait $(O)/consumers/gpio_test
KSRC ?= $(abspath $(KSELFTEST_DIR)/../../..)

all: $(CONSUMER_PROGS) vfio-selftests

$(O)/consumers/mdev_wait: $(CONSUMERS)/mdev_wait.c
$(O)/consumers/gpio_test: $(CONSUMERS)/gpio/gpio_test.c

$(CONSUMER_PROGS): $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.o,$^)

vfio-selftests:
	$(CONSUMERS)/vfio-selftests/build.sh $(KSRC) $(abspath $(O))/consumers/vfio

-include $(wildcard $(O)/consumers/*.d)

.PHONY: vfio-selftests
