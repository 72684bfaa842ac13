// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "device.h"
#include "model.h"

#define MSI_VECTORS_LOG2 3 /* TESTDEV_NR_MSI */

static int add_rom(struct device *dev)
{
	vuser_pci_put32(&dev->pci, PCI_ROM_ADDRESS, 0);
	memset(dev->pci.wmask + PCI_ROM_ADDRESS, 0xff, 4);
	dev->pci.wmask[PCI_ROM_ADDRESS] = PCI_ROM_ADDRESS_ENABLE;
	dev->pci.wmask[PCI_ROM_ADDRESS + 1] =
		(uint8_t)(~(TESTDEV_ROM_SIZE - 1) >> 8);
	return 0;
}

static int add_msi(struct device *dev)
{
	/* Message control, address, upper address, data, mask and pending bits. */
	uint8_t body[22] = {}, wmask[22] = {};

	body[0] = PCI_MSI_FLAGS_64BIT | MSI_VECTORS_LOG2 << 1;
	body[1] = PCI_MSI_FLAGS_MASKBIT >> 8;
	wmask[0] = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE;
	memset(wmask + 2, 0xff, 10);
	memset(wmask + 14, 0xff, 4);
	/* All vectors are masked after a reset. */
	memset(body + 14, 0xff, 4);
	return vuser_pci_add_cap(&dev->pci, PCI_CAP_ID_MSI, body, wmask,
				 sizeof(body));
}

static int add_pm(struct device *dev)
{
	int pos = vuser_pci_add_pm(&dev->pci);

	if (pos < 0)
		return pos;
	if (dev->opt.pm_reset)
		vuser_pci_put16(&dev->pci, pos + PCI_PM_CTRL, 0);
	if (dev->opt.literal)
		memset(dev->pci.wmask + pos + PCI_PM_CTRL, 0xff, 2);
	return pos;
}

int model_init(struct device *dev)
{
	int ret = add_rom(dev);

	if (!ret)
		ret = add_pm(dev);
	if (ret >= 0)
		ret = add_msi(dev);
	return ret < 0 ? ret : 0;
}

uint32_t model_bar_flags(uint32_t index)
{
	if (index == TESTDEV_MODEL_IO_BAR)
		return PCI_BASE_ADDRESS_SPACE_IO;
	if (index == TESTDEV_MODEL_WIDE_BAR)
		return PCI_BASE_ADDRESS_MEM_TYPE_64 |
		       PCI_BASE_ADDRESS_MEM_PREFETCH;
	return 0;
}

static bool is_d0(const struct vuser_pci *pci)
{
	uint32_t pm = vuser_pci_find_cap(pci, PCI_CAP_ID_PM);

	return !pm || !(vuser_pci_get16(pci, pm + PCI_PM_CTRL) &
			PCI_PM_CTRL_STATE_MASK);
}

/*
 * As libvfio-user: a BAR answers with its size only to a write of all ones, and stores
 * all other values.
 */
static void write_bar(struct device *dev, uint32_t index, uint32_t value)
{
	static const uint32_t sizes[] = {
		TESTDEV_BAR0_SIZE, TESTDEV_BAR1_SIZE, TESTDEV_BAR2_SIZE,
		TESTDEV_BAR3_SIZE, TESTDEV_BAR4_SIZE,
	};

	if (index >= sizeof(sizes) / sizeof(sizes[0]))
		return;
	if (value == UINT32_MAX)
		value = -sizes[index];
	vuser_pci_put32(&dev->pci, PCI_BASE_ADDRESS_0 + 4 * index,
			value | model_bar_flags(index));
}

int model_write(struct device *dev, uint64_t offset, const void *buf,
		uint32_t count)
{
	struct vuser_pci *pci = &dev->pci;
	bool was_d0 = is_d0(pci);
	uint32_t value;
	int ret;

	if (dev->opt.literal && count == 4 && offset >= PCI_BASE_ADDRESS_0 &&
	    offset <= PCI_BASE_ADDRESS_5) {
		memcpy(&value, buf, sizeof(value));
		write_bar(dev, (offset - PCI_BASE_ADDRESS_0) / 4, value);
		return 0;
	}
	ret = vuser_pci_write(pci, offset, buf, count);
	return !ret && dev->opt.pm_reset && !was_d0 && is_d0(pci) ? 1 : ret;
}

static uint64_t address(const struct vuser_pci *pci, uint32_t index)
{
	uint32_t pos = PCI_BASE_ADDRESS_0 + 4 * index;
	uint64_t value = vuser_pci_get32(pci, pos) & ~0xfU;

	if (index == TESTDEV_MODEL_WIDE_BAR)
		value |= (uint64_t)vuser_pci_get32(pci, pos + 4) << 32;
	return value;
}

