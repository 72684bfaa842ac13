// SPDX-License-Identifier: BSD-3-Clause
/* Config space of a PCI device: a type 0 header and its capabilities. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <vuser/pci.h>

#include "../libbase/abi.h"

/* Bits of Command of a device with memory, I/O and interrupts. */
#define COMMAND_MASK                                                \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | \
	 PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* Bits of Status that an error sets and a write of 1 clears. */
#define STATUS_W1C                                                   \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |           \
	 PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT | \
	 PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

#define CAP_START     0x40
#define EXT_CAP_START 0x100

static void put16(uint8_t *space, uint32_t offset, uint16_t value)
{
	value = htole16(value);
	memcpy(space + offset, &value, sizeof(value));
}

static void put32(uint8_t *space, uint32_t offset, uint32_t value)
{
	value = htole32(value);
	memcpy(space + offset, &value, sizeof(value));
}

uint16_t vuser_pci_get16(const struct vuser_pci *pci, uint32_t offset)
{
	uint16_t value;

	memcpy(&value, pci->cfg + offset, sizeof(value));
	return le16toh(value);
}

uint32_t vuser_pci_get32(const struct vuser_pci *pci, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, pci->cfg + offset, sizeof(value));
	return le32toh(value);
}

void vuser_pci_put16(struct vuser_pci *pci, uint32_t offset, uint16_t value)
{
	put16(pci->cfg, offset, value);
}

void vuser_pci_put32(struct vuser_pci *pci, uint32_t offset, uint32_t value)
{
	put32(pci->cfg, offset, value);
}

int vuser_pci_init(struct vuser_pci *pci, uint32_t size,
		   const struct vuser_pci_ids *given)
{
	struct vuser_pci_ids ids;
	int ret = vu_abi_read(&ids, sizeof(ids), given, sizeof(ids));

	if (ret)
		return ret;
	memset(pci, 0, sizeof(*pci));
	pci->size = size;
	pci->next_cap = CAP_START;
	pci->last_cap = PCI_CAPABILITY_LIST;
	put16(pci->cfg, PCI_VENDOR_ID, ids.vendor);
	put16(pci->cfg, PCI_DEVICE_ID, ids.device);
	put16(pci->cfg, PCI_SUBSYSTEM_VENDOR_ID, ids.subsystem_vendor);
	put16(pci->cfg, PCI_SUBSYSTEM_ID, ids.subsystem);
	put32(pci->cfg, PCI_CLASS_REVISION, ids.class_code << 8 | ids.revision);
	put16(pci->wmask, PCI_COMMAND, COMMAND_MASK);
	put16(pci->w1c, PCI_STATUS, STATUS_W1C);
	pci->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	pci->wmask[PCI_INTERRUPT_LINE] = 0xff;
	return 0;
}

/* Whether a BAR has 64 bits. The second half of such a BAR is not a BAR. */
static bool is_wide(const struct vuser_pci *pci, unsigned int bar)
{
	uint32_t offset = PCI_BASE_ADDRESS_0 + bar * 4;
	uint8_t flags = pci->cfg[offset];

	/* All bits of the second half can be written. */
	return !(pci->wmask[offset] & 0xf) &&
	       !(flags & PCI_BASE_ADDRESS_SPACE_IO) &&
	       flags & PCI_BASE_ADDRESS_MEM_TYPE_64;
}

int vuser_pci_set_bar(struct vuser_pci *pci, unsigned int bar, uint64_t size,
		      uint32_t flags)
{
	uint32_t offset = PCI_BASE_ADDRESS_0 + bar * 4;
	bool io = flags & PCI_BASE_ADDRESS_SPACE_IO;
	bool wide = !io && flags & PCI_BASE_ADDRESS_MEM_TYPE_64;

	if (bar > 5 || (wide && bar > 4) || size < (io ? 4 : 16) ||
	    (size & (size - 1)) || (!wide && size > UINT64_C(1) << 31))
		return -EINVAL;
	if (bar && is_wide(pci, bar - 1))
		return -EINVAL;
	if (is_wide(pci, bar))
		put32(pci->wmask, offset + 4, 0);
	else if (wide && pci->wmask[offset + 7])
		return -EINVAL;
	put32(pci->cfg, offset, flags);
	/* The low bits cannot be written, so that a driver can find the size. */
	put32(pci->wmask, offset, ~(uint32_t)(size - 1));
	if (wide)
		put32(pci->wmask, offset + 4, ~(size - 1) >> 32);
	return 0;
}

