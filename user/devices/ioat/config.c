// SPDX-License-Identifier: GPL-2.0
/* Configuration space. */
#include <string.h>

#include "config.h"
#include "regs.h"

#define IOAT_VENDOR   0x8086
#define IOAT_DEVICE   0x2021
#define IOAT_REVISION 0x04
#define IOAT_CLASS    0x088000 /* system peripheral, other */

/* Error registers: their bits are cleared by writing 1, or are writable. */
static void add_error_registers(struct vuser_pci *pci)
{
	memset(pci->w1c + IOAT_PCI_DMAUNCERRSTS, 0xff, 4);
	memset(pci->w1c + IOAT_PCI_CHANERR_INT, 0xff, 4);
	memset(pci->wmask + IOAT_PCI_CHANERRMASK_INT, 0xff, 4);
}

/**
 * ioat_config_init - initialize configuration space
 * @pci: filled in
 *
 * Return: 0 or -errno.
 */
int ioat_config_init(struct vuser_pci *pci)
{
	static const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = IOAT_VENDOR,
		.device = IOAT_DEVICE,
		.subsystem_vendor = IOAT_VENDOR,
		.subsystem = IOAT_DEVICE,
		.class_code = IOAT_CLASS,
		.revision = IOAT_REVISION,
	};
	int ret;

	ret = vuser_pci_init(pci, VUSER_PCIE_CFG_SIZE, &ids);
	if (ret)
		return ret;
	ret = vuser_pci_set_bar(pci, 0, IOAT_BAR_SIZE,
				PCI_BASE_ADDRESS_MEM_TYPE_64);
	if (ret)
		return ret;
	ret = vuser_pci_add_msix(pci, IOAT_MSIX_VECTORS, 0, IOAT_MSIX_TABLE, 0,
				 IOAT_MSIX_PBA);
	if (ret < 0)
		return ret;
	ret = vuser_pci_add_pcie(pci, PCI_EXP_TYPE_RC_END, true);
	if (ret < 0)
		return ret;
	ret = vuser_pci_add_pm(pci);
	if (ret < 0)
		return ret;
	add_error_registers(pci);
	vuser_pci_seal(pci);
	return 0;
}

/*
 * The channel can set error bits at any time: copy them to configuration space.
 */
static uint32_t sync_errors(struct vuser_pci *pci, struct ioat_channel *channel)
{
	uint32_t errors = ioat_channel_error_int(channel);

	vuser_pci_put32(pci, IOAT_PCI_CHANERR_INT, errors);
	return errors;
}

/**
 * ioat_config_read - read configuration space
 * @pci: configuration space
 * @channel: has the errors
 * @offset: offset in configuration space
 * @buf: set to the bytes
 * @count: number of bytes
 *
 * Return: 0 or -EINVAL.
 */
int ioat_config_read(struct vuser_pci *pci, struct ioat_channel *channel,
		     uint64_t offset, void *buf, uint32_t count)
{
	sync_errors(pci, channel);
	return vuser_pci_read(pci, offset, buf, count);
}

/**
 * ioat_config_write - write configuration space
 * @pci: configuration space
 * @channel: has the errors
 * @offset: offset in configuration space
 * @buf: the bytes
 * @count: number of bytes
 *
 * Return: 0; 1 if the driver requests a function level reset; or -EINVAL.
 */
int ioat_config_write(struct vuser_pci *pci, struct ioat_channel *channel,
		      uint64_t offset, const void *buf, uint32_t count)
{
	uint32_t errors = sync_errors(pci, channel);
	int ret = vuser_pci_write(pci, offset, buf, count);

	errors &= ~vuser_pci_get32(pci, IOAT_PCI_CHANERR_INT);
	if (errors)
		ioat_channel_clear_error_int(channel, errors);
	ioat_channel_set_error_int_mask(
		channel, vuser_pci_get32(pci, IOAT_PCI_CHANERRMASK_INT));
	return ret;
}
