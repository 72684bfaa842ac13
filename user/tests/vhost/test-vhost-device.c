// SPDX-License-Identifier: GPL-2.0
/* The complete device: what a client does, and what its back end receives. */
#include <errno.h>
#include <linux/input.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_input.h>
#include <linux/virtio_net.h>
#include <linux/virtio_scsi.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

#define VERSION_1 VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define PLATFORM  VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM)

#define SOON  10000 /* ms, for events that must happen */
#define NEVER 50 /* ms, for events that must not happen */

#define DESC   STAND_IOVA
#define DRIVER (STAND_IOVA + 0x1000)
#define DEVICE (STAND_IOVA + 0x2000)

#define EVENT (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)

static int new_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	require(fd >= 0);
	return fd;
}

static void set_irq(struct stand *stand, uint32_t index, uint32_t start, int fd)
{
	check_eq(vuser_client_set_irqs(stand->client, EVENT, index, start, 1,
				       NULL, &fd),
		 0);
}

/* Wait until the other end of a socket is closed; return 1, or 0 on timeout. */
static int wait_hang_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	return poll(&pfd, 1, SOON);
}

static uint8_t status(struct stand *stand)
{
	return stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1);
}

static void driver_ok(struct stand *stand)
{
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
}

static uint8_t isr(struct stand *stand)
{
	return stand_read(stand, VHOST_BAR_ISR, 1);
}

TEST(back_end_gets_the_memory_and_eventfds_of_a_started_ring)
{
	struct stand *stand = stand_setup_default("rng");
	int call = new_event();
	uint16_t queue = 0;

	stand_map(stand);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, call);
	stand_features(stand, VERSION_1 | PLATFORM);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	/* Nothing starts before DRIVER_OK. */
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 0);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_ENABLE], 1);

	/* Memory is the client's file. */
	check(same_file(stand->memory, stand->fd));
	check_eq(stand->region.guest_addr, STAND_IOVA);
	check_eq(stand->region.user_addr, STAND_IOVA);
	check_eq(stand->region.size, STAND_SIZE);
	check_eq(stand->region.mmap_offset, STAND_SIZE);

	/*
	 * The kick comes by message; the first one is for requests made before
	 * the start.
	 */
	check_eq(stand_event(stand->kick, SOON), 1);
	check_eq(vuser_client_write(stand->client, VFIO_PCI_BAR0_REGION_INDEX,
				    VHOST_BAR_NOTIFY, &queue, sizeof(queue)),
		 0);
	check_eq(stand_event(stand->kick, SOON), 1);

	/* The back end signals the client's own eventfd directly. */
	eventfd_write(stand->call, 1);
	check_eq(stand_event(call, 0), 1);

	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	close(call);
	stand_free(stand);
}

/*
 * struct lazy - a back end that sees kicks only after it has enabled the ring
 * @stand: the test stand
 * @hook: the hook that replies
 * @enabled: number of requests that enable a ring
 * @synced: it has been asked for a reply afterwards
 * @early: the ring was kicked before
 */
static struct lazy {
	struct stand *stand;
	enum fake_action (*hook)(struct fake *fake);
	unsigned int enabled;
	bool synced;
	bool early;
} lazy;

static enum fake_action note_order(struct fake *fake)
{
	struct pollfd kick = { .fd = lazy.stand->kick, .events = POLLIN };

	switch (fake->msg.hdr.request) {
	case VHOST_USER_SET_VRING_ENABLE:
		lazy.enabled += fake->msg.payload.state.num;
		break;
	case VHOST_USER_GET_FEATURES:
		lazy.synced = lazy.enabled;
		lazy.early = lazy.early || (lazy.enabled && poll(&kick, 1, 0));
		break;
	}
	return lazy.hook(fake);
}

TEST(ring_is_kicked_after_a_back_end_without_reply_ack_has_enabled_it)
{
	struct stand *stand =
		stand_setup("rng", UINT64_MAX, ~VHOST_USER_PROTOCOL(REPLY_ACK));

	lazy = (struct lazy) { .stand = stand, .hook = stand->fake.hook };
	stand->fake.hook = note_order;
	stand_map(stand);
	stand_start(stand, 0);
	check_eq(status(stand), 0xf);
	check(lazy.synced);
	check(!lazy.early);
	check_eq(stand_event(stand->kick, SOON), 1);
	stand_free(stand);
}

