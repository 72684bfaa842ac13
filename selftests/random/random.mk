# SPDX-License-Identifier: GPL-2.0
# The random tester.

RANDOM_OBJS := $(patsubst $(SRC)random/%.c,$(O)/random/%.o, \
	$(wildcard $(SRC)random/*.c))

$(O)/random/%.o: $(SRC)random/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DSLOWNESS=$(or $(SLOWNESS),1) $(CFLAGS) -c -o $@ $<

$(O)/random_test $(O)/soak_test: $(RANDOM_OBJS)

-include $(wildcard $(O)/random/*.d)
