// SPDX-License-Identifier: GPL-2.0
/* Operations: pread, pwrite and mmap of regions. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/fault.h"
#include "twice.h"

/* Where an access begins; see place(). */
enum place {
	START,
	UNALIGNED,
	SECOND_PAGE,
	LAST_PAGE,
	LAST_8,
	LAST_BYTE,
	END,
	FAR,
	NR_PLACES,
};

/* The offset in the device file. */
static uint64_t place(struct side *side, uint32_t index, uint64_t where)
{
	struct vfio_region_info info;
	uint64_t size = 0, off = 0;

	if (!region_info(side->dev.device, index, &info))
		size = info.size;
	switch (where % NR_PLACES) {
	case UNALIGNED:
		off = 1;
		break;
	case SECOND_PAGE:
		off = PAGE;
		break;
	case LAST_PAGE:
		off = size > PAGE ? size - PAGE : 0;
		break;
	case LAST_8:
		off = size > 8 ? size - 8 : 0;
		break;
	case LAST_BYTE:
		off = size ? size - 1 : 0;
		break;
	case END:
		off = size;
		break;
	case FAR:
		off = (1ULL << REGION_SHIFT) - PAGE;
		break;
	}
	return ((uint64_t)index << REGION_SHIFT) + off;
}

/* How much of the memory can be accessed: all, one byte too few, 8 bytes. */
enum memory {
	ALL,
	BUT_ONE,
	EIGHT,
	NR_MEMORY,
};

static size_t room(size_t size, uint64_t memory)
{
	switch (memory % NR_MEMORY) {
	case BUT_ONE:
		return size ? size - 1 : 0;
	case EIGHT:
		return size < 8 ? size : 8;
	default:
		return size;
	}
}

static char *memory_for(size_t size, uint64_t memory)
{
	return guarded(room(size, memory));
}

static void do_pread(struct side *side, const uint64_t *args,
		     struct result *res)
{
	size_t size = args[2] % PAGE;
	char *buf = memory_for(size, args[3]);
	long got = pread(side->dev.device, buf, size,
			 place(side, args[0] % 128, args[1]));

	if (result_ret(res, got) > 0)
		result_words(res, buf, got < 32 ? got : 32);
}

/*
 * Writes what can be read there, so that no device begins to work: few bytes, and whole
 * words, since a model may clear the rest of a register.
 */
static void do_pwrite(struct side *side, const uint64_t *args,
		      struct result *res)
{
	uint64_t where = args[1] % NR_PLACES;
	uint64_t pos =
		place(side, args[0] % 128,
		      where == UNALIGNED || where == LAST_BYTE ? START : where);
	size_t size = args[2] % 17 & ~3UL;
	char *buf = memory_for(size, args[3]), copy[16] = {};
	size_t some = room(size, args[3]);

	if (pread(side->dev.device, copy, size, pos) == (long)size)
		memcpy(buf, copy, some);
	result_ret(res, pwrite(side->dev.device, buf, size, pos));
}

/* How long a mapping is; see length(). */
enum length {
	NO_BYTES,
	ONE_PAGE,
	WHOLE,
	PAGE_MORE,
	HUGE,
	NR_LENGTHS,
};

static uint64_t length(struct side *side, uint32_t index, uint64_t len)
{
	struct vfio_region_info info;
	uint64_t size = 0;

	if (!region_info(side->dev.device, index, &info))
		size = (info.size + PAGE - 1) & ~(PAGE - 1);
	switch (len % NR_LENGTHS) {
	case NO_BYTES:
		return 0;
	case WHOLE:
		return size ?: PAGE;
	case PAGE_MORE:
		return size + PAGE;
	case HUGE:
		return 1ULL << REGION_SHIFT;
	default:
		return PAGE;
	}
}

static void do_mmap(struct side *side, const uint64_t *args, struct result *res)
{
	uint32_t index = args[0] % 128;
	size_t size = length(side, index, args[2]);
	void *map = mmap(NULL, size, args[3] & 7,
			 args[4] % 2 ? MAP_PRIVATE : MAP_SHARED,
			 side->dev.device, place(side, index, args[1]));

	result_ret(res, map == MAP_FAILED ? -1 : 0);
	if (map != MAP_FAILED)
		munmap(map, size);
}

static uint32_t load(volatile uint32_t *from)
{
	return *from;
}

/* Loads the first word of a page of a region. */
static void do_load(struct side *side, const uint64_t *args, struct result *res)
{
	volatile uint32_t value = 0;
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, side->dev.device,
			 place(side, args[0] % 6, args[1]));

	result_ret(res, map == MAP_FAILED ? -1 : 0);
	if (map == MAP_FAILED)
		return;
	result_add(res, "signal", FAULT_OF(value = load(map)));
	result_add(res, "value", value);
	munmap(map, PAGE);
}

/* Reads and loads while the device does not decode memory. */
static void read_without_memory(struct side *side, const uint64_t *args,
				struct result *res)
{
	const uint32_t config = VFIO_PCI_CONFIG_REGION_INDEX;
	uint16_t command = 0, off;

	region_get(side->dev.device, config, PCI_COMMAND, &command, 2);
	off = command & ~PCI_COMMAND_MEMORY;
	region_put(side->dev.device, config, PCI_COMMAND, &off, 2);
	do_pread(side, args, res);
	do_load(side, args, res);
	region_put(side->dev.device, config, PCI_COMMAND, &command, 2);
}

static const uint64_t regions[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 127 };
static const uint64_t bars[] = { 0, 1, 2, 3, 4, 5 };
static const uint64_t places[] = { START,  UNALIGNED, SECOND_PAGE, LAST_PAGE,
				   LAST_8, LAST_BYTE, END,	   FAR };
static const uint64_t pages[] = { START, SECOND_PAGE, LAST_PAGE, END, FAR };
static const uint64_t sizes[] = { 0, 1, 2, 3, 4, 8, 9, 16 };
static const uint64_t memories[] = { ALL, BUT_ONE, EIGHT };
static const uint64_t lengths[] = { NO_BYTES, ONE_PAGE, WHOLE, PAGE_MORE,
				    HUGE };
static const uint64_t prots[] = {
	PROT_NONE,
	PROT_READ,
	PROT_WRITE,
	PROT_READ | PROT_WRITE,
	PROT_READ | PROT_EXEC,
};
static const uint64_t zero[] = { 0 };
static const uint64_t four[] = { 4 };
static const uint64_t yes_no[] = { 0, 1 };

const struct op access_ops[] = {
	{ "pread",
	  do_pread,
	  { ARG("region", regions), ARG("place", places), ARG("size", sizes),
	    ARG("memory", memories) } },
	{ "pwrite",
	  do_pwrite,
	  { ARG("region", regions), ARG("place", places), ARG("size", sizes),
	    ARG("memory", memories) } },
	{ "mmap",
	  do_mmap,
	  { ARG("region", regions), ARG("place", places),
	    ARG("length", lengths), ARG("prot", prots),
	    ARG("private", yes_no) } },
	{ "load", do_load, { ARG("region", bars), ARG("place", pages) } },
	{ "read_without_memory",
	  read_without_memory,
	  { ARG("region", bars), ARG("place", zero), ARG("size", four),
	    ARG("memory", zero) } },
	{}
};
