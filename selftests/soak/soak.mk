# SPDX-License-Identifier: GPL-2.0
# The soak test, with parts of the random tester and the hostile servers.

SOAK_OBJS := $(patsubst $(SRC)soak/%.c,$(O)/soak/%.o,$(wildcard $(SRC)soak/*.c))

$(SOAK_OBJS) $(O)/soak_test.o: CPPFLAGS += -DSLOWNESS=$(or $(SLOWNESS),1)

$(O)/soak/%.o: $(SRC)soak/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(O)/soak_test: $(SOAK_OBJS)

-include $(wildcard $(O)/soak/*.d)
