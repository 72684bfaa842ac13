// SPDX-License-Identifier: GPL-2.0
/* Configuration space and MSI-X tables. */
#include <errno.h>
#include <string.h>

#include <vuser/pci.h>

#include "../harness.h"

static const struct vuser_pci_ids ids = {
	.struct_size = sizeof(ids),
	.vendor = 0x8086,
	.device = 0x2021,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.class_code = 0x088000,
	.revision = 7,
};

static void write32(struct vuser_pci *pci, uint32_t offset, uint32_t value)
{
	check_eq(vuser_pci_write(pci, offset, &value, 4), 0);
}

TEST(identity_registers_are_read_only)
{
	struct vuser_pci pci;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_get32(&pci, PCI_VENDOR_ID), 0x20218086);
	check_eq(vuser_pci_get32(&pci, PCI_CLASS_REVISION), 0x08800007);
	check_eq(vuser_pci_get32(&pci, PCI_SUBSYSTEM_VENDOR_ID), 0x11001af4);
	check_eq(pci.cfg[PCI_HEADER_TYPE], 0);
	check_eq(vuser_pci_get16(&pci, PCI_STATUS), 0);
	/* Writes do not change these registers. */
	write32(&pci, PCI_VENDOR_ID, UINT32_MAX);
	write32(&pci, PCI_CLASS_REVISION, UINT32_MAX);
	write32(&pci, PCI_SUBSYSTEM_VENDOR_ID, 0);
	check_eq(vuser_pci_get32(&pci, PCI_VENDOR_ID), 0x20218086);
	check_eq(vuser_pci_get32(&pci, PCI_CLASS_REVISION), 0x08800007);
	check_eq(vuser_pci_get32(&pci, PCI_SUBSYSTEM_VENDOR_ID), 0x11001af4);
}

TEST(command_bits_are_writable_and_status_bits_clear_by_writing_1)
{
	struct vuser_pci pci;
	uint8_t low;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	vuser_pci_seal(&pci);
	check(!vuser_pci_bus_master(&pci));
	write32(&pci, PCI_COMMAND, 0xffff);
	check_eq(vuser_pci_get16(&pci, PCI_COMMAND), 0x547);
	check(vuser_pci_bus_master(&pci));
	low = 0;
	check_eq(vuser_pci_write(&pci, PCI_COMMAND, &low, 1), 0);
	check_eq(vuser_pci_get16(&pci, PCI_COMMAND), 0x500);
	/* Only writing 1 clears an error bit. */
	vuser_pci_put16(&pci, PCI_STATUS,
			PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_CAP_LIST);
	write32(&pci, PCI_COMMAND, PCI_STATUS_PARITY << 16);
	check_eq(vuser_pci_get16(&pci, PCI_STATUS),
		 PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_CAP_LIST);
	write32(&pci, PCI_COMMAND, UINT32_MAX);
	check_eq(vuser_pci_get16(&pci, PCI_STATUS), PCI_STATUS_CAP_LIST);
	vuser_pci_reset(&pci);
	check_eq(vuser_pci_get32(&pci, PCI_COMMAND), 0);
}

/* Load the registers of another device; the identity must match. */
TEST(load_takes_registers_of_the_same_device_only)
{
	struct vuser_pci from, pci;

	require(!vuser_pci_init(&from, VUSER_PCI_CFG_SIZE, &ids));
	require(!vuser_pci_set_bar(&from, 0, 0x10000, 0));
	check(vuser_pci_add_pm(&from) > 0);
	pci = from;
	write32(&from, PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	write32(&from, PCI_BASE_ADDRESS_0, 0xfebf0000);
	vuser_pci_put16(&from, PCI_STATUS,
			PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_CAP_LIST);
	check_eq(vuser_pci_load(&pci, from.cfg), 0);
	check(!memcmp(pci.cfg, from.cfg, sizeof(pci.cfg)));
	check(vuser_pci_bus_master(&pci));
	/* A missing capability; an address not aligned to the BAR's size. */
	from.cfg[PCI_CAPABILITY_LIST] = 0;
	write32(&from, PCI_BASE_ADDRESS_0, 0xfeb00000);
	check_eq(vuser_pci_load(&pci, from.cfg), -EINVAL);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_0), 0xfebf0000);
	from.cfg[PCI_CAPABILITY_LIST] = pci.cfg[PCI_CAPABILITY_LIST];
	check_eq(vuser_pci_load(&pci, from.cfg), 0);
	from.cfg[PCI_BASE_ADDRESS_0 + 1] = 0x80;
	check_eq(vuser_pci_load(&pci, from.cfg), -EINVAL);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_0), 0xfeb00000);
}