void vuser_pci_set_intx(struct vuser_pci *pci, uint8_t pin)
{
	pci->cfg[PCI_INTERRUPT_PIN] = pin;
}

int vuser_pci_add_cap(struct vuser_pci *pci, uint8_t id, const void *body,
		      const void *wmask, size_t len)
{
	uint32_t pos = pci->next_cap;

	if (len > VUSER_PCI_CFG_SIZE - 2 || pos > VUSER_PCI_CFG_SIZE - 2 - len)
		return -ENOSPC;
	pci->cfg[pos + PCI_CAP_LIST_ID] = id;
	pci->cfg[pos + PCI_CAP_LIST_NEXT] = 0;
	memcpy(pci->cfg + pos + 2, body, len);
	if (wmask)
		memcpy(pci->wmask + pos + 2, wmask, len);
	pci->cfg[pci->last_cap] = pos;
	pci->last_cap = pos + PCI_CAP_LIST_NEXT;
	pci->next_cap = (pos + 2 + len + 3) & ~3u;
	vuser_pci_put16(pci, PCI_STATUS,
			vuser_pci_get16(pci, PCI_STATUS) | PCI_STATUS_CAP_LIST);
	return pos;
}

/*
 * The end of the used part of extended config space: after all capabilities, and
 * after the registers that the device put there itself.
 */
static uint32_t ext_end(const struct vuser_pci *pci)
{
	uint32_t end = VUSER_PCIE_CFG_SIZE;

	/* There may be gaps between capabilities, so search from the end. */
	while (end > EXT_CAP_START && !pci->used[end - 1] &&
	       !pci->cfg[end - 1] && !pci->wmask[end - 1])
		end--;
	return (end + 3) & ~3u;
}

int vuser_pci_add_ext_cap(struct vuser_pci *pci, uint16_t id, uint8_t version,
			  uint32_t offset, const void *body, const void *wmask,
			  size_t len)
{
	uint32_t pos = offset;

	/* The list starts at 100h. */
	if (!pci->last_ext_cap)
		pos = EXT_CAP_START;
	else if (!pos)
		pos = ext_end(pci);
	if (pci->size < VUSER_PCIE_CFG_SIZE || pos % 4 || pos < EXT_CAP_START ||
	    (offset && pos != offset))
		return -EINVAL;
	if (len > VUSER_PCIE_CFG_SIZE - 4 ||
	    pos > VUSER_PCIE_CFG_SIZE - 4 - len)
		return -ENOSPC;
	if (memchr(pci->used + pos, 1, 4 + len))
		return -EINVAL;
	/* The next capability starts at a multiple of 4. */
	memset(pci->used + pos, 1, (4 + len + 3) & ~3u);
	put32(pci->cfg, pos, id | (uint32_t)version << 16);
	memcpy(pci->cfg + pos + 4, body, len);
	if (wmask)
		memcpy(pci->wmask + pos + 4, wmask, len);
	if (pci->last_ext_cap)
		vuser_pci_put32(pci, pci->last_ext_cap,
				vuser_pci_get32(pci, pci->last_ext_cap) |
					pos << 20);
	pci->last_ext_cap = pos;
	return pos;
}

int vuser_pci_add_pm(struct vuser_pci *pci)
{
	uint8_t body[PCI_PM_SIZEOF - 2] = { 0 }, wmask[sizeof(body)] = { 0 };

	/* Version 3; the device keeps its state on the return to D0. */
	put16(body, PCI_PM_PMC - 2, 3);
	put16(body, PCI_PM_CTRL - 2, PCI_PM_CTRL_NO_SOFT_RESET);
	put16(wmask, PCI_PM_CTRL - 2, PCI_PM_CTRL_STATE_MASK);
	return vuser_pci_add_cap(pci, PCI_CAP_ID_PM, body, wmask, sizeof(body));
}

