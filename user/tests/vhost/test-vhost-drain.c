// SPDX-License-Identifier: GPL-2.0
/*
 * A back end that completes requests after it has replied to GET_VRING_BASE, as QEMU's
 * library libvhost-user does. The memory for requests in flight or the used index shows them.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

/* The entry of a request in flight, in the memory of a ring. */
#define SPLIT_AT  (16 + 100 * 16)
#define PACKED_AT (32 + 100 * 32)

/* Time limit of a back end that does not complete its request. It answers other requests. */
#define SLOW_MS 2000

/* The second ring. */
#define DESC_1	 (STAND_IOVA + 0x4000)
#define DRIVER_1 (STAND_IOVA + 0x5000)
#define DEVICE_1 (STAND_IOVA + 0x6000)

enum end {
	COMPLETE,
	LOSE
};

/**
 * struct slow - a back end with a request in flight in each ring
 * @stand: the back end
 * @hook: of the stand
 * @at: entry of the request
 * @rings: number of rings
 * @tracked: the back end has INFLIGHT_SHMFD
 * @asked: eventfd, signalled when a ring is to stop
 * @end: what becomes of the requests when all rings are to stop
 * @completed: the requests are completed
 * @thread: does @end
 */
struct slow {
	struct stand *stand;
	enum fake_action (*hook)(struct fake *fake);
	off_t at;
	unsigned int rings;
	bool tracked;
	int asked;
	enum end end;
	atomic_bool completed;
	pthread_t thread;
};

static struct slow slow;
/* State file of the next device, or NULL. */
static const char *state;

static enum fake_action on_request(struct fake *fake)
{
	if (fake->msg.hdr.request == VHOST_USER_GET_VRING_BASE)
		eventfd_write(slow.asked, 1);
	return slow.hook(fake);
}

/* The base of a stopped ring; its used index is lower while a request is in flight. */
#define BASE 0x8765

static void set_used(uint16_t used)
{
	require(pwrite(slow.stand->fd, &used, sizeof(used),
		       STAND_SIZE + (STAND_DEVICE - STAND_IOVA) + 2) == 2);
}

static void mark_ring(unsigned int ring, uint8_t inflight)
{
	off_t size = FAKE_INFLIGHT / slow.rings;

	if (!slow.tracked) {
		set_used(BASE - inflight);
		return;
	}
	require(pwrite(slow.stand->inflight, &inflight, 1,
		       ring * size + slow.at) == 1);
}

static void mark(uint8_t inflight)
{
	unsigned int i;

	for (i = 0; i < slow.rings; i++)
		mark_ring(i, inflight);
}

/*
 * A while after the rings were to stop, complete the requests of each ring, or close the
 * connection.
 */
static void *end_requests(void *arg)
{
	uint64_t asked = 0, more;
	unsigned int i;

	(void)arg;
	while (asked < slow.rings) {
		more = stand_event(slow.asked, SOON);
		if (!more)
			return NULL;
		asked += more;
	}
	for (i = 0; i < slow.rings && slow.end == COMPLETE; i++) {
		usleep(NEVER * 1000);
		slow.completed = i + 1 == slow.rings;
		mark_ring(i, 0);
	}
	if (slow.end == LOSE)
		stand_lose_backend(slow.stand);
	return NULL;
}

/*
 * A running disk of @rings rings with a request in flight in each. The first ring signals
 * @call. The back end has @protocol and @limit_ms for each command.
 */