TEST(bars_have_the_size_and_type_they_were_set_to)
{
	const uint32_t wide = PCI_BASE_ADDRESS_MEM_TYPE_64 |
			      PCI_BASE_ADDRESS_MEM_PREFETCH;
	struct vuser_pci pci;
	uint64_t size;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_set_bar(&pci, 0, 0x10000, 0), 0);
	check_eq(vuser_pci_set_bar(&pci, 1, 32, PCI_BASE_ADDRESS_SPACE_IO), 0);
	check_eq(vuser_pci_set_bar(&pci, 2, 1ull << 36, wide), 0);
	write32(&pci, PCI_BASE_ADDRESS_0, UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_0), 0xffff0000);
	write32(&pci, PCI_BASE_ADDRESS_0, 0xfebf1234);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_0), 0xfebf0000);
	write32(&pci, PCI_BASE_ADDRESS_1, UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_1), 0xffffffe1);
	write32(&pci, PCI_BASE_ADDRESS_2, UINT32_MAX);
	write32(&pci, PCI_BASE_ADDRESS_3, UINT32_MAX);
	size = vuser_pci_get32(&pci, PCI_BASE_ADDRESS_2) |
	       (uint64_t)vuser_pci_get32(&pci, PCI_BASE_ADDRESS_3) << 32;
	check_eq(size & 15, wide);
	check(~(size & ~15ull) + 1 == 1ull << 36);
	/* An unused BAR reads as 0. */
	write32(&pci, PCI_BASE_ADDRESS_4, UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, PCI_BASE_ADDRESS_4), 0);

	check_eq(vuser_pci_set_bar(&pci, 6, 4096, 0), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 5, 4096, wide), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 4, 4095, 0), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 4, 0, 0), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 4, 8, 0), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 4, 1ull << 32, 0), -EINVAL);
	/* The halves of a 64-bit BAR belong to one BAR. */
	check_eq(vuser_pci_set_bar(&pci, 2, 4096, wide), 0);
	check_eq(vuser_pci_set_bar(&pci, 3, 4096, 0), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 1, 4096, wide), -EINVAL);
	check_eq(vuser_pci_set_bar(&pci, 2, 8192, wide), 0);
}

TEST(capabilities_are_linked_in_the_order_of_addition)
{
	struct vuser_pci pci;
	int pm, exp, msix;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	pm = vuser_pci_add_pm(&pci);
	exp = vuser_pci_add_pcie(&pci, PCI_EXP_TYPE_RC_END, false);
	msix = vuser_pci_add_msix(&pci, 4, 0, 0x2000, 0, 0x3000);
	require(pm == 0x40 && exp > pm && msix > exp && msix < 0xf0);
	check_eq(exp % 4 | msix % 4, 0);
	check_eq(vuser_pci_get16(&pci, PCI_STATUS), PCI_STATUS_CAP_LIST);
	check_eq(pci.cfg[PCI_CAPABILITY_LIST], pm);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_PM), pm);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_EXP), exp);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_MSIX), msix);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_MSI), 0);

	check_eq(vuser_pci_get16(&pci, msix + PCI_MSIX_FLAGS), 3);
	check_eq(vuser_pci_get32(&pci, msix + PCI_MSIX_TABLE), 0x2000);
	check_eq(vuser_pci_get32(&pci, msix + PCI_MSIX_PBA), 0x3000);
	write32(&pci, msix, UINT32_MAX);
	check_eq(vuser_pci_get16(&pci, msix + PCI_MSIX_FLAGS), 0xc003);
	/* Go to D3hot and back. */
	write32(&pci, pm + PCI_PM_CTRL, 3);
	check_eq(vuser_pci_get16(&pci, pm + PCI_PM_CTRL) & 3, 3);
	write32(&pci, pm + PCI_PM_CTRL, 0);
	check_eq(vuser_pci_get16(&pci, pm + PCI_PM_CTRL) & 3, 0);
	check_eq(vuser_pci_get16(&pci, exp + PCI_EXP_FLAGS),
		 2 | PCI_EXP_TYPE_RC_END << 4);

	check_eq(vuser_pci_add_msix(&pci, 0, 0, 0, 0, 0), -EINVAL);
	check_eq(vuser_pci_add_msix(&pci, 2049, 0, 0, 0, 0), -EINVAL);
	check_eq(vuser_pci_add_msix(&pci, 1, 6, 0, 0, 0), -EINVAL);
	check_eq(vuser_pci_add_msix(&pci, 1, 0, 4, 0, 0), -EINVAL);
	check_eq(vuser_pci_add_msix(&pci, 1, 0, 0, 0, 4), -EINVAL);
}