/* Start queue 0 of a sound device, which the driver has kicked or not. */
static uint64_t first_kicks_of_sound(bool kick)
{
	struct stand *stand = stand_setup_default("sound");
	uint64_t count;
	uint16_t queue = 0;

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	if (kick)
		check_eq(vuser_client_write(
				 stand->client, VFIO_PCI_BAR0_REGION_INDEX,
				 VHOST_BAR_NOTIFY, &queue, sizeof(queue)),
			 0);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	count = stand_event(stand->kick, kick ? SOON : NEVER);
	stand_free(stand);
	return count;
}

TEST(new_ring_of_a_sound_device_is_kicked_only_if_the_driver_kicked_it)
{
	check_eq(first_kicks_of_sound(false), 0);
	check_eq(first_kicks_of_sound(true), 1);
}

TEST(ioeventfd_of_the_client_kicks_the_ring)
{
	struct stand *stand = stand_setup_default("rng");
	const struct vuser_region *bar =
		&vuser_client_description(stand->client)->regions[0];
	uint32_t i, found = 0;

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, VIRTIO_NO_VECTOR);
	driver_ok(stand);
	check_eq(stand_event(stand->kick, SOON), 1);
	for (i = 0; i < bar->nr_io_fds; i++) {
		if (bar->io_fds[i].offset != VHOST_BAR_NOTIFY)
			continue;
		found++;
		check_eq(bar->io_fds[i].size, 2);
		check_eq(bar->io_fds[i].flags, 0);
		eventfd_write(bar->io_fds[i].fd, 1);
		check_eq(stand_event(stand->kick, 0), 1);
	}
	check_eq(found, 1);
	stand_free(stand);
}

TEST(features_are_offered_and_accepted_without_vhost_users_own)
{
	struct stand *stand = stand_setup_default("rng");

	stand_write(stand, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	check(stand_read(stand, VIRTIO_PCI_COMMON_DF, 4) & PLATFORM >> 32);
	/* Neither PROTOCOL_FEATURES nor NOTIFICATION_DATA is offered. */
	check(!(stand_read(stand, VIRTIO_PCI_COMMON_DF, 4) & 1 << (38 - 32)));
	stand_write(stand, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	check(!(stand_read(stand, VIRTIO_PCI_COMMON_DF, 4) &
		1u << VHOST_USER_F_PROTOCOL_FEATURES));
	stand_features(stand, VERSION_1 | PLATFORM);
	driver_ok(stand);
	check_eq(stand->features,
		 VERSION_1 | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	stand_free(stand);
}

TEST(call_before_the_vectors_eventfd_is_delivered_later)
{
	struct stand *stand = stand_setup_default("rng");
	int call = new_event(), other = new_event();

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(stand->calls, 1);
	eventfd_write(stand->call, 1);
	/* A new eventfd is signalled for the calls before it. */
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, call);
	check_eq(stand->calls, 2);
	check_eq(stand_event(call, SOON), 1);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(call, 0), 1);
	/* Replace the eventfd. */
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, other);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(other, 0), 1);
	check_eq(stand_event(call, 0), 0);
	/* Eventfds of other vectors do not affect the ring. */
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 0, call);
	check_eq(stand->calls, 3);
	close(call);
	close(other);
	stand_free(stand);
}

static uint64_t pending_bits(struct stand *stand)
{
	uint64_t bits = 0;

	check_eq(vuser_client_read(stand->client, VHOST_MSIX_BAR,
				   VHOST_MSIX_PBA, &bits, sizeof(bits)),
		 0);
	return bits;
}

