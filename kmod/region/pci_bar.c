// SPDX-License-Identifier: GPL-2.0
/* The BARs and the ROM of a device: their sizes and addresses. */
#include <linux/device.h>
#include <linux/log2.h>

#include "region/pci_bar.h"
#include "region/pci_reg.h"
#include "region/pci_state.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vuser.h"

/*
 * Where BARs are placed.  The device is alone on its bus, so each device gets the same
 * addresses.  Memory below 4 GiB ends where a PC has its interrupt controllers.
 */
#define VUSER_PCI_IO_START	0x1000ULL
#define VUSER_PCI_IO_END	0x10000ULL
#define VUSER_PCI_MEM_START	0x40000000ULL
#define VUSER_PCI_MEM_END	0xfec00000ULL
#define VUSER_PCI_WIDE_START	BIT_ULL(VUSER_OFFSET_SHIFT)
#define VUSER_PCI_WIDE_END	BIT_ULL(VUSER_OFFSET_SHIFT + 3)

/**
 * vuser_pci_bar_pos() - find the register of a BAR
 * @index: index of the region, below VUSER_PCI_NR_BARS
 *
 * Context: any.
 * Return: the offset of the register in configuration space.
 */
u32 vuser_pci_bar_pos(u32 index)
{
	return index == VFIO_PCI_ROM_REGION_INDEX ? PCI_ROM_ADDRESS :
						    PCI_BASE_ADDRESS_0 + 4 * index;
}

static bool vuser_pci_bar_is_io(const struct vuser_pci_bar *bar, u32 index)
{
	return index != VFIO_PCI_ROM_REGION_INDEX &&
	       (bar->flags & PCI_BASE_ADDRESS_SPACE_IO);
}

/* The bits of the register that hold no address. */
static u32 vuser_pci_bar_flag_bits(const struct vuser_pci_bar *bar, u32 index)
{
	if (index == VFIO_PCI_ROM_REGION_INDEX)
		return (u32)~PCI_ROM_ADDRESS_MASK;
	if (vuser_pci_bar_is_io(bar, index))
		return (u32)~PCI_BASE_ADDRESS_IO_MASK;
	return (u32)~PCI_BASE_ADDRESS_MEM_MASK;
}

/* Reads size and kind of a BAR from the description. */
static void vuser_pci_bar_describe_one(struct vuser_pci *pci, u32 index,
				       const struct vuser_desc *desc)
{
	struct vuser_pci_bar *bar = &pci->bars[index];
	u64 size = desc->regions[index].size;
	u32 min;

	/* The register after a BAR of 64 bits is not a BAR. */
	if (!size || (index && index != VFIO_PCI_ROM_REGION_INDEX &&
		      pci->bars[index - 1].wide))
		return;
	if (index != VFIO_PCI_ROM_REGION_INDEX)
		bar->flags = desc->config[vuser_pci_bar_pos(index)] &
			     (u32)~PCI_BASE_ADDRESS_MEM_MASK;
	if (vuser_pci_bar_is_io(bar, index))
		bar->flags = PCI_BASE_ADDRESS_SPACE_IO;
	else if (index < VFIO_PCI_BAR5_REGION_INDEX)
		bar->wide = (bar->flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) ==
			    PCI_BASE_ADDRESS_MEM_TYPE_64;
	min = vuser_pci_bar_flag_bits(bar, index) + 1;
	bar->size = roundup_pow_of_two(max_t(u64, size, min));
}

/* A range of addresses, filled from its start. */
struct vuser_pci_window {
	u64 next;
	u64 end;
};

static void vuser_pci_bar_place(struct vuser_pci_bar *bar,
				struct vuser_pci_window *window)
{
	u64 address = ALIGN(window->next, bar->size);

	if (bar->size > window->end || address > window->end - bar->size)
		return;
	bar->address = address;
	window->next = address + bar->size;
}

/* Chooses the addresses of all BARs, those of large BARs first. */
static void vuser_pci_bar_place_all(struct vuser_pci *pci)
{
	struct vuser_pci_window io = { VUSER_PCI_IO_START, VUSER_PCI_IO_END };
	struct vuser_pci_window mem = { VUSER_PCI_MEM_START, VUSER_PCI_MEM_END };
	struct vuser_pci_window wide = { VUSER_PCI_WIDE_START,
					 VUSER_PCI_WIDE_END };
	struct vuser_pci_bar *bar;
	int order;
	u32 i;

	for (order = VUSER_OFFSET_SHIFT; order >= 0; order--) {
		for (i = 0; i < VUSER_PCI_NR_BARS; i++) {
			bar = &pci->bars[i];
			if (bar->size == BIT_ULL(order))
				vuser_pci_bar_place(bar, bar->wide ? &wide :
						    vuser_pci_bar_is_io(bar, i) ?
						    &io : &mem);
		}
	}
}