TEST(capability_that_does_not_fit_fails_with_enospc)
{
	uint8_t body[254] = { 0 };
	struct vuser_pci pci;
	int nr;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	for (nr = 0; vuser_pci_add_cap(&pci, 9, body, NULL, 14) > 0; nr++)
		;
	check_eq(nr, (256 - 64) / 16);
	check_eq(vuser_pci_add_cap(&pci, 9, body, NULL, 1), -ENOSPC);
	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_add_cap(&pci, 9, body, NULL, 191), -ENOSPC);
	check_eq(vuser_pci_add_cap(&pci, 9, body, NULL, 190), 0x40);
	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_add_cap(&pci, 9, body, NULL, 254), -ENOSPC);
}

TEST(function_level_reset_is_reported_if_the_device_has_it)
{
	uint16_t flr = PCI_EXP_DEVCTL_BCR_FLR;
	struct vuser_pci pci;
	int exp;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	exp = vuser_pci_add_pcie(&pci, PCI_EXP_TYPE_ENDPOINT, true);
	check_eq(vuser_pci_write(&pci, exp + PCI_EXP_DEVCTL, &flr, 2), 1);
	check_eq(vuser_pci_get16(&pci, exp + PCI_EXP_DEVCTL), 0);
	flr = 0x7fff;
	check_eq(vuser_pci_write(&pci, exp + PCI_EXP_DEVCTL, &flr, 2), 0);

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	exp = vuser_pci_add_pcie(&pci, PCI_EXP_TYPE_ENDPOINT, false);
	flr = PCI_EXP_DEVCTL_BCR_FLR;
	check_eq(vuser_pci_write(&pci, exp + PCI_EXP_DEVCTL, &flr, 2), 0);
}

TEST(extended_capabilities_are_linked_by_offset)
{
	const uint8_t body[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	const uint8_t mask[8] = { 0, 0, 0, 0, 0xff };
	struct vuser_pci pci;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_add_ext_cap(&pci, 1, 1, 0, body, mask, 8), -EINVAL);
	require(!vuser_pci_init(&pci, VUSER_PCIE_CFG_SIZE, &ids));
	check_eq(vuser_pci_get32(&pci, 0x100), 0);
	check_eq(vuser_pci_add_ext_cap(&pci, 1, 2, 0x148, body, mask, 8),
		 -EINVAL);
	check_eq(vuser_pci_add_ext_cap(&pci, 1, 2, 0, body, mask, 8), 0x100);
	check_eq(vuser_pci_add_ext_cap(&pci, 3, 1, 0, body, NULL, 8), 0x10c);
	check_eq(vuser_pci_add_ext_cap(&pci, 4, 1, 0x200, body, NULL, 8),
		 0x200);
	check_eq(vuser_pci_get32(&pci, 0x100), 1 | 2 << 16 | 0x10c << 20);
	check_eq(vuser_pci_get32(&pci, 0x10c), 3 | 1 << 16 | 0x200 << 20);
	check_eq(vuser_pci_get32(&pci, 0x200), 4 | 1 << 16);
	write32(&pci, 0x108, 0);
	check_eq(vuser_pci_get32(&pci, 0x108), 0x08070600);
	check_eq(vuser_pci_add_ext_cap(&pci, 4, 1, 0xff8, body, NULL, 8),
		 -ENOSPC);
}

TEST(extended_capabilities_that_end_with_zeros_do_not_overlap)
{
	/* A serial number whose upper half is 0, AER, vendor-specific. */
	const uint8_t dsn[8] = { 1, 2, 3, 4 }, aer[0x2c] = { 0 };
	const uint8_t vndr[12] = { 1, 0, 0xc0, 0, 5 };
	struct vuser_pci pci;

	require(!vuser_pci_init(&pci, VUSER_PCIE_CFG_SIZE, &ids));
	check_eq(vuser_pci_add_ext_cap(&pci, PCI_EXT_CAP_ID_DSN, 1, 0, dsn,
				       NULL, sizeof(dsn)),
		 0x100);
	check_eq(vuser_pci_add_ext_cap(&pci, PCI_EXT_CAP_ID_ERR, 2, 0, aer,
				       NULL, sizeof(aer)),
		 0x10c);
	check_eq(vuser_pci_add_ext_cap(&pci, PCI_EXT_CAP_ID_VNDR, 1, 0, vndr,
				       NULL, sizeof(vndr)),
		 0x13c);
	check_eq(vuser_pci_get32(&pci, 0x104), 0x04030201);
	check_eq(vuser_pci_get32(&pci, 0x108), 0);
	check_eq(vuser_pci_get32(&pci, 0x100),
		 PCI_EXT_CAP_ID_DSN | 1 << 16 | 0x10c << 20);
	check_eq(vuser_pci_get32(&pci, 0x10c),
		 PCI_EXT_CAP_ID_ERR | 2 << 16 | 0x13c << 20);
	check_eq(vuser_pci_get32(&pci, 0x13c), PCI_EXT_CAP_ID_VNDR | 1 << 16);
}

