# SPDX-License-Identifier: GPL-2.0
# The hostile server, linked into the tests that use it.

HOSTILE_OBJS := $(patsubst $(SRC)hostile/%.c,$(O)/hostile/%.o, \
	$(wildcard $(SRC)hostile/*.c))
HOSTILE_PROGS := $(addprefix $(O)/,hostile_test flood_data_test flood_test soak_test)

$(O)/hostile/%.o: $(SRC)hostile/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(HOSTILE_PROGS): $(HOSTILE_OBJS)

-include $(wildcard $(O)/hostile/*.d)
