// SPDX-License-Identifier: GPL-2.0
/* Configuration space: the capabilities of virtio, and the window to BAR 0. */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_pci.h>
#include <stddef.h>
#include <string.h>

#include "pci.h"
#include "virtio.h"

#define VIRTIO_VENDOR 0x1af4

/* Non-transitional devices have device IDs from 1040h on, and revision 1. */
#define VIRTIO_MODERN	0x1040
#define VIRTIO_REVISION 1

/* vuser_pci_add_cap() takes a capability without its header of two bytes. */
#define HEADER 2

static struct virtio_pci_cap cap_of(uint8_t type, size_t len, uint32_t offset,
				    uint32_t length)
{
	return (struct virtio_pci_cap) {
		.cap_len = len,
		.cfg_type = type,
		.bar = VHOST_BAR,
		.offset = htole32(offset),
		.length = htole32(length),
	};
}

static int add_plain(struct vuser_pci *pci, uint8_t type, uint32_t offset,
		     uint32_t length)
{
	struct virtio_pci_cap cap = cap_of(type, sizeof(cap), offset, length);

	return vuser_pci_add_cap(pci, PCI_CAP_ID_VNDR, (char *)&cap + HEADER,
				 NULL, sizeof(cap) - HEADER);
}

static int add_notify(struct vuser_pci *pci)
{
	struct virtio_pci_notify_cap cap = {
		.cap = cap_of(VIRTIO_PCI_CAP_NOTIFY_CFG, sizeof(cap),
			      VHOST_BAR_NOTIFY, VHOST_PAGE),
		.notify_off_multiplier = htole32(VHOST_NOTIFY_MULTIPLIER),
	};

	return vuser_pci_add_cap(pci, PCI_CAP_ID_VNDR, (char *)&cap + HEADER,
				 NULL, sizeof(cap) - HEADER);
}

/*
 * The driver sets BAR and offset in this capability, then accesses its data
 * field.
 */
static int add_window(struct vuser_pci *pci)
{
	struct virtio_pci_cfg_cap cap = {
		.cap = cap_of(VIRTIO_PCI_CAP_PCI_CFG, sizeof(cap), 0, 0),
	};
	struct virtio_pci_cfg_cap mask = {
		.cap.bar = 0xff,
		.cap.offset = UINT32_MAX,
		.cap.length = UINT32_MAX,
		.pci_cfg_data = { 0xff, 0xff, 0xff, 0xff },
	};

	return vuser_pci_add_cap(pci, PCI_CAP_ID_VNDR, (char *)&cap + HEADER,
				 (char *)&mask + HEADER, sizeof(cap) - HEADER);
}

static int add_virtio(struct vhost_pci *vp, const struct vhost_type *type)
{
	struct vuser_pci *pci = &vp->pci;
	int ret;

	ret = add_plain(pci, VIRTIO_PCI_CAP_COMMON_CFG, VHOST_BAR_COMMON,
			VIRTIO_COMMON_SIZE);
	if (ret >= 0)
		ret = add_notify(pci);
	if (ret >= 0)
		ret = add_plain(pci, VIRTIO_PCI_CAP_ISR_CFG, VHOST_BAR_ISR, 1);
	if (ret >= 0 && type->config_size)
		ret = add_plain(pci, VIRTIO_PCI_CAP_DEVICE_CFG,
				VHOST_BAR_DEVICE, type->config_size);
	if (ret >= 0)
		ret = add_window(pci);
	vp->window = ret;
	return ret;
}

/**
 * vhost_pci_init - initialize configuration space
 * @vp: filled in
 * @type: type of the device
 * @vectors: number of MSI-X vectors
 *
 * Return: 0 or -errno.
 */
int vhost_pci_init(struct vhost_pci *vp, const struct vhost_type *type,
		   uint16_t vectors)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = VIRTIO_VENDOR,
		.device = VIRTIO_MODERN + type->id,
		.subsystem_vendor = VIRTIO_VENDOR,
		.subsystem = VIRTIO_MODERN + type->id,
		.class_code = type->class,
		.revision = VIRTIO_REVISION,
	};
	int ret;

	if (vectors > VHOST_MAX_VECTORS)
		return -EINVAL;
	ret = vuser_pci_init(&vp->pci, VUSER_PCIE_CFG_SIZE, &ids);
	if (ret)
		return ret;
	vuser_pci_set_intx(&vp->pci, 1);
	ret = vuser_pci_set_bar(&vp->pci, VHOST_BAR, VHOST_BAR_SIZE, 0);
	if (!ret)
		ret = vuser_pci_set_bar(&vp->pci, VHOST_MSIX_BAR,
					VHOST_MSIX_BAR_SIZE, 0);
	if (!ret)
		ret = vuser_pci_add_msix(&vp->pci, vectors, VHOST_MSIX_BAR, 0,
					 VHOST_MSIX_BAR, VHOST_MSIX_PBA);
	if (ret >= 0)
		ret = add_virtio(vp, type);
	if (ret >= 0)
		ret = vuser_pci_add_pcie(&vp->pci, PCI_EXP_TYPE_RC_END, true);
	if (ret >= 0)
		ret = vuser_pci_add_pm(&vp->pci);
	if (ret < 0)
		return ret;
	vuser_pci_seal(&vp->pci);
	return 0;
}

/**
 * vhost_pci_window - whether an access to configuration space accesses BAR 0
 * @vp: configuration space
 * @offset: offset of the access
 * @count: bytes of the access
 * @window: filled in
 *
 * This is so if the access touches the data field of the window, and the driver
 * has set up the window correctly.
 *
 * Return: true if the caller must do the access in @window: before a read and
 * after a write of configuration space.
 */
bool vhost_pci_window(struct vhost_pci *vp, uint64_t offset, uint32_t count,
		      struct vhost_window *window)
{
	uint32_t data =
		vp->window + offsetof(struct virtio_pci_cfg_cap, pci_cfg_data);
	uint32_t len, at;

	if (offset + count <= data || offset >= data + 4)
		return false;
	at = vuser_pci_get32(&vp->pci, vp->window + VIRTIO_PCI_CAP_OFFSET);
	len = vuser_pci_get32(&vp->pci, vp->window + VIRTIO_PCI_CAP_LENGTH);
	if (vp->pci.cfg[vp->window + VIRTIO_PCI_CAP_BAR] != VHOST_BAR ||
	    (len != 1 && len != 2 && len != 4) || at % len ||
	    at > VHOST_BAR_SIZE - len)
		return false;
	*window = (struct vhost_window) {
		.offset = at,
		.count = len,
		.data = vp->pci.cfg + data,
	};
	return true;
}