TEST(extended_capability_at_a_used_offset_is_rejected)
{
	const uint8_t body[12] = { 0 };
	struct vuser_pci pci;
	uint8_t before[VUSER_PCIE_CFG_SIZE];

#define add(offset, len) \
	vuser_pci_add_ext_cap(&pci, 1, 1, offset, body, NULL, len)
	require(!vuser_pci_init(&pci, VUSER_PCIE_CFG_SIZE, &ids));
	check_eq(add(0, 12), 0x100);
	check_eq(add(0x200, 9), 0x200);
	memcpy(before, pci.cfg, sizeof(before));
	check_eq(add(0x100, 12), -EINVAL);
	check_eq(add(0x10c, 0xf8), -EINVAL);
	check_eq(add(0x1fc, 4), -EINVAL);
	check_eq(add(0x204, 4), -EINVAL);
	check_eq(add(0x20c, 4), -EINVAL);
	check(!memcmp(before, pci.cfg, sizeof(before)));
	/* Into the gap, and then after the last byte that is used. */
	check_eq(add(0x180, 12), 0x180);
	check_eq(add(0, 12), 0x210);
	check_eq(vuser_pci_get32(&pci, 0x180) >> 20, 0x210);
#undef add
}

TEST(access_beyond_the_configuration_space_fails)
{
	struct vuser_pci pci;
	uint8_t buf[8] = { 0 };

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_read(&pci, 255, buf, 1), 0);
	check_eq(vuser_pci_read(&pci, 255, buf, 2), -EINVAL);
	check_eq(vuser_pci_read(&pci, 256, buf, 1), -EINVAL);
	check_eq(vuser_pci_read(&pci, UINT64_MAX, buf, 2), -EINVAL);
	check_eq(vuser_pci_write(&pci, 255, buf, 2), -EINVAL);
	check_eq(vuser_pci_write(&pci, UINT64_MAX - 3, buf, 8), -EINVAL);
}

TEST(msi_has_its_number_of_vectors_and_writable_registers)
{
	struct vuser_pci pci;
	int pos;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_add_msi(&pci, 0), -EINVAL);
	check_eq(vuser_pci_add_msi(&pci, 3), -EINVAL);
	check_eq(vuser_pci_add_msi(&pci, 64), -EINVAL);
	pos = vuser_pci_add_msi(&pci, 8);
	require(pos > 0);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_MSI), pos);
	/* 64 bits, 8 vectors; the driver enables 4 of them. */
	check_eq(vuser_pci_get16(&pci, pos + PCI_MSI_FLAGS), 0x86);
	write32(&pci, pos, (2 << 4 | 1) << 16);
	check_eq(vuser_pci_get16(&pci, pos + PCI_MSI_FLAGS), 0xa7);
	write32(&pci, pos + PCI_MSI_ADDRESS_LO, UINT32_MAX);
	write32(&pci, pos + PCI_MSI_ADDRESS_HI, UINT32_MAX);
	write32(&pci, pos + PCI_MSI_DATA_64, UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, pos + PCI_MSI_ADDRESS_LO), 0xfffffffc);
	check_eq(vuser_pci_get32(&pci, pos + PCI_MSI_ADDRESS_HI), UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, pos + PCI_MSI_DATA_64), 0xffff);
}

