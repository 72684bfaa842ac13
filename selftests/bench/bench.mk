# SPDX-License-Identifier: GPL-2.0
# The benchmarks: each file describes what it measures; lab/bench runs the scripts.

BENCH := access_bench flood_bench many_servers memory_bench island_bench \
	ioat_bench replace_bench vhost_bench
BENCH_USER := $(SRC)../user/lib
BENCH_LIB := $(BUILD)/user/lib/libvuser.a

bench: $(addprefix $(O)/bench/,$(BENCH))

$(O)/bench/%.o: $(SRC)bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(BENCH_USER)/include -I$(SRC)../include/uapi \
		$(CFLAGS) -c -o $@ $<

$(addprefix $(O)/bench/,$(BENCH)): $(O)/bench/%: $(O)/bench/%.o \
		$(O)/bench/row.o $(LIB_OBJS) $(BENCH_LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljson-c -lpthread

-include $(wildcard $(O)/bench/*.d)

.PHONY: bench