static struct stand *setup_backend(uint64_t protocol, unsigned int rings,
				   uint64_t features, int call, int limit_ms)
{
	struct vhost_device_options options = {
		.queue_size = 256,
		.queues = rings,
		.backend_timeout_ms = limit_ms,
		.state = state,
		.client_timeout_ms = 10 * SOON,
	};
	struct stand *stand = stand_new();

	stand->fake.protocol = protocol;
	stand->stopped_at = BASE;
	stand->config[offsetof(struct virtio_blk_config, num_queues)] = rings;
	require(!vhost_type_find("blk", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_features(stand, VERSION_1 | features);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	if (rings > 1)
		stand_queue_at(stand, 1, DESC_1, DRIVER_1, DEVICE_1,
			       VIRTIO_NO_VECTOR);
	stand_driver_ok(stand);
	require(stand_status(stand) == 0xf);
	slow = (struct slow) {
		.stand = stand,
		.hook = stand->fake.hook,
		.at = features ? PACKED_AT : SPLIT_AT,
		.rings = rings,
		.tracked = stand->inflight >= 0,
		.asked = stand_eventfd(),
	};
	stand->fake.hook = on_request;
	mark(1);
	return stand;
}

static struct stand *setup_rings(unsigned int rings, uint64_t features,
				 int call, int limit_ms)
{
	return setup_backend(NO_STATE, rings, features, call, limit_ms);
}

static struct stand *setup_used(int call, int limit_ms)
{
	return setup_backend(NO_STATE & NO_INFLIGHT, 1, 0, call, limit_ms);
}

static struct stand *slow_setup(uint64_t features, int call)
{
	return setup_rings(1, features, call, SOON);
}

static void slow_begin(enum end end)
{
	slow.end = end;
	require(!pthread_create(&slow.thread, NULL, end_requests, NULL));
}

/* Check that the requests were completed before the device stopped. */
static void slow_end(void)
{
	check(slow.completed);
	check_eq(slow.stand->fake.seen[VHOST_USER_GET_VRING_BASE], slow.rings);
	pthread_join(slow.thread, NULL);
}

static void slow_free(struct stand *stand, int call)
{
	close(slow.asked);
	close(call);
	stand_free(stand);
}

static void stop_for_migration(uint64_t protocol, uint64_t features)
{
	int call = stand_eventfd();
	struct stand *stand = setup_backend(protocol, 1, features, call, SOON);

	slow_begin(COMPLETE);
	check_eq(mig_go(stand, STOP), 0);
	slow_end();
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand_event(call, SOON), 1);
	slow_free(stand, call);
}

TEST(device_stops_for_a_migration_after_its_requests)
{
	stop_for_migration(NO_STATE, 0);
	stop_for_migration(NO_STATE, VIRTIO_BIT(VIRTIO_F_RING_PACKED));
	stop_for_migration(NO_STATE & NO_INFLIGHT, 0);
}

/* Complete the request that the driver has made available when the back end is kicked. */
static void *complete_when_kicked(void *arg)
{
	struct stand *stand = arg;

	stand_event(stand->kick, SOON);
	usleep(NEVER * 1000);
	slow.completed = !stand->fake.seen[VHOST_USER_GET_VRING_BASE];
	set_used(BASE);
	return NULL;
}

/* libvhost-user cannot signal a completion after GET_VRING_BASE. */
TEST(requests_are_completed_before_the_back_end_is_asked_to_stop)
{
	int call = stand_eventfd();
	struct stand *stand = setup_used(call, SOON);
	uint16_t available = BASE;

	require(pwrite(stand->fd, &available, sizeof(available),
		       STAND_SIZE + (STAND_DRIVER - STAND_IOVA) + 2) == 2);
	/* The kick of the start. */
	stand_event(stand->kick, SOON);
	require(!pthread_create(&slow.thread, NULL, complete_when_kicked,
				stand));
	check_eq(mig_go(stand, STOP), 0);
	pthread_join(slow.thread, NULL);
	check(slow.completed);
	check_eq(mig_go(stand, COPY), 0);
	slow_free(stand, call);
}

/* No ring takes requests while the device waits for those of another ring. */
TEST(all_rings_are_to_stop_before_the_device_waits)
{
	int call = stand_eventfd();
	struct stand *stand = setup_rings(2, 0, call, SOON);

	slow_begin(COMPLETE);
	check_eq(mig_go(stand, STOP), 0);
	slow_end();
	slow_free(stand, call);
}

TEST(driver_resets_the_device_after_its_requests)
{
	int call = stand_eventfd();
	struct stand *stand = slow_setup(0, call);

	slow_begin(COMPLETE);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand_status(stand), 0);
	slow_end();
	slow_free(stand, call);
}

/* The back end has closed the call eventfd: the driver is interrupted in its place. */
static void unmap(uint64_t protocol)
{
	int call = stand_eventfd();
	struct stand *stand = setup_backend(protocol, 1, 0, call, SOON);

	slow_begin(COMPLETE);
	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	slow_end();
	check_eq(stand_event(call, NEVER), 0);
	stand_map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	slow_free(stand, call);
}

TEST(memory_is_unmapped_after_the_requests_of_its_ring)
{
	unmap(NO_STATE);
	unmap(NO_STATE & NO_INFLIGHT);
}