int vuser_pci_add_pcie(struct vuser_pci *pci, unsigned int type, bool flr)
{
	uint8_t body[PCI_EXP_SLTSTA2 + 2 - 2] = { 0 };
	uint8_t wmask[sizeof(body)] = { 0 };
	uint32_t devcap = PCI_EXP_DEVCAP_RBER;
	int pos;

	if (flr)
		devcap |= PCI_EXP_DEVCAP_FLR;
	put16(body, PCI_EXP_FLAGS - 2, 2 | type << 4);
	put32(body, PCI_EXP_DEVCAP - 2, devcap);
	put16(wmask, PCI_EXP_DEVCTL - 2, 0xffff & ~PCI_EXP_DEVCTL_BCR_FLR);
	/* 2.5 GT/s, one lane, since 0 would mean that there is no link. */
	if (type != PCI_EXP_TYPE_RC_END) {
		put32(body, PCI_EXP_LNKCAP - 2,
		      PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4);
		put16(body, PCI_EXP_LNKSTA - 2,
		      PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
	}
	pos = vuser_pci_add_cap(pci, PCI_CAP_ID_EXP, body, wmask, sizeof(body));
	if (pos > 0)
		put16(pci->w1c, pos + PCI_EXP_DEVSTA,
		      PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
			      PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
	return pos;
}

int vuser_pci_add_msix(struct vuser_pci *pci, uint16_t vectors,
		       uint8_t table_bar, uint32_t table, uint8_t pba_bar,
		       uint32_t pba)
{
	uint8_t body[PCI_CAP_MSIX_SIZEOF - 2] = { 0 };
	uint8_t wmask[sizeof(body)] = { 0 };

	if (!vectors || vectors > PCI_MSIX_FLAGS_QSIZE + 1 || table % 8 ||
	    pba % 8 || table_bar > 5 || pba_bar > 5)
		return -EINVAL;
	put16(body, PCI_MSIX_FLAGS - 2, vectors - 1);
	put32(body, PCI_MSIX_TABLE - 2, table | table_bar);
	put32(body, PCI_MSIX_PBA - 2, pba | pba_bar);
	put16(wmask, PCI_MSIX_FLAGS - 2,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	return vuser_pci_add_cap(pci, PCI_CAP_ID_MSIX, body, wmask,
				 sizeof(body));
}

int vuser_pci_add_msi(struct vuser_pci *pci, unsigned int vectors)
{
	uint8_t body[PCI_MSI_MASK_64 - 2] = { 0 }, wmask[sizeof(body)] = { 0 };
	unsigned int order = 0;

	while (order < 5 && 1u << order < vectors)
		order++;
	if (vectors != 1u << order)
		return -EINVAL;
	put16(body, PCI_MSI_FLAGS - 2, PCI_MSI_FLAGS_64BIT | order << 1);
	put16(wmask, PCI_MSI_FLAGS - 2,
	      PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	put32(wmask, PCI_MSI_ADDRESS_LO - 2, ~3u);
	put32(wmask, PCI_MSI_ADDRESS_HI - 2, ~0u);
	put16(wmask, PCI_MSI_DATA_64 - 2, 0xffff);
	return vuser_pci_add_cap(pci, PCI_CAP_ID_MSI, body, wmask,
				 sizeof(body));
}

int vuser_pci_add_vendor(struct vuser_pci *pci, const void *data,
			 const void *wmask, size_t len)
{
	uint8_t body[VUSER_PCI_CFG_SIZE] = { 0 }, mask[sizeof(body)] = { 0 };

	/* The length counts the header and itself. */
	if (len > UINT8_MAX - 3)
		return -ENOSPC;
	body[0] = len + 3;
	memcpy(body + 1, data, len);
	if (wmask)
		memcpy(mask + 1, wmask, len);
	return vuser_pci_add_cap(pci, PCI_CAP_ID_VNDR, body, mask, len + 1);
}

int vuser_pci_add_dsn(struct vuser_pci *pci, uint64_t serial)
{
	uint8_t body[8];

	put32(body, 0, serial);
	put32(body, 4, serial >> 32);
	return vuser_pci_add_ext_cap(pci, PCI_EXT_CAP_ID_DSN, 1, 0, body, NULL,
				     sizeof(body));
}

int vuser_pci_set_rom(struct vuser_pci *pci, uint32_t size)
{
	/* The low bits cannot be written, except for the enable bit. */
	if (size < 2048 || size > 16 * 1024 * 1024 || (size & (size - 1)))
		return -EINVAL;
	put32(pci->wmask, PCI_ROM_ADDRESS,
	      ~(size - 1) | PCI_ROM_ADDRESS_ENABLE);
	return 0;
}

/* The first capability at @pos or after it in the list. */
static uint32_t find_from(const struct vuser_pci *pci, uint32_t pos, uint8_t id)
{
	while (pos && pci->cfg[pos + PCI_CAP_LIST_ID] != id)
		pos = pci->cfg[pos + PCI_CAP_LIST_NEXT];
	return pos;
}

uint32_t vuser_pci_find_cap(const struct vuser_pci *pci, uint8_t id)
{
	return find_from(pci, pci->cfg[PCI_CAPABILITY_LIST], id);
}

uint32_t vuser_pci_find_next_cap(const struct vuser_pci *pci, uint32_t pos,
				 uint8_t id)
{
	return find_from(pci, pci->cfg[pos + PCI_CAP_LIST_NEXT], id);
}

static uint32_t find_ext_from(const struct vuser_pci *pci, uint32_t pos,
			      uint16_t id)
{
	while (pos && (vuser_pci_get32(pci, pos) & 0xffff) != id)
		pos = vuser_pci_get32(pci, pos) >> 20;
	return pos;
}

uint32_t vuser_pci_find_ext_cap(const struct vuser_pci *pci, uint16_t id)
{
	return find_ext_from(pci, pci->last_ext_cap ? EXT_CAP_START : 0, id);
}

uint32_t vuser_pci_find_next_ext_cap(const struct vuser_pci *pci, uint32_t pos,
				     uint16_t id)
{
	return find_ext_from(pci, vuser_pci_get32(pci, pos) >> 20, id);
}

void vuser_pci_seal(struct vuser_pci *pci)
{
	memcpy(pci->initial, pci->cfg, sizeof(pci->cfg));
}

void vuser_pci_reset(struct vuser_pci *pci)
{
	memcpy(pci->cfg, pci->initial, sizeof(pci->cfg));
}

int vuser_pci_load(struct vuser_pci *pci, const void *image)
{
	const uint8_t *in = image;
	uint32_t i;

	for (i = 0; i < pci->size; i++)
		if ((in[i] ^ pci->cfg[i]) & ~(pci->wmask[i] | pci->w1c[i]))
			return -EINVAL;
	memcpy(pci->cfg, in, pci->size);
	return 0;
}

static bool in_space(const struct vuser_pci *pci, uint64_t offset,
		     uint32_t count)
{
	return offset <= pci->size && count <= pci->size - offset;
}

int vuser_pci_read(const struct vuser_pci *pci, uint64_t offset, void *buf,
		   uint32_t count)
{
	if (!in_space(pci, offset, count))
		return -EINVAL;
	memcpy(buf, pci->cfg + offset, count);
	return 0;
}

/* Offset of the byte of Device Control with the FLR bit; 0: no FLR. */
static uint32_t flr_byte(const struct vuser_pci *pci)
{
	uint32_t exp = vuser_pci_find_cap(pci, PCI_CAP_ID_EXP);

	if (!exp ||
	    !(vuser_pci_get32(pci, exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR))
		return 0;
	return exp + PCI_EXP_DEVCTL + 1;
}

int vuser_pci_write(struct vuser_pci *pci, uint64_t offset, const void *buf,
		    uint32_t count)
{
	const uint8_t *in = buf;
	uint32_t i, pos, flr;
	int ret = 0;

	if (!in_space(pci, offset, count))
		return -EINVAL;
	flr = flr_byte(pci);
	for (i = 0; i < count; i++) {
		pos = offset + i;
		pci->cfg[pos] &= ~(in[i] & pci->w1c[pos]);
		pci->cfg[pos] = (pci->cfg[pos] & ~pci->wmask[pos]) |
				(in[i] & pci->wmask[pos]);
		if (flr && pos == flr && in[i] & PCI_EXP_DEVCTL_BCR_FLR >> 8)
			ret = 1;
	}
	return ret;
}

bool vuser_pci_bus_master(const struct vuser_pci *pci)
{
	/* One byte, so that another thread may write meanwhile. */
	return __atomic_load_n(&pci->cfg[PCI_COMMAND], __ATOMIC_ACQUIRE) &
	       PCI_COMMAND_MASTER;
}

int vuser_pci_config_region(const struct vuser_pci *pci,
			    struct vuser_server_region *region)
{
	const struct vuser_server_region config = {
		.size = pci->size,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.access_max = 4,
		.fd = -1,
	};

	return vu_abi_write(region, &config, sizeof(config), sizeof(config));
}
