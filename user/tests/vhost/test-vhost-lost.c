// SPDX-License-Identifier: GPL-2.0
/* A back end that is lost, fails or is reset while a ring runs. */
#include <linux/virtio_net.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

/*
 * Set up a device whose driver uses its first ring. Its configuration interrupt signals
 * @config, the interrupt of the ring signals @call.
 */
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
	stand_msix(stand, 0, config);
	stand_features(stand, VERSION_1 | features);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_msix(stand, 1, call);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
	return stand;
}

static struct stand *setup_running(uint64_t protocol, int config, int call)
{
	return setup_type("rng", 0, protocol, config, call);
}

TEST(ring_continues_with_a_new_back_end_that_tracks_requests)
{
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand = setup_running(UINT64_MAX, config, call);
	uint16_t used = 7;

	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	require(pwrite(stand->fd, &used, sizeof(used),
		       STAND_SIZE + (STAND_DEVICE - STAND_IOVA) + 2) == 2);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	/*
	 * Only the queue's interrupt is signalled, since the last one may be
	 * lost.
	 */
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 1);
	check_eq(stand->base, 7);
	/* After a reset no request is in flight. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	check_eq(stand->base, 0);
	close(config);
	close(call);
	stand_free(stand);
}

/* A paused ring waits for its memory, also at a new back end. */
TEST(paused_ring_stays_paused_with_a_new_back_end)
{
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand = setup_running(UINT64_MAX, config, call);

	stand->stopped_at = 9;
	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 9);
	check_eq(stand_status(stand), 0xf);
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
	int call = stand_eventfd();

	require(!vhost_type_find("net", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_features(stand, VERSION_1 | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |
				      VIRTIO_BIT(VIRTIO_NET_F_MQ));
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0xf);
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
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand = setup_running(UINT64_MAX, config, call);

	check_eq(stand_status(stand), 0xf);
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_status(stand), 0x4f);
	/* The next error changes nothing. A reset discards errors. */
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, NEVER), 0);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	eventfd_write(stand->err, 1);
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_event(config, NEVER), 0);
	check_eq(stand_status(stand), 0xf);
	/* A back end that comes back reports errors, too. */
	eventfd_read(call, &(eventfd_t) { 0 });
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	eventfd_write(stand->err, 1);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}

static void reset_back_end(uint64_t without, unsigned int status_0,
			   unsigned int resets, unsigned int tables)
{
	int config = stand_eventfd(), call = stand_eventfd();
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
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand = setup_running(
		~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);

	stand_lose_backend(stand);
	check_eq(stand_event(config, SOON), 1);
	check_eq(stand_status(stand), 0x4f);
	/* A reset works, but a start fails without a back end. */
	stand_features(stand, VERSION_1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	stand_driver_ok(stand);
	check_eq(stand_status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}

/* Packets in flight may be lost, as in any network. */
TEST(lost_network_back_end_without_tracking_continues_at_the_used_index)
{
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand = setup_type(
		"net", 0, ~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);
	uint16_t used = 7;

	require(pwrite(stand->fd, &used, sizeof(used),
		       STAND_SIZE + (STAND_DEVICE - STAND_IOVA) + 2) == 2);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	/* The configuration changed twice: the link went down and up. */
	check_eq(stand_event(config, SOON), 2);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->base, 7);
	close(config);
	close(call);
	stand_free(stand);
}

TEST(lost_network_back_end_with_a_packed_ring_and_without_tracking_sets_needs_reset)
{
	int config = stand_eventfd(), call = stand_eventfd();
	struct stand *stand =
		setup_type("net", VIRTIO_BIT(VIRTIO_F_RING_PACKED),
			   ~VHOST_USER_PROTOCOL(INFLIGHT_SHMFD), config, call);

	stand_lose_backend(stand);
	check(stand_event(config, SOON) > 0);
	check_eq(stand_status(stand), 0x4f);
	close(config);
	close(call);
	stand_free(stand);
}
