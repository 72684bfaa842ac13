// SPDX-License-Identifier: GPL-2.0
/* The text files of a device's directory in /sys/bus/pci/devices. */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>

#include "view.h"

/* Resource flags of the kernel, as in the file "resource". */
#define RES_IO	      0x00000100ULL
#define RES_MEM	      0x00000200ULL
#define RES_PREFETCH  0x00002000ULL
#define RES_READONLY  0x00004000ULL
#define RES_SIZEALIGN 0x00040000ULL
#define RES_MEM_64    0x00100000ULL

/*
 * Addresses of BARs to which no address was assigned. No bus decodes them.
 * Programs only check that an address is not 0.
 */
#define ADDRESS_BASE 0x565500000000ULL

/* The maximum size of a BAR in PCI. */
#define BAR_MAX (1ULL << 63)

static unsigned int config_u8(const struct vnl_dev *dev, unsigned int pos)
{
	return pos < dev->config_size ? dev->config[pos] : 0;
}

static unsigned int config_u16(const struct vnl_dev *dev, unsigned int pos)
{
	return config_u8(dev, pos) | config_u8(dev, pos + 1) << 8;
}

static uint32_t config_u32(const struct vnl_dev *dev, unsigned int pos)
{
	return config_u16(dev, pos) | (uint32_t)config_u16(dev, pos + 2) << 16;
}

static unsigned int class_of(const struct vnl_dev *dev)
{
	return config_u32(dev, PCI_CLASS_REVISION) >> 8;
}

bool view_possible(const struct vnl_dev *dev)
{
	return dev->whole && dev->config_size >= PCI_STD_HEADER_SIZEOF;
}

static void print_vendor(const struct vnl_dev *dev, char *text, size_t size)
{
	snprintf(text, size, "0x%04x\n", config_u16(dev, PCI_VENDOR_ID));
}

static void print_device(const struct vnl_dev *dev, char *text, size_t size)
{
	snprintf(text, size, "0x%04x\n", config_u16(dev, PCI_DEVICE_ID));
}

static void print_subsystem_vendor(const struct vnl_dev *dev, char *text,
				   size_t size)
{
	snprintf(text, size, "0x%04x\n",
		 config_u16(dev, PCI_SUBSYSTEM_VENDOR_ID));
}

static void print_subsystem_device(const struct vnl_dev *dev, char *text,
				   size_t size)
{
	snprintf(text, size, "0x%04x\n", config_u16(dev, PCI_SUBSYSTEM_ID));
}

static void print_class(const struct vnl_dev *dev, char *text, size_t size)
{
	snprintf(text, size, "0x%06x\n", class_of(dev));
}

static void print_revision(const struct vnl_dev *dev, char *text, size_t size)
{
	snprintf(text, size, "0x%02x\n", config_u8(dev, PCI_REVISION_ID));
}

/* Interrupts are eventfds, so the device has no interrupt line. */
static void print_irq(const struct vnl_dev *dev, char *text, size_t size)
{
	(void)dev;
	snprintf(text, size, "0\n");
}

static void print_enable(const struct vnl_dev *dev, char *text, size_t size)
{
	(void)dev;
	snprintf(text, size, "1\n");
}

static void print_numa_node(const struct vnl_dev *dev, char *text, size_t size)
{
	(void)dev;
	snprintf(text, size, "-1\n");
}

static void print_modalias(const struct vnl_dev *dev, char *text, size_t size)
{
	unsigned int class = class_of(dev);

	snprintf(text, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
		 config_u16(dev, PCI_VENDOR_ID), config_u16(dev, PCI_DEVICE_ID),
		 config_u16(dev, PCI_SUBSYSTEM_VENDOR_ID),
		 config_u16(dev, PCI_SUBSYSTEM_ID), class >> 16,
		 class >> 8 & 0xff, class & 0xff);
}

