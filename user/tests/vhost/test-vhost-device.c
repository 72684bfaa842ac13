// SPDX-License-Identifier: GPL-2.0
/* The complete device: what a client does, and what its back end receives. */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

#define PLATFORM VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM)

/* Wait until the other end of a socket is closed; return 1, or 0 on timeout. */
static int wait_hang_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	return poll(&pfd, 1, SOON);
}

TEST(back_end_gets_the_memory_and_eventfds_of_a_started_ring)
{
	struct stand *stand = stand_setup_default("rng");
	int call = stand_eventfd();
	uint16_t queue = 0;

	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_features(stand, VERSION_1 | PLATFORM);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	/* Nothing starts before DRIVER_OK. */
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 0);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
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
	check_eq(stand_status(stand), 0xf);
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
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	if (kick)
		check_eq(vuser_client_write(
				 stand->client, VFIO_PCI_BAR0_REGION_INDEX,
				 VHOST_BAR_NOTIFY, &queue, sizeof(queue)),
			 0);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
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
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE,
		    VIRTIO_NO_VECTOR);
	stand_driver_ok(stand);
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
	stand_driver_ok(stand);
	check_eq(stand->features,
		 VERSION_1 | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	stand_free(stand);
}

TEST(queue_reset_stops_the_ring_until_it_is_enabled_again)
{
	struct stand *stand = stand_setup_default("rng");

	stand_map(stand);
	stand_features(stand, VERSION_1 | VIRTIO_BIT(VIRTIO_F_RING_RESET));
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand_status(stand), 0xf);
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
	check_eq(stand_status(stand), 0xf);
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
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	command = 0;
	check_eq(vuser_client_write(stand->client, VFIO_PCI_CONFIG_REGION_INDEX,
				    PCI_COMMAND, &command, 2),
		 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(stand_status(stand), 0x4f);
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
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	stand_free(stand);
}
