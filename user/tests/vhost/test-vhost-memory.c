// SPDX-License-Identifier: GPL-2.0
/* The memory of the device, which changes while rings run. */
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

TEST(ring_outside_of_memory_or_unaligned_sets_needs_reset)
{
	static const struct {
		uint64_t desc, driver, device;
	} table[] = {
		{ 0, STAND_DRIVER, STAND_DEVICE },
		{ STAND_DESC, STAND_IOVA + STAND_SIZE - 2, STAND_DEVICE },
		{ STAND_DESC, STAND_DRIVER, STAND_IOVA + STAND_SIZE },
		{ STAND_IOVA - 16, STAND_DRIVER, STAND_DEVICE },
		{ UINT64_MAX - 15, STAND_DRIVER, STAND_DEVICE },
		/* Not aligned. */
		{ STAND_DESC + 8, STAND_DRIVER, STAND_DEVICE },
		{ STAND_DESC, STAND_DRIVER + 1, STAND_DEVICE },
		{ STAND_DESC, STAND_DRIVER, STAND_DEVICE + 2 },
	};
	struct stand *stand = stand_setup_default("rng");
	int config = stand_eventfd();
	size_t i;

	stand_map(stand);
	stand_msix(stand, 0, config);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		stand_features(stand, VERSION_1);
		stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
		stand_queue(stand, table[i].desc, table[i].driver,
			    table[i].device, 1);
		stand_driver_ok(stand);
		check_eq(stand_status(stand), 0x4f);
		check_eq(stand_event(config, SOON), 1);
		check_eq(stand_isr(stand), VIRTIO_ISR_CONFIG);
	}
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	/* A ring size that only packed rings may have. */
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 12);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, STAND_DESC);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, STAND_DRIVER);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, STAND_DEVICE);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0x4f);
	/* The device works after a reset. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
	close(config);
	stand_free(stand);
}

/*
 * When the memory of a ring is unmapped, the ring pauses until it is mapped
 * again.
 */
TEST(ring_pauses_while_its_memory_is_unmapped)
{
	struct stand *stand = stand_setup_default("rng");

	stand_map(stand);
	stand->stopped_at = 7;
	check_eq(vuser_client_dma_map(stand->client, 0x800000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, 0),
		 0);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	/* Unmap other memory. */
	stand_unmap(stand, 0x800000, 0x1000);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 0);
	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	check_eq(stand->fake.seen[VHOST_USER_REM_MEM_REG], 2);
	check_eq(stand->stopped, 1);
	check_eq(stand_status(stand), 0xf);
	/* The ring continues at its position, with a kick for new requests. */
	stand_event(stand->kick, SOON);
	stand_map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand->base, 7);
	check_eq(stand_event(stand->kick, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	/* A ring that was reset meanwhile does not continue. */
	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	stand_map_again(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	stand_driver_ok(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 3);
	check_eq(stand->base, 0);
	stand_free(stand);
}

static void remove_memory(uint64_t protocol, uint32_t request)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();
	unsigned int before;

	stand->fake.protocol = protocol;
	require(!vhost_type_find("rng", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
	/* A region mapped while the device runs is sent at once. */
	check_eq(vuser_client_dma_map(stand->client, 0x800000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, 0),
		 0);
	before = stand->fake.seen[request];
	check_eq(vuser_client_dma_unmap(stand->client, 0x800000, 0x1000), 0);
	check_eq(stand->fake.seen[request], before + 1);
	/* Regions that the back end cannot map are not sent. */
	check_eq(vuser_client_dma_map(stand->client, 0x900000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      -1, 0),
		 0);
	check_eq(vuser_client_dma_map(stand->client, 0xa00000, 0x1000,
				      VFIO_USER_DMA_MAP_READ, stand->fd, 0),
		 0);
	check_eq(stand->fake.seen[request], before + 1);
	stand_free(stand);
}

TEST(memory_table_without_regions_of_the_client_is_not_empty)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();
	const struct vhost_user_region *region = &stand->region;

	stand->fake.protocol = ~VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS);
	require(!vhost_type_find("rng", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	stand_start(stand, 0);
	check_eq(region->size, STAND_SIZE);
	check_eq(vuser_client_dma_unmap(stand->client, STAND_IOVA, STAND_SIZE),
		 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_MEM_TABLE], 2);
	check_eq(region->size, 4096);
	check_eq(lseek(stand->memory, 0, SEEK_END), 4096);
	stand_free(stand);
}

TEST(memory_is_removed_by_slot_requests)
{
	remove_memory(UINT64_MAX, VHOST_USER_REM_MEM_REG);
}

TEST(memory_is_removed_by_a_new_table_without_slots)
{
	remove_memory(~VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS),
		      VHOST_USER_SET_MEM_TABLE);
}