static void print_uevent(const struct vnl_dev *dev, char *text, size_t size)
{
	char modalias[128];

	print_modalias(dev, modalias, sizeof(modalias));
	snprintf(text, size,
		 "DRIVER=vfio-pci\n"
		 "PCI_CLASS=%X\n"
		 "PCI_ID=%04X:%04X\n"
		 "PCI_SUBSYS_ID=%04X:%04X\n"
		 "PCI_SLOT_NAME=%s\n"
		 "MODALIAS=%s",
		 class_of(dev), config_u16(dev, PCI_VENDOR_ID),
		 config_u16(dev, PCI_DEVICE_ID),
		 config_u16(dev, PCI_SUBSYSTEM_VENDOR_ID),
		 config_u16(dev, PCI_SUBSYSTEM_ID), dev->pci_address, modalias);
}

/* Resources --------------------------------------------------------------- */

struct resource {
	uint64_t start;
	uint64_t size;
	uint64_t flags;
};

static void bar_resource(const struct vnl_dev *dev, unsigned int bar,
			 struct resource *res)
{
	unsigned int pos = PCI_BASE_ADDRESS_0 + 4 * bar;
	uint32_t low = config_u32(dev, pos);

	if (low & PCI_BASE_ADDRESS_SPACE_IO) {
		res->flags = RES_IO | RES_SIZEALIGN |
			     (low & ~PCI_BASE_ADDRESS_IO_MASK);
		res->start = low & (uint32_t)PCI_BASE_ADDRESS_IO_MASK;
		return;
	}
	res->flags = RES_MEM | RES_SIZEALIGN |
		     (low & ~PCI_BASE_ADDRESS_MEM_MASK);
	res->start = low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
	if (low & PCI_BASE_ADDRESS_MEM_PREFETCH)
		res->flags |= RES_PREFETCH;
	if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
	    PCI_BASE_ADDRESS_MEM_TYPE_64) {
		res->flags |= RES_MEM_64;
		res->start |= (uint64_t)config_u32(dev, pos + 4) << 32;
	}
}

static void rom_resource(const struct vnl_dev *dev, struct resource *res)
{
	res->flags = RES_MEM | RES_PREFETCH | RES_READONLY | RES_SIZEALIGN;
	res->start = config_u32(dev, PCI_ROM_ADDRESS) &
		     (uint32_t)PCI_ROM_ADDRESS_MASK;
}

/*
 * 0 if the size is above the maximum; the kernel does not accept such regions.
 */
static uint64_t size_of(const struct vnl_dev *dev, unsigned int index)
{
	uint64_t size = index < dev->nr_regions ? dev->regions[index].size : 0;

	return size <= BAR_MAX ? size : 0;
}

/*
 * Choose an address that is aligned to the size and above all earlier
 * addresses.
 */
static uint64_t assign(uint64_t *next, uint64_t size)
{
	uint64_t align = 4096, start;

	while (align < size)
		align <<= 1;
	start = (*next + align - 1) & ~(align - 1);
	*next = start + align;
	return start;
}

static void print_resource(const struct vnl_dev *dev, char *text, size_t size)
{
	uint64_t next = ADDRESS_BASE;
	unsigned int i;
	int len = 0;

	for (i = 0; i < VIEW_NR_RESOURCES; i++) {
		struct resource res = { .size = size_of(dev, i) };

		if (res.size && i == VFIO_PCI_ROM_REGION_INDEX)
			rom_resource(dev, &res);
		else if (res.size)
			bar_resource(dev, i, &res);
		if (res.size && !res.start)
			res.start = assign(&next, res.size);
		len += snprintf(
			text + len, size - len,
			"0x%016llx 0x%016llx 0x%016llx\n",
			(unsigned long long)res.start,
			(unsigned long long)(res.size ?
						     res.start + res.size - 1 :
						     0),
			(unsigned long long)res.flags);
	}
}

const struct view_file view_files[] = {
	{ "vendor", print_vendor },
	{ "device", print_device },
	{ "subsystem_vendor", print_subsystem_vendor },
	{ "subsystem_device", print_subsystem_device },
	{ "class", print_class },
	{ "revision", print_revision },
	{ "irq", print_irq },
	{ "enable", print_enable },
	{ "numa_node", print_numa_node },
	{ "modalias", print_modalias },
	{ "uevent", print_uevent },
	{ "resource", print_resource },
	{}
};
