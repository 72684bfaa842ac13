# SPDX-License-Identifier: GPL-2.0
#
# Programs for the suites of the consumers, included by ../Makefile: test programs
# in $(O)/consumers, and the kernel's own VFIO selftests in $(O)/consumers/vfio.

CONSUMERS := $(SRC)consumers
KSRC ?= $(abspath $(KSELFTEST_DIR)/../../..)

CONSUMER_PROGS := $(addprefix $(O)/consumers/,copy_load edu_test gpio_test lines \
	outlive_test pcm sample_test)

all: $(CONSUMER_PROGS) $(O)/consumers/blocks vfio-selftests

$(O)/consumers/copy_load: $(CONSUMERS)/state/copy_load.c
$(O)/consumers/edu_test: $(CONSUMERS)/qemu-server/edu_test.c
$(O)/consumers/gpio_test: $(CONSUMERS)/gpio/gpio_test.c
$(O)/consumers/lines: $(CONSUMERS)/vhost-device/lines.c
$(O)/consumers/outlive_test: $(CONSUMERS)/outlive/outlive_test.c
$(O)/consumers/pcm: $(CONSUMERS)/vhost-device/pcm.c
$(O)/consumers/sample_test: $(CONSUMERS)/libvfio-user/sample_test.c

$(CONSUMER_PROGS): $(LIB_OBJS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.o,$^)

# A program for a guest without shared libraries.
$(O)/consumers/blocks: $(CONSUMERS)/qemu/guest/blocks.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static $(LDFLAGS) -o $@ $< -lpthread

vfio-selftests:
	$(CONSUMERS)/vfio-selftests/build.sh $(KSRC) $(abspath $(O))/consumers/vfio \
		$(or $(SLOWNESS),1)

-include $(wildcard $(O)/consumers/*.d)

.PHONY: vfio-selftests