TEST(pending_bit_is_set_until_the_interrupt_is_delivered)
{
	struct stand *stand = stand_setup_default("rng");
	int call = new_event();

	stand_map(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(pending_bits(stand), 0);
	eventfd_write(stand->call, 1);
	check_eq(pending_bits(stand), 1 << 1);
	check_eq(pending_bits(stand), 1 << 1);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, call);
	check_eq(stand_event(call, SOON), 1);
	check_eq(pending_bits(stand), 0);
	/* With an eventfd, nothing is pending. */
	eventfd_write(stand->call, 1);
	check_eq(pending_bits(stand), 0);
	close(call);
	stand_free(stand);
}

TEST(intx_is_masked_until_the_client_unmasks_it)
{
	struct stand *stand = stand_setup_default("rng");
	int line = new_event();

	stand_map(stand);
	set_irq(stand, VFIO_PCI_INTX_IRQ_INDEX, 0, line);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, VIRTIO_NO_VECTOR);
	driver_ok(stand);
	eventfd_write(stand->call, 1);
	check_eq(stand_event(line, SOON), 1);
	check_eq(isr(stand), VIRTIO_ISR_QUEUE);
	check_eq(isr(stand), 0);
	/* INTx masks itself until the client unmasks it. */
	eventfd_write(stand->call, 1);
	check_eq(stand_event(line, NEVER), 0);
	check_eq(vuser_client_set_irqs(
			 stand->client,
			 VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
			 VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, NULL),
		 0);
	check_eq(stand_event(line, SOON), 1);
	check_eq(isr(stand), VIRTIO_ISR_QUEUE);
	close(line);
	stand_free(stand);
}

TEST(ring_outside_of_memory_or_unaligned_sets_needs_reset)
{
	static const struct {
		uint64_t desc, driver, device;
	} table[] = {
		{ 0, DRIVER, DEVICE },
		{ DESC, STAND_IOVA + STAND_SIZE - 2, DEVICE },
		{ DESC, DRIVER, STAND_IOVA + STAND_SIZE },
		{ STAND_IOVA - 16, DRIVER, DEVICE },
		{ UINT64_MAX - 15, DRIVER, DEVICE },
		/* Not aligned. */
		{ DESC + 8, DRIVER, DEVICE },
		{ DESC, DRIVER + 1, DEVICE },
		{ DESC, DRIVER, DEVICE + 2 },
	};
	struct stand *stand = stand_setup_default("rng");
	int config = new_event();
	size_t i;

	stand_map(stand);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 0, config);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		stand_features(stand, VERSION_1);
		stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
		stand_queue(stand, table[i].desc, table[i].driver,
			    table[i].device, 1);
		driver_ok(stand);
		check_eq(status(stand), 0x4f);
		check_eq(stand_event(config, SOON), 1);
		check_eq(isr(stand), VIRTIO_ISR_CONFIG);
	}
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	/* A ring size that only packed rings may have. */
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 12);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, DESC);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, DRIVER);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, DEVICE);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	driver_ok(stand);
	check_eq(status(stand), 0x4f);
	/* The device works after a reset. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	close(config);
	stand_free(stand);
}

static void unmap(struct stand *stand, uint64_t iova, uint64_t size)
{
	check_eq(vuser_client_dma_unmap(stand->client, iova, size), 0);
}

static void map_again(struct stand *stand)
{
	check_eq(vuser_client_dma_map(stand->client, STAND_IOVA, STAND_SIZE,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, STAND_SIZE),
		 0);
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
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	/* Unmap other memory. */
	unmap(stand, 0x800000, 0x1000);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 0);
	unmap(stand, STAND_IOVA, STAND_SIZE);
	check_eq(stand->fake.seen[VHOST_USER_REM_MEM_REG], 2);
	check_eq(stand->stopped, 1);
	check_eq(status(stand), 0xf);
	/* The ring continues at its position, with a kick for new requests. */
	stand_event(stand->kick, SOON);
	map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand->base, 7);
	check_eq(stand_event(stand->kick, SOON), 1);
	check_eq(status(stand), 0xf);
	/* A ring that was reset meanwhile does not continue. */
	unmap(stand, STAND_IOVA, STAND_SIZE);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	map_again(stand);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	driver_ok(stand);
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
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
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