TEST(vendor_capabilities_are_found_one_after_the_other)
{
	const uint8_t one[] = { 1, 2 }, two[] = { 3 }, mask[] = { 0xf0 };
	uint8_t value = 0xff, all[VUSER_PCI_CFG_SIZE] = { 0 };
	struct vuser_pci pci;
	int first, second;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_VNDR), 0);
	first = vuser_pci_add_vendor(&pci, one, NULL, sizeof(one));
	require(vuser_pci_add_pm(&pci) > 0);
	second = vuser_pci_add_vendor(&pci, two, mask, sizeof(two));
	require(first > 0 && second > first);
	check_eq(vuser_pci_find_cap(&pci, PCI_CAP_ID_VNDR), first);
	check_eq(vuser_pci_find_next_cap(&pci, first, PCI_CAP_ID_VNDR), second);
	check_eq(vuser_pci_find_next_cap(&pci, second, PCI_CAP_ID_VNDR), 0);
	check_eq(pci.cfg[first + 2], 5);
	check_eq(pci.cfg[first + 4], 2);
	check_eq(pci.cfg[second + 2], 4);
	check_eq(vuser_pci_write(&pci, second + 3, &value, 1), 0);
	check_eq(pci.cfg[second + 3], 0xf3);
	check_eq(vuser_pci_add_vendor(&pci, all, NULL, sizeof(all)), -ENOSPC);
}

TEST(serial_number_is_an_extended_capability)
{
	struct vuser_pci pci;
	int dsn, again;

	require(!vuser_pci_init(&pci, VUSER_PCIE_CFG_SIZE, &ids));
	check_eq(vuser_pci_find_ext_cap(&pci, PCI_EXT_CAP_ID_DSN), 0);
	dsn = vuser_pci_add_dsn(&pci, 0x0123456789abcdef);
	check_eq(dsn, 0x100);
	check_eq(vuser_pci_find_ext_cap(&pci, PCI_EXT_CAP_ID_DSN), dsn);
	check_eq(vuser_pci_get32(&pci, dsn), 0x00010003);
	check_eq(vuser_pci_get32(&pci, dsn + 4), 0x89abcdef);
	check_eq(vuser_pci_get32(&pci, dsn + 8), 0x01234567);
	check_eq(vuser_pci_add_ext_cap(&pci, PCI_EXT_CAP_ID_VNDR, 1, 0, &ids,
				       NULL, 8),
		 0x10c);
	again = vuser_pci_add_dsn(&pci, 1);
	check_eq(vuser_pci_find_next_ext_cap(&pci, dsn, PCI_EXT_CAP_ID_DSN),
		 again);
	check_eq(vuser_pci_find_next_ext_cap(&pci, again, PCI_EXT_CAP_ID_DSN),
		 0);
}

TEST(rom_bar_shows_its_size_and_enable_bit)
{
	struct vuser_pci pci;

	require(!vuser_pci_init(&pci, VUSER_PCI_CFG_SIZE, &ids));
	check_eq(vuser_pci_set_rom(&pci, 1024), -EINVAL);
	check_eq(vuser_pci_set_rom(&pci, 3000), -EINVAL);
	check_eq(vuser_pci_set_rom(&pci, 0x10000), 0);
	write32(&pci, PCI_ROM_ADDRESS, UINT32_MAX);
	check_eq(vuser_pci_get32(&pci, PCI_ROM_ADDRESS), 0xffff0001);
}

TEST(msix_table_and_pba_hold_their_values_until_reset)
{
	struct vuser_msix msix;
	uint32_t val[4] = { 1, 2, 3, 0 }, out[4];
	uint64_t pba;

	require(!vuser_msix_init(&msix, 3));
	vuser_msix_table_read(&msix, 0, out, 16);
	check_eq(out[3], PCI_MSIX_ENTRY_CTRL_MASKBIT);
	vuser_msix_table_write(&msix, 32, val, 16);
	vuser_msix_table_read(&msix, 32, out, 16);
	check(!memcmp(val, out, 16));
	vuser_msix_table_read(&msix, 40, out, 8);
	check_eq(out[0], 3);
	/* After the end, and across it. */
	vuser_msix_table_write(&msix, 44, val, 16);
	vuser_msix_table_write(&msix, 48, val, 16);
	vuser_msix_table_write(&msix, UINT64_MAX - 3, val, 16);
	vuser_msix_table_read(&msix, 44, out, 16);
	check_eq(out[0], 1);
	check_eq(out[1] | out[2] | out[3], 0);
	vuser_msix_table_read(&msix, UINT64_MAX - 3, out, 16);
	check_eq(out[0], 0);
	msix.pba[0] = 5;
	vuser_msix_pba_read(&msix, 0, &pba, 8);
	check_eq(pba, 5);
	vuser_msix_pba_read(&msix, 8, &pba, 8);
	check_eq(pba, 0);
	vuser_msix_reset(&msix);
	vuser_msix_table_read(&msix, 32, out, 16);
	check_eq(out[0] | out[1] | out[2], 0);
	check_eq(out[3], PCI_MSIX_ENTRY_CTRL_MASKBIT);
	vuser_msix_fini(&msix);
}