/**
 * vuser_pci_bar_describe() - choose the addresses of all BARs
 * @pci: the PCI functions of a device that is being attached
 * @desc: the server's description; its copy of configuration space has a header
 *
 * Context: process; does not wait for the server.
 */
void vuser_pci_bar_describe(struct vuser_pci *pci, const struct vuser_desc *desc)
{
	u32 i;

	for (i = 0; i < VUSER_PCI_NR_BARS; i++)
		vuser_pci_bar_describe_one(pci, i, desc);
	vuser_pci_bar_place_all(pci);
}

/*
 * Compares what the device decodes with the size of the region.  A device without the
 * register needs no address.
 */
static void vuser_pci_bar_check(struct vuser_pci *pci, u32 index, u64 decoded)
{
	struct vuser_pci_bar *bar = &pci->bars[index];

	bar->present = decoded == bar->size && bar->address;
	if (decoded && decoded != bar->size)
		dev_notice(pci->conn->dev,
			   "BAR %u decodes %#llx bytes, but its region needs %#llx; the BAR gets no address\n",
			   index, decoded, bar->size);
	else if (decoded && !bar->address)
		dev_notice(pci->conn->dev,
			   "BAR %u is too large (%#llx bytes); the BAR gets no address\n",
			   index, bar->size);
}

/* Writes the register of a BAR, or both of its registers. */
static int vuser_pci_bar_put(struct vuser_pci *pci, u32 index, u64 val)
{
	u32 pos = vuser_pci_bar_pos(index);
	int ret;

	ret = vuser_pci_reg_put(pci, pos, lower_32_bits(val), 4);
	if (!ret && pci->bars[index].wide)
		ret = vuser_pci_reg_put(pci, pos + 4, upper_32_bits(val), 4);
	return ret;
}

/*
 * Sizes a BAR by writing ones: to all bits, because libvfio-user answers with the size
 * only then.  A 1 in the lowest bit would enable the ROM.
 */
static int vuser_pci_bar_size_one(struct vuser_pci *pci, u32 index)
{
	struct vuser_pci_bar *bar = &pci->bars[index];
	u32 pos = vuser_pci_bar_pos(index), low, high = 0;
	u32 flags = vuser_pci_bar_flag_bits(bar, index);
	u64 ones = index == VFIO_PCI_ROM_REGION_INDEX ? ~flags : U64_MAX;
	u64 mask;
	int ret;

	ret = vuser_pci_bar_put(pci, index, ones);
	if (ret)
		return ret;
	/* A refused read is an error: the helper read all registers before attach. */
	ret = vuser_pci_reg_read(pci, pos, &low, 4);
	if (!ret && bar->wide)
		ret = vuser_pci_reg_read(pci, pos + 4, &high, 4);
	if (ret)
		return ret;
	mask = (u64)high << 32 | (low & ~flags);
	vuser_pci_bar_check(pci, index, mask & -mask);
	/* A BAR without an address must not keep the ones. */
	return mask && !bar->present ? vuser_pci_bar_put(pci, index, 0) : 0;
}

/**
 * vuser_pci_bar_size() - size all BARs by writing ones
 * @pci: the PCI functions of a device that is being opened
 *
 * The BARs have no addresses afterwards.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result(); -EIO when the server refused to read a BAR.
 */
int vuser_pci_bar_size(struct vuser_pci *pci)
{
	int ret;
	u32 i;

	/* Without the reset, the device may still decode what is written here. */
	ret = vuser_pci_reg_put(pci, PCI_COMMAND, 0, 2);
	for (i = 0; i < VUSER_PCI_NR_BARS && !ret; i++)
		if (pci->bars[i].size)
			ret = vuser_pci_bar_size_one(pci, i);
	pci->sized = !ret;
	return ret;
}

/**
 * vuser_pci_bar_assign() - write the addresses of all BARs
 * @pci: the PCI functions of a device whose BARs were sized
 *
 * The ROM is enabled, since the consumer may read its region at any time, as with
 * vfio-pci.
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_bar_assign(struct vuser_pci *pci)
{
	struct vuser_pci_bar *bar;
	int ret = 0;
	u64 val;
	u32 i;

	for (i = 0; i < VUSER_PCI_NR_BARS && !ret; i++) {
		bar = &pci->bars[i];
		val = bar->address;
		if (i == VFIO_PCI_ROM_REGION_INDEX)
			val |= PCI_ROM_ADDRESS_ENABLE;
		if (bar->present)
			ret = vuser_pci_bar_put(pci, i, val);
	}
	return ret;
}

/**
 * vuser_pci_bar_command() - find the bits of the command register that decode the BARs
 * @pci: the PCI functions of the device
 *
 * Context: any.
 * Return: the bits.
 */
u16 vuser_pci_bar_command(const struct vuser_pci *pci)
{
	u16 command = 0;
	u32 i;

	for (i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX; i++)
		if (pci->bars[i].size)
			command |= vuser_pci_bar_is_io(&pci->bars[i], i) ?
				   PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return command;
}
