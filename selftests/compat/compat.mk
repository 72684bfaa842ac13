# SPDX-License-Identifier: GPL-2.0
# The 32-bit consumer. It needs only kernel headers; those of x86-64 suit i386, too.

COMPAT_CFLAGS := -m32 -O2 -g -std=gnu11 -Wall -Wextra -Werror -ffreestanding \
	-fno-pie -fno-stack-protector -fcf-protection=none -nostdlib -static \
	-no-pie -Wl,--build-id=none -Wl,-z,noexecstack
COMPAT_INCLUDE := -isystem /usr/include/$(shell $(CC) -print-multiarch)

all: $(O)/consumer32

$(O)/consumer32: $(SRC)compat/consumer32.c $(SRC)testdev/testdev.h
	@mkdir -p $(@D)
	$(CC) $(COMPAT_CFLAGS) $(COMPAT_INCLUDE) -o $@ $<
