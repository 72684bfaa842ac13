// SPDX-License-Identifier: GPL-2.0
/* The PCI function of the device: its capabilities, IDs and windows. */
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

static uint32_t cfg_read(struct stand *stand, uint32_t offset, uint32_t count)
{
	uint32_t value = 0;

	check_eq(vuser_client_read(stand->client, VFIO_PCI_CONFIG_REGION_INDEX,
				   offset, &value, count),
		 0);
	return value;
}

static void cfg_write(struct stand *stand, uint32_t offset, uint32_t count,
		      uint32_t value)
{
	check_eq(vuser_client_write(stand->client, VFIO_PCI_CONFIG_REGION_INDEX,
				    offset, &value, count),
		 0);
}

/* Return the offset of a virtio capability, 0 if it is missing. */
static uint32_t find_cap(struct stand *stand, uint8_t type)
{
	uint32_t pos = cfg_read(stand, PCI_CAPABILITY_LIST, 1);

	while (pos && (cfg_read(stand, pos, 1) != PCI_CAP_ID_VNDR ||
		       cfg_read(stand, pos + 3, 1) != type))
		pos = cfg_read(stand, pos + 1, 1);
	return pos;
}

TEST(virtio_capabilities_point_at_the_registers)
{
	static const struct {
		uint8_t type;
		uint32_t offset;
		uint32_t length;
	} table[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, VHOST_BAR_COMMON,
		  VIRTIO_COMMON_SIZE },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, VHOST_BAR_NOTIFY, VHOST_PAGE },
		{ VIRTIO_PCI_CAP_ISR_CFG, VHOST_BAR_ISR, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, VHOST_BAR_DEVICE, 60 },
	};
	struct stand *stand = stand_setup_default("blk");
	uint32_t pos;
	size_t i;

	check_eq(cfg_read(stand, PCI_VENDOR_ID, 4), 0x10421af4);
	check_eq(cfg_read(stand, PCI_REVISION_ID, 1), 1);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		pos = find_cap(stand, table[i].type);
		require(pos);
		check_eq(cfg_read(stand, pos + 4, 1), VHOST_BAR);
		check_eq(cfg_read(stand, pos + 8, 4), table[i].offset);
		check_eq(cfg_read(stand, pos + 12, 4), table[i].length);
	}
	pos = find_cap(stand, VIRTIO_PCI_CAP_NOTIFY_CFG);
	check_eq(cfg_read(stand, pos + 16, 4), VHOST_NOTIFY_MULTIPLIER);
	stand_free(stand);
}

/* Return the length in a virtio capability, 0 if it is missing. */
static uint32_t cap_length(struct stand *stand, uint8_t type)
{
	uint32_t pos = find_cap(stand, type);

	return pos ? cfg_read(stand, pos + 12, 4) : 0;
}