bool model_decodes(const struct device *dev, uint32_t index)
{
	const struct vuser_pci *pci = &dev->pci;
	uint16_t command = vuser_pci_get16(pci, PCI_COMMAND);
	uint32_t rom = vuser_pci_get32(pci, PCI_ROM_ADDRESS);

	if (!dev->opt.model)
		return true;
	if (!is_d0(pci) || (index == 1 && dev->opt.no_table))
		return false;
	if (index == VFIO_PCI_ROM_REGION_INDEX)
		return command & PCI_COMMAND_MEMORY &&
		       rom & PCI_ROM_ADDRESS_ENABLE &&
		       rom & PCI_ROM_ADDRESS_MASK;
	if (index >= NR_BARS)
		return true;
	return command & (index == TESTDEV_MODEL_IO_BAR ? PCI_COMMAND_IO :
							  PCI_COMMAND_MEMORY) &&
	       address(pci, index);
}

/* Whether an entry of the MSI-X table sends: it has an address and is not masked. */
static bool entry_sends(const struct vuser_msix *msix, uint32_t vector)
{
	const uint8_t *entry =
		(const uint8_t *)msix->table + vector * PCI_MSIX_ENTRY_SIZE;
	uint32_t low;

	memcpy(&low, entry + PCI_MSIX_ENTRY_LOWER_ADDR, sizeof(low));
	return low && !(entry[PCI_MSIX_ENTRY_VECTOR_CTRL] &
			PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static const char *raise_msix(struct device *dev, uint32_t vector)
{
	if (vector >= TESTDEV_NR_MSIX ||
	    (!dev->opt.no_table && !entry_sends(&dev->msix, vector)) ||
	    vuser_irq_trigger(dev->server, VFIO_PCI_MSIX_IRQ_INDEX, vector))
		return "none";
	return "msix";
}

/* A device with fewer enabled vectors than it has sends several as one. */
static const char *raise_msi(struct device *dev, uint32_t pos, uint32_t vector)
{
	uint16_t flags = vuser_pci_get16(&dev->pci, pos + PCI_MSI_FLAGS);
	uint32_t nr = 1U << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);

	vector &= nr - 1;
	if (!vuser_pci_get32(&dev->pci, pos + PCI_MSI_ADDRESS_LO) ||
	    vuser_pci_get32(&dev->pci, pos + PCI_MSI_MASK_64) >> vector & 1 ||
	    vuser_irq_trigger(dev->server, VFIO_PCI_MSI_IRQ_INDEX, vector))
		return "none";
	return "msi";
}

const char *model_raise(struct device *dev, uint32_t vector)
{
	struct vuser_pci *pci = &dev->pci;
	uint32_t msix = vuser_pci_find_cap(pci, PCI_CAP_ID_MSIX);
	uint32_t msi = vuser_pci_find_cap(pci, PCI_CAP_ID_MSI);
	uint16_t flags = vuser_pci_get16(pci, msix + PCI_MSIX_FLAGS);

	if (flags & PCI_MSIX_FLAGS_ENABLE)
		return flags & PCI_MSIX_FLAGS_MASKALL ? "none" :
							raise_msix(dev, vector);
	if (msi &&
	    vuser_pci_get16(pci, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE)
		return raise_msi(dev, msi, vector);
	if (vuser_pci_get16(pci, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE ||
	    vuser_irq_trigger(dev->server, VFIO_PCI_INTX_IRQ_INDEX, 0))
		return "none";
	return "intx";
}

int model_break(struct device *dev, const char *kind)
{
	struct vuser_pci *pci = &dev->pci;
	uint32_t msix = vuser_pci_find_cap(pci, PCI_CAP_ID_MSIX);
	uint32_t last = vuser_pci_find_cap(pci, PCI_CAP_ID_MSI);

	if (!strcmp(kind, "bar-small"))
		return vuser_pci_set_bar(pci, 0, TESTDEV_BAR0_SIZE / 2, 0);
	if (!strcmp(kind, "bar-large"))
		return vuser_pci_set_bar(pci, 0, 1U << 31, 0);
	if (!strcmp(kind, "cap-loop")) {
		pci->cfg[last + PCI_CAP_LIST_NEXT] = msix;
	} else if (!strcmp(kind, "cap-end")) {
		/* MSI-X whose registers would be beyond the first 256 bytes. */
		pci->cfg[PCI_CAPABILITY_LIST] = 0xfc;
		pci->cfg[0xfc] = PCI_CAP_ID_MSIX;
	} else if (!strcmp(kind, "cap-short")) {
		/* A capability of four bytes, before all others. */
		pci->cfg[0xfc] = PCI_CAP_ID_VNDR;
		pci->cfg[0xfd] = pci->cfg[PCI_CAPABILITY_LIST];
		pci->cfg[PCI_CAPABILITY_LIST] = 0xfc;
	} else if (!strcmp(kind, "msix-outside")) {
		vuser_pci_put32(pci, msix + PCI_MSIX_TABLE,
				TESTDEV_BAR1_SIZE | 1);
	} else if (!strcmp(kind, "msix-no-bar")) {
		vuser_pci_put32(pci, msix + PCI_MSIX_TABLE, 7);
	} else if (!strcmp(kind, "bridge")) {
		pci->cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	} else {
		return -EINVAL;
	}
	return 0;
}