TEST(queue_reset_stops_the_ring_until_it_is_enabled_again)
{
	struct stand *stand = stand_setup_default("rng");

	stand_map(stand);
	stand_features(stand, VERSION_1 | VIRTIO_BIT(VIRTIO_F_RING_RESET));
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(status(stand), 0xf);
	stand_free(stand);
}

/*
 * Reset the only queue while its back end may have requests in flight. The memory of
 * its ring is @got afterwards.
 */
static void reset_with_requests(uint64_t without, uint64_t features, bool lost,
				uint16_t *got)
{
	uint16_t before[64];
	struct stand *stand = stand_setup("rng", UINT64_MAX, ~without);

	stand_map(stand);
	stand_start(stand, features | VIRTIO_BIT(VIRTIO_F_RING_RESET));
	memset(before, 0xa5, sizeof(before));
	before[5] = 3; /* desc_num */
	require(pwrite(stand->inflight, before, sizeof(before), 0) ==
		sizeof(before));
	if (lost)
		stand_lose_backend(stand);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
	check_eq(status(stand), 0xf);
	check_eq(pread(stand->inflight, got, sizeof(before), 0),
		 sizeof(before));
	stand_free(stand);
}

TEST(queue_reset_removes_the_requests_in_flight)
{
	const uint64_t suspend = VHOST_USER_PROTOCOL(GET_VRING_BASE_INFLIGHT);
	const uint64_t packed = VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	uint16_t got[64], want[64] = { [5] = 3 };

	/* The ring has the first 8 KiB. All is 0 except desc_num. */
	reset_with_requests(0, 0, false, got);
	check(!memcmp(got, want, sizeof(got)));
	/* A lost back end did not complete its requests. */
	reset_with_requests(suspend, 0, true, got);
	check(!memcmp(got, want, sizeof(got)));
	/* A packed ring also has its wrap counters, and a list of entries. */
	want[10] = 0x101;
	want[16 + 1] = 1;
	want[32 + 1] = 2;
	want[48 + 1] = 3;
	reset_with_requests(0, packed, false, got);
	check(!memcmp(got, want, sizeof(got)));
	/* A back end that completes its requests cleans the memory itself. */
	reset_with_requests(suspend, 0, false, got);
	check_eq(got[0], 0xa5a5);
}

TEST(clearing_bus_master_stops_rings_and_sets_needs_reset)
{
	struct stand *stand = stand_setup_default("rng");
	uint16_t command = PCI_COMMAND_MASTER;

	stand_map(stand);
	check_eq(vuser_client_write(stand->client, VFIO_PCI_CONFIG_REGION_INDEX,
				    PCI_COMMAND, &command, 2),
		 0);
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	command = 0;
	check_eq(vuser_client_write(stand->client, VFIO_PCI_CONFIG_REGION_INDEX,
				    PCI_COMMAND, &command, 2),
		 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(status(stand), 0x4f);
	stand_free(stand);
}

/* Set up a running device whose configuration interrupt signals @config. */
/* A device whose driver uses its first ring. */
static struct stand *setup_type(const char *type, uint64_t features,
				uint64_t protocol, int config, int call)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();

	stand->fake.protocol = protocol;
	require(!vhost_type_find(type, &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 0, config);
	stand_features(stand, VERSION_1 | features);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, call);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	return stand;
}

static struct stand *setup_running(uint64_t protocol, int config, int call)
{
	return setup_type("rng", 0, protocol, config, call);
}

TEST(ring_continues_with_a_new_back_end_that_tracks_requests)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_running(UINT64_MAX, config, call);
	uint16_t used = 7;

	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	require(pwrite(stand->fd, &used, sizeof(used),
		       STAND_SIZE + (DEVICE - STAND_IOVA) + 2) == 2);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	/*
	 * Only the queue's interrupt is signalled, since the last one may be
	 * lost.
	 */
	check_eq(stand_event(call, SOON), 1);
	check_eq(status(stand), 0xf);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 1);
	check_eq(stand->base, 7);
	/* After a reset no request is in flight. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	check_eq(stand->base, 0);
	close(config);
	close(call);
	stand_free(stand);
}

/* A paused ring waits for its memory, also at a new back end. */
TEST(paused_ring_stays_paused_with_a_new_back_end)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_running(UINT64_MAX, config, call);

	stand->stopped_at = 9;
	unmap(stand, STAND_IOVA, STAND_SIZE);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 9);
	check_eq(status(stand), 0xf);
	close(config);
	close(call);
	stand_free(stand);
}