TEST(each_device_type_has_its_ids_queues_and_configuration)
{
	/* Device IDs are virtio's plus 1040h; classes are those of PCI. */
	static const struct {
		const char *name;
		uint16_t device;
		uint32_t class;
		uint16_t queues; /* when the configuration says 2 queues */
		uint16_t config;
		uint16_t size; /* of a queue */
	} table[] = {
		{ "net", 0x1041, 0x020000, 3, 12, 256 },
		{ "blk", 0x1042, 0x010000, 2, 60, 256 },
		{ "console", 0x1043, 0x078000, FAKE_QUEUES, 12, 128 },
		{ "rng", 0x1044, 0xff0000, 1, 0, 256 },
		{ "scsi", 0x1048, 0x010000, 4, 36, 128 },
		{ "input", 0x1052, 0x098000, 2, 136, 256 },
		{ "vsock", 0x1053, 0x078000, 3, 8, 256 },
		{ "sound", 0x1059, 0x040100, 4, 12, 64 },
		{ "fs", 0x105a, 0x018000, 3, 40, 256 },
		{ "i2c", 0x1062, 0xff0000, 1, 0, 256 },
		{ "can", 0x1064, 0x0c0900, 3, 2, 64 },
		{ "gpio", 0x1069, 0xff0000, 2, 8, 256 },
		/*
		 * A number is the same as the name of its type, or a type of
		 * its own.
		 */
		{ "id=2", 0x1042, 0x010000, 2, 60, 256 },
		{ "id=0x1a", 0x105a, 0x018000, 3, 40, 256 },
		{ "id=16", 0x1050, 0xff0000, FAKE_QUEUES, 24, 256 },
	};
	/* Offsets of the number of queues in these configurations. */
	static const uint8_t counts[] = { 34, 0, 36 };
	struct vhost_device_options options;
	struct stand *stand;
	size_t i, j;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		options = (struct vhost_device_options) { 0 };
		require(!vhost_type_find(table[i].name, &options.type));
		if (!strcmp(options.type.name, "other"))
			options.config_size = 24;
		stand = stand_new();
		for (j = 0; j < sizeof(counts); j++)
			stand->config[counts[j]] = 2;
		require(!stand_device(stand, &options));
		stand_serve(stand);
		check_eq(cfg_read(stand, PCI_VENDOR_ID, 2), 0x1af4);
		check_eq(cfg_read(stand, PCI_DEVICE_ID, 2), table[i].device);
		check_eq(cfg_read(stand, PCI_SUBSYSTEM_ID, 2), table[i].device);
		check_eq(cfg_read(stand, PCI_CLASS_REVISION, 4) >> 8,
			 table[i].class);
		check_eq(stand_read(stand, VIRTIO_PCI_COMMON_NUMQ, 2),
			 table[i].queues);
		check_eq(cap_length(stand, VIRTIO_PCI_CAP_DEVICE_CFG),
			 table[i].config);
		check_eq(stand_read(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2),
			 table[i].size);
		/* One vector for each queue, and one for the configuration. */
		check_eq(vuser_client_description(stand->client)
				 ->irqs[VFIO_PCI_MSIX_IRQ_INDEX]
				 .count,
			 table[i].queues + 1);
		stand_map(stand);
		stand_start(stand, 0);
		check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
		stand_free(stand);
	}
}

/*
 * The back end's memory cannot be passed to the client, so none is announced.
 */
TEST(shared_memory_is_neither_negotiated_nor_announced)
{
	struct stand *stand = stand_setup("fs", UINT64_MAX, UINT64_MAX);

	check_eq(find_cap(stand, VIRTIO_PCI_CAP_SHARED_MEMORY_CFG), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_SHMEM_CONFIG], 0);
	check_eq(stand->protocol & (VHOST_USER_PROTOCOL(SHMEM) |
				    VHOST_USER_PROTOCOL(BACKEND_SEND_FD) |
				    VHOST_USER_PROTOCOL(HOST_NOTIFIER)),
		 0);
	stand_free(stand);
}

TEST(pci_cfg_window_accesses_bar_0)
{
	struct stand *stand = stand_setup_default("rng");
	uint32_t pos = find_cap(stand, VIRTIO_PCI_CAP_PCI_CFG);

	require(pos);
	/* Write device_status, 1 byte. */
	cfg_write(stand, pos + 4, 1, VHOST_BAR);
	cfg_write(stand, pos + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	cfg_write(stand, pos + 12, 4, 1);
	cfg_write(stand, pos + 16, 1, 3);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	check_eq(cfg_read(stand, pos + 16, 1), 3);
	/* Read num_queues, 2 bytes. */
	cfg_write(stand, pos + 8, 4, VIRTIO_PCI_COMMON_NUMQ);
	cfg_write(stand, pos + 12, 4, 2);
	check_eq(cfg_read(stand, pos + 16, 2), 1);
	/* Other BARs, lengths and offsets have no effect. */
	cfg_write(stand, pos + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	cfg_write(stand, pos + 12, 4, 3);
	cfg_write(stand, pos + 16, 1, 0);
	cfg_write(stand, pos + 12, 4, 1);
	cfg_write(stand, pos + 4, 1, 2);
	cfg_write(stand, pos + 16, 1, 0);
	cfg_write(stand, pos + 4, 1, VHOST_BAR);
	cfg_write(stand, pos + 8, 4, VHOST_BAR_SIZE);
	cfg_write(stand, pos + 16, 1, 0);
	cfg_write(stand, pos + 8, 4, UINT32_MAX);
	cfg_write(stand, pos + 16, 1, 0);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1), 3);
	stand_free(stand);
}
