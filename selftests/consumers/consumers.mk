# SPDX-License-Identifier: GPL-2.0
#
# Programs for the suites of the consumers, included by ../Makefile:
# $(O)/consumers/gpio_test and the kernel's own VFIO selftests in
# $(O)/consumers/vfio.

CONSUMERS := $(SRC)consumers
KSRC ?= $(abspath $(KSELFTEST_DIR)/../../..)

all: $(O)/consumers/gpio_test vfio-selftests

$(O)/consumers/gpio_test: $(CONSUMERS)/gpio/gpio_test.c $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.o,$^)

vfio-selftests:
	$(CONSUMERS)/vfio-selftests/build.sh $(KSRC) $(abspath $(O))/consumers/vfio \
		$(or $(SLOWNESS),1)

-include $(wildcard $(O)/consumers/*.d)

.PHONY: vfio-selftests