/*
 * A back end may create a ring at the first message about it, and gives memory for
 * requests in flight only to rings that exist.
 */
TEST(each_ring_has_a_message_before_the_memory_for_requests_in_flight)
{
	struct stand *stand = stand_new();
	struct vhost_device_options options = {
		.queue_size = 256,
		.queues = 2,
	};
	int call = new_event();

	require(!vhost_type_find("net", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 1, call);
	stand_features(stand, VERSION_1 | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |
				      VIRTIO_BIT(VIRTIO_NET_F_MQ));
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	/* Two pairs, and no control queue. */
	check_eq(stand->announced_before_inflight, 0xf);
	/* A new back end gets the same memory. */
	stand->announced = stand->announced_before_inflight = 0;
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(stand->announced_before_inflight, 0xf);
	close(call);
	stand_free(stand);
}

TEST(error_of_a_ring_sets_needs_reset)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_running(UINT64_MAX, config, call);

	check_eq(status(stand), 0xf);
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, SOON), 1);
	check_eq(status(stand), 0x4f);
	/* The next error changes nothing. A reset discards errors. */
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, NEVER), 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	eventfd_write(stand->err, 1);
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(status(stand), 0xf);
	/* A back end that comes back reports errors, too. */
	eventfd_read(call, &(eventfd_t) { 0 });
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, SOON), 1);
	check_eq(status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}

static void reset_back_end(uint64_t without, unsigned int status_0,
			   unsigned int resets, unsigned int tables)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_running(~without, config, call);
	unsigned int before = stand->fake.seen[VHOST_USER_SET_STATUS];
	unsigned int table = stand->fake.seen[VHOST_USER_SET_MEM_TABLE];

	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_STATUS], before + status_0);
	check_eq(stand->fake.seen[VHOST_USER_RESET_DEVICE], resets);
	check_eq(stand->fake.seen[VHOST_USER_SET_MEM_TABLE], table + tables);
	/* A reset of a device that does not run is not sent. */
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_STATUS], before + status_0);
	check_eq(stand->fake.seen[VHOST_USER_RESET_DEVICE], resets);
	/* The device works again. */
	stand_start(stand, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	close(config);
	close(call);
	stand_free(stand);
}

TEST(back_end_is_reset_by_its_status_or_by_reset_device)
{
	const uint64_t no_status = VHOST_USER_PROTOCOL(STATUS);
	const uint64_t no_reset = VHOST_USER_PROTOCOL(RESET_DEVICE);
	const uint64_t no_slots = VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS);

	reset_back_end(0, 1, 0, 0);
	reset_back_end(no_reset, 1, 0, 0);
	reset_back_end(no_status, 0, 1, 0);
	reset_back_end(no_status | no_reset, 0, 0, 0);
	/* Without slots, the memory is sent again. */
	reset_back_end(no_status | no_slots, 0, 1, 1);
}

TEST(lost_back_end_without_tracking_sets_needs_reset)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_running(
		~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);

	stand_lose_backend(stand);
	check_eq(stand_event(config, SOON), 1);
	check_eq(status(stand), 0x4f);
	/* A reset works, but a start fails without a back end. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}

/* Packets in flight may be lost, as in any network. */
TEST(lost_network_back_end_without_tracking_continues_at_the_used_index)
{
	int config = new_event(), call = new_event();
	struct stand *stand = setup_type(
		"net", 0, ~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);
	uint16_t used = 7;

	require(pwrite(stand->fd, &used, sizeof(used),
		       STAND_SIZE + (DEVICE - STAND_IOVA) + 2) == 2);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	/* The configuration changed twice: the link went down and up. */
	check_eq(stand_event(config, SOON), 2);
	check_eq(status(stand), 0xf);
	check_eq(stand->base, 7);
	close(config);
	close(call);
	stand_free(stand);
}

