# SPDX-License-Identifier: GPL-2.0
# The same calls on a device of vfio-pci and on a device of vuser.

TWICE_OBJS := $(patsubst $(SRC)twice/%.c,$(O)/twice/%.o, \
	$(wildcard $(SRC)twice/*.c))

$(O)/twice/%.o: $(SRC)twice/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/twice_test: $(TWICE_OBJS)

-include $(wildcard $(O)/twice/*.d)
