// SPDX-License-Identifier: GPL-2.0
/* The accesses that copies to and from DMA memory make: their sizes and their order. */
#include <stdint.h>
#include <string.h>

#include "dma/copy.h"
#include "../tap.h"

#include <linux/compiler.h>

#define ROOM	  64
#define MAX_START 9
#define MAX_LEN	  40

static _Alignas(8) uint8_t mem[ROOM];
static uint8_t buf[ROOM + 1];

/* The copy that runs: where its accesses must be. */
static struct {
	size_t next; /* where the next access must start, in mem */
	size_t end;
	int store;
	unsigned int wrong;
} copy;

/* The size that the access at @at must have. */
static size_t piece(size_t at, size_t end)
{
	size_t size = 8;

	while (at % size || size > end - at)
		size /= 2;
	return size;
}

void test_access(const volatile void *addr, size_t size, int store)
{
	size_t at = (const volatile uint8_t *)addr - mem;

	if (at != copy.next || store != copy.store || copy.next >= copy.end ||
	    size != piece(at, copy.end))
		copy.wrong++;
	copy.next = at + size;
}

static void start(size_t first, size_t len, int store)
{
	size_t i;

	for (i = 0; i < ROOM; i++) {
		mem[i] = store ? 0xee : i + 1;
		buf[i] = store ? 0x80 + i : 0xee;
	}
	copy.next = first;
	copy.end = first + len;
	copy.store = store;
	copy.wrong = 0;
}

/* Whether exactly the accesses of the copy were made. */
static bool accesses_are_right(void)
{
	return !copy.wrong && copy.next == copy.end;
}

static bool to_is_right(size_t first, size_t skew, size_t len)
{
	size_t i;

	start(first, len, 1);
	vuser_copy_to(mem + first, buf + skew, len);
	for (i = 0; i < ROOM; i++) {
		bool in = i >= first && i < first + len;

		if (mem[i] != (in ? (uint8_t)(0x80 + skew + i - first) : 0xee))
			return false;
	}
	return accesses_are_right();
}

static bool from_is_right(size_t first, size_t skew, size_t len)
{
	size_t i;

	start(first, len, 0);
	vuser_copy_from(buf + skew, mem + first, len);
	for (i = 0; i < ROOM; i++) {
		bool in = i >= skew && i < skew + len;

		if (buf[i] != (in ? (uint8_t)(first + i - skew + 1) : 0xee))
			return false;
	}
	return accesses_are_right();
}

static void check_all(const char *what,
		      bool (*right)(size_t first, size_t skew, size_t len))
{
	size_t first, skew, len;
	unsigned int wrong = 0;

	for (first = 0; first < MAX_START; first++)
		for (skew = 0; skew < MAX_START; skew++)
			for (len = 0; len < MAX_LEN; len++)
				wrong += !right(first, skew, len);
	tap_ok(!wrong, "%s ascend in aligned words of 8 bytes, %u wrong", what,
	       wrong);
}

int main(void)
{
	check_all("stores to memory", to_is_right);
	check_all("loads from memory", from_is_right);
	return tap_done();
}