TEST(lost_network_back_end_with_a_packed_ring_and_without_tracking_sets_needs_reset)
{
	int config = new_event(), call = new_event();
	struct stand *stand =
		setup_type("net", VIRTIO_BIT(VIRTIO_F_RING_PACKED),
			   ~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);

	stand_lose_backend(stand);
	check(stand_event(config, SOON) > 0);
	check_eq(status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}

TEST(config_change_updates_the_configuration_and_interrupts)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();
	struct vhost_user_msg msg = {
		.hdr.request = VHOST_USER_BACKEND_CONFIG_CHANGE_MSG,
	};
	int config = new_event();
	uint8_t before;

	stand->config[0] = 8;
	stand->config[offsetof(struct virtio_blk_config, num_queues)] = 3;
	require(!vhost_type_find("blk", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_NUMQ, 2), 3);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 8), 8);
	set_irq(stand, VFIO_PCI_MSIX_IRQ_INDEX, 0, config);
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	driver_ok(stand);
	before = stand_read(stand, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	stand->config[0] = 16;
	fake_ask(stand->fake.channel, &msg, -1);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 8), 16);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_CFGGENERATION, 1),
		 (uint8_t)(before + 1));
	/* An unchanged configuration causes no interrupt. */
	fake_ask(stand->fake.channel, &msg, -1);
	check_eq(stand_event(config, NEVER), 0);
	/* A write is sent to the back end. */
	stand_write(stand,
		    VHOST_BAR_DEVICE + offsetof(struct virtio_blk_config, wce),
		    1, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 1);
	/*
	 * After the end of the configuration reads return 0 and writes do
	 * nothing.
	 */
	check_eq(stand_read(stand, VHOST_BAR_DEVICE + 0xff8, 8), 0);
	stand_write(stand, VHOST_BAR_DEVICE + 0xff8, 8, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 1);
	close(config);
	stand_free(stand);
}

TEST(writes_to_the_configuration_of_a_scsi_host_are_not_sent)
{
	struct stand *stand = stand_setup_default("scsi");
	const uint64_t sense = offsetof(struct virtio_scsi_config, sense_size);

	stand_write(stand, VHOST_BAR_DEVICE + sense, 4,
		    VIRTIO_SCSI_SENSE_DEFAULT_SIZE);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 0);
	stand_free(stand);
}

TEST(fields_that_select_the_configuration_are_sent_together)
{
	struct stand *stand = stand_setup_default("input");
	const struct vhost_user_config *sent = &stand->set_config;

	stand_write(stand, VHOST_BAR_DEVICE, 1, VIRTIO_INPUT_CFG_EV_BITS);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 1);
	check_eq(sent->offset, 0);
	check_eq(sent->size, 2);
	check_eq(sent->data[0], VIRTIO_INPUT_CFG_EV_BITS);
	check_eq(sent->data[1], 0);
	stand_write(stand, VHOST_BAR_DEVICE + 1, 1, EV_KEY);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 2);
	check_eq(sent->offset, 0);
	check_eq(sent->size, 2);
	check_eq(sent->data[0], VIRTIO_INPUT_CFG_EV_BITS);
	check_eq(sent->data[1], EV_KEY);
	/* Fields after those that select are sent as they are written. */
	stand_write(stand, VHOST_BAR_DEVICE + 8, 4, 5);
	check_eq(stand->fake.seen[VHOST_USER_SET_CONFIG], 3);
	check_eq(sent->offset, 8);
	check_eq(sent->size, 4);
	stand_free(stand);
}

/* The device works without the back end's channel. */
TEST(back_end_that_closes_its_channel_stays_connected)
{
	struct stand *stand = stand_setup_default("rng");
	int channel = stand->fake.channel;

	stand_map(stand);
	stand_features(stand, VERSION_1);
	shutdown(channel, SHUT_WR);
	/* POLLHUP comes when the device closes its end. */
	check_eq(wait_hang_up(channel), 1);
	stand_queue(stand, DESC, DRIVER, DEVICE, 1);
	driver_ok(stand);
	check_eq(status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	stand_free(stand);
}