/* QEMU resets a device that does not stop. */
static void check_stops_without_state(struct stand *stand)
{
	check_eq(mig_go(stand, STOP), 0);
	check_eq(mig_go(stand, COPY), -ETIMEDOUT);
	check_eq(mig_where(stand), STOP);
}

TEST(requests_left_when_the_device_stops_go_to_the_next_back_end)
{
	int call = stand_eventfd();
	struct stand *stand = setup_rings(1, 0, call, SLOW_MS);
	uint8_t inflight = 0;

	set_used(7);
	check_stops_without_state(stand);
	stand_new_backend(stand);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->base, 7);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(pread(stand->inflight, &inflight, 1, SPLIT_AT), 1);
	check_eq(inflight, 1);
	mark(0);
	check_eq(mig_go(stand, COPY), 0);
	slow_free(stand, call);
}

/* Without INFLIGHT_SHMFD, only this back end can complete them. */
TEST(requests_left_when_the_device_stops_stay_with_their_back_end)
{
	int call = stand_eventfd();
	struct stand *stand = setup_used(call, SLOW_MS);

	check_stops_without_state(stand);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand->base, BASE);
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	mark(0);
	check_eq(mig_go(stand, COPY), 0);
	slow_free(stand, call);
}

/* The used index tells how far a back end came that was lost while the device was stopped. */
TEST(requests_left_are_found_by_the_used_index_if_the_back_end_is_lost)
{
	int call = stand_eventfd();
	struct stand *stand = setup_used(call, SLOW_MS);

	check_stops_without_state(stand);
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(mig_go(stand, COPY), -ETIMEDOUT);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, BASE - 1);
	mark(0);
	slow_free(stand, call);
}

TEST(driver_resets_the_device_if_requests_are_left_in_unmapped_memory)
{
	int call = stand_eventfd();
	struct stand *stand = setup_used(call, SLOW_MS);

	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	check_eq(stand_status(stand), 0xf | VIRTIO_CONFIG_S_NEEDS_RESET);
	stand_new_backend(stand);
	stand_map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_start(stand, 0);
	check_eq(stand_status(stand), 0xf);
	mark(0);
	slow_free(stand, call);
}

/* The device with a state file is held until the next client comes. */
TEST(connection_of_a_held_device_is_closed_if_requests_are_left)
{
	char dir[] = "/tmp/test-drain-XXXXXX", path[64];
	int call = stand_eventfd();
	struct stand *stand;

	require(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	state = path;
	stand = setup_used(call, SLOW_MS);
	state = NULL;
	vuser_client_free(stand->client);
	stand->client = NULL;
	close(stand->sock);
	stand->sock = -1;
	stand_new_backend(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	slow_free(stand, call);
	unlink(path);
	rmdir(dir);
}

/* The ring continues at its used index, and the memory shows the requests after it. */
TEST(requests_left_when_memory_is_unmapped_wait_for_the_memory)
{
	int call = stand_eventfd();
	struct stand *stand = setup_rings(1, 0, call, SLOW_MS);

	set_used(7);
	stand_unmap(stand, STAND_IOVA, STAND_SIZE);
	stand_new_backend(stand);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	stand_map_again(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(stand->base, 7);
	check_eq(stand_event(call, SOON), 1);
	mark(0);
	slow_free(stand, call);
}

/* The driver takes the buffers back, so no back end continues with these requests. */
static void reset(struct stand *stand, int call)
{
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand_status(stand), 0);
	stand_new_backend(stand);
	stand_start(stand, 0);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->base, 0);
	slow_free(stand, call);
}

TEST(driver_resets_a_device_whose_back_end_does_not_complete_requests)
{
	int call = stand_eventfd();

	reset(setup_rings(1, 0, call, SLOW_MS), call);
	call = stand_eventfd();
	reset(setup_used(call, SLOW_MS), call);
}

TEST(device_does_not_stop_if_the_back_end_is_lost_meanwhile)
{
	int call = stand_eventfd();
	struct stand *stand = slow_setup(0, call);

	slow_begin(LOSE);
	check_eq(mig_go(stand, STOP), -ENOTCONN);
	pthread_join(slow.thread, NULL);
	stand_new_backend(stand);
	check_eq(stand_event(call, SOON), 1);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	mark(0);
	slow_free(stand, call);
}
