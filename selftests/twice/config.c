// SPDX-License-Identifier: GPL-2.0
/* Operations: configuration space. */
#include <linux/pci_regs.h>
#include <string.h>

#include "twice.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

/*
 * Writes ones to @size bytes at @off, reads them back, and writes the old value
 * again.
 */
static void write_ones(struct side *side, uint64_t off, size_t size,
		       struct result *res)
{
	uint32_t before = 0, ones = 0xffffffff, seen = 0, after = 0;
	int device = side->dev.device;

	result_add(res, "read", region_get(device, CONFIG, off, &before, size));
	result_add(res, "before", before);
	result_add(res, "write", region_put(device, CONFIG, off, &ones, size));
	region_get(device, CONFIG, off, &seen, size);
	result_add(res, "ones", seen);
	result_add(res, "restore",
		   region_put(device, CONFIG, off, &before, size));
	region_get(device, CONFIG, off, &after, size);
	result_add(res, "after", after);
}

static void config_ones(struct side *side, const uint64_t *args,
			struct result *res)
{
	write_ones(side, args[0] % CONFIG_SPAN, args[1] % 5, res);
}

static void config_read(struct side *side, const uint64_t *args,
			struct result *res)
{
	uint32_t value = 0;

	result_add(res, "read",
		   region_get(side->dev.device, CONFIG, args[0] % CONFIG_SPAN,
			      &value, args[1] % 5));
	result_add(res, "value", value);
}

static const uint64_t offsets[] = {
	0x00, 0x03, 0x04, 0x05,	 0x06,	0x0c,  0x0f,  0x10,   0x14,
	0x18, 0x1c, 0x20, 0x24,	 0x30,	0x34,  0x3b,  0x3c,   0x3d,
	0xfc, 0xff, 0xfd, 0x100, 0x101, 0xffc, 0xfff, 0x1000,
};
static const uint64_t sizes[] = { 0, 1, 2, 3, 4 };
static const uint64_t widths[] = { 1, 2, 4 };

/* The first operation's offset is that of the caller's loop. */
const struct op config_ops[] = {
	{ "config_ones",
	  config_ones,
	  { ARG("offset", offsets), ARG("size", widths) } },
	{ "config_read",
	  config_read,
	  { ARG("offset", offsets), ARG("size", sizes) } },
	{}
};
