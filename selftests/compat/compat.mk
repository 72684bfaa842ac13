# SPDX-License-Identifier: GPL-2.0
# A 32-bit consumer. The kernel's headers for i386 are those for x86-64, and nothing
# else of i386 is needed.

COMPAT_CFLAGS := -m32 -O2 -g -std=gnu11 -Wall -Wextra -Werror -ffreestanding \
	-fno-pie -fno-stack-protector -fcf-protection=none -nostdlib -static \
	-no-pie -Wl,--build-id=none -Wl,-z,noexecstack
COMPAT_INCLUDE := -isystem /usr/include/$(shell $(CC) -print-multiarch)

all: $(O)/consumer32

$(O)/consumer32: $(SRC)compat/consumer32.c $(SRC)testdev/testdev.h
	@mkdir -p $(@D)
	$(CC) $(COMPAT_CFLAGS) $(COMPAT_INCLUDE) -o $@ $<
