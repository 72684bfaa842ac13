// SPDX-License-Identifier: GPL-2.0
/* Migration from one device to another, each with its own back end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "migrate.h"
#include "../harness.h"

static int probe(const char *type, uint64_t protocol)
{
	struct stand *stand = mig_setup(type, protocol);
	int ret = vuser_client_feature(stand->client,
				       VFIO_DEVICE_FEATURE_PROBE |
					       VFIO_DEVICE_FEATURE_MIGRATION,
				       NULL, 0, 0);

	stand_free(stand);
	return ret;
}

TEST(migration_is_offered_if_all_state_can_be_saved)
{
	check_eq(probe("fs", ALL), 0);
	check_eq(probe("fs", NO_STATE), -ENOTTY);
	check_eq(probe("vsock", NO_STATE), -ENOTTY);
	/* These back ends have no state of their own. */
	check_eq(probe("net", NO_STATE), 0);
	check_eq(probe("blk", NO_STATE), 0);
	check_eq(probe("rng", NO_STATE), 0);
}

TEST(stopped_device_continues_at_the_same_position)
{
	struct stand *stand = mig_setup("rng", ALL);
	int call = stand_eventfd();

	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_start(stand, 0);
	check_eq(stand->status, 0xf);
	stand->stopped_at = 0x1234;
	check_eq(mig_go(stand, STOP), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	/*
	 * The back end keeps its status: the driver has not reset the device.
	 */
	check_eq(stand->status, 0xf);
	check_eq(stand_status(stand), 0xf);
	check_eq(stand_event(call, NEVER), 0);
	/* No ring starts while stopped; memory may be mapped and unmapped. */
	check_eq(vuser_client_dma_map(stand->client, 0x800000, 0x1000,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      stand->fd, 0),
		 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 1);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->base, 0x1234);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 2);
	check_eq(stand_event(call, SOON), 1);
	/* A reset discards the position. */
	stand_start(stand, 0);
	check_eq(stand->base, 0);
	close(call);
	stand_free(stand);
}

/* QEMU stops several devices in two steps. */
TEST(rings_stop_before_the_device_does)
{
	struct stand *stand = mig_setup("rng", ALL);

	stand_map(stand);
	stand_start(stand, 0);
	check_eq(mig_go(stand, VFIO_DEVICE_STATE_RUNNING_P2P), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 1);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(mig_go(stand, VFIO_DEVICE_STATE_RUNNING_P2P), 0);
	check_eq(mig_go(stand, STOP), 0);
	check_eq(stand->fake.seen[VHOST_USER_GET_VRING_BASE], 2);
	check_eq(mig_go(stand, VFIO_DEVICE_STATE_RUNNING_P2P), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 3);
	stand_free(stand);
}

TEST(registers_written_while_stopped_apply_when_running)
{
	struct stand *stand = mig_setup("rng", ALL);

	stand_map(stand);
	check_eq(mig_go(stand, STOP), 0);
	stand_start(stand, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(stand->base, 0);
	/* A reset while stopped prevents a start. */
	stand->stopped_at = 5;
	check_eq(mig_go(stand, STOP), 0);
	check_eq(stand->status, 0xf);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(stand->status, 0);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	stand_start(stand, VIRTIO_BIT(VIRTIO_F_RING_RESET));
	check_eq(stand->base, 0);
	/* A queue reset while stopped discards its position. */
	check_eq(mig_go(stand, STOP), 0);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
	stand_queue(stand, STAND_DESC, STAND_DRIVER, STAND_DEVICE, 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 2);
	check_eq(mig_go(stand, RUNNING), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 3);
	check_eq(stand->base, 0);
	stand_free(stand);
}

static void check_same(struct stand *a, struct stand *b)
{
	uint32_t offset, x, y;

	for (offset = 0; offset < VIRTIO_COMMON_SIZE; offset += 4)
		check_eq(stand_read(a, offset, 4), stand_read(b, offset, 4));
	for (offset = 0; offset < 256; offset += 4) {
		mig_cfg(a, offset, &x, false);
		mig_cfg(b, offset, &y, false);
		check_eq(x, y);
	}
	check_eq(vuser_client_read(b->client, VFIO_PCI_BAR1_REGION_INDEX, 16,
				   &x, 4),
		 0);
	check_eq(x, 0xfe000000);
}

static void migrate(const char *type, uint64_t protocol, size_t part)
{
	struct stand *a = mig_setup(type, protocol),
		     *b = mig_setup(type, protocol);
	int call = stand_eventfd();
	bool stateful = protocol & VHOST_USER_PROTOCOL(DEVICE_STATE);
	ssize_t len;

	mig_run_source(a);
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, part);
	check(len > (stateful ? STATE_LEN : 0));
	check_eq(a->fake.seen[VHOST_USER_CHECK_DEVICE_STATE], stateful);
	/* Reading after the end returns 0 again. */
	check_eq(vuser_client_mig_read(a->client, mig_stream + len, 1), 0);

	/* The order is: DMA maps, RESUMING, data, RUNNING, then interrupts. */
	stand_map(b);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, part), 0);
	check_eq(b->fake.seen[VHOST_USER_SET_DEVICE_STATE_FD], stateful);
	check_eq(b->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	check_eq(mig_go(b, STOP), 0);
	check_same(a, b);
	check_eq(mig_go(b, RUNNING), 0);
	check_eq(mig_where(b), RUNNING);
	check_eq(stand_status(b), 0xf);
	check_eq(b->base, 0x8765);
	check_eq(b->features, a->features);
	check(same_file(b->memory, b->fd));
	check_eq(b->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	if (stateful) {
		check_eq(b->moved, STATE_LEN);
		check(!memcmp(b->loaded, mig_backend_state, STATE_LEN));
		check_eq(b->state_features, a->features);
	}
	stand_msix(b, 1, call);
	check_eq(stand_event(call, SOON), 1);

	/* The source may continue as well: its client decides. */
	check_eq(mig_go(a, RUNNING), 0);
	check_eq(a->base, 0x8765);
	close(call);
	stand_free(a);
	stand_free(b);
}

TEST(device_migrates_with_the_back_ends_state)
{
	migrate("rng", ALL, 65536);
}

TEST(device_migrates_in_small_parts)
{
	migrate("rng", ALL, 999);
}

TEST(device_migrates_without_a_back_end_state)
{
	migrate("rng", NO_STATE, 4096);
}

TEST(device_without_a_driver_migrates)
{
	struct stand *a = mig_setup("rng", ALL), *b = mig_setup("rng", ALL);
	ssize_t len;

	a->state_len = 0;
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), 0);
	/* An empty state is a valid one. */
	check_eq(b->fake.seen[VHOST_USER_CHECK_DEVICE_STATE], 1);
	check_eq(mig_go(b, RUNNING), 0);
	check_eq(stand_status(b), 0);
	stand_map(b);
	stand_start(b, 0);
	check_eq(b->base, 0);
	stand_free(a);
	stand_free(b);
}

static uint8_t pattern[FAKE_INFLIGHT], got[FAKE_INFLIGHT];

/* Start a device that has requests in flight, and stop it. */
static ssize_t save_with_requests(struct stand *stand, size_t part)
{
	size_t i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 2654435761U >> 7;
	mig_run_source(stand);
	require(stand->inflight >= 0);
	require(pwrite(stand->inflight, pattern, sizeof(pattern), 0) ==
		sizeof(pattern));
	check_eq(mig_go(stand, COPY), 0);
	return mig_read(stand, part);
}

static void migrate_requests(uint64_t protocol, size_t part)
{
	struct stand *a = mig_setup("blk", protocol),
		     *b = mig_setup("blk", protocol);
	ssize_t len = save_with_requests(a, part);

	stand_map(b);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, part), 0);
	check_eq(mig_go(b, RUNNING), 0);
	check_eq(stand_status(b), 0xf);
	check_eq(b->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 0);
	check_eq(b->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 1);
	check_eq(b->inflight_size, FAKE_INFLIGHT);
	check(!same_file(a->inflight, b->inflight));
	check_eq(pread(b->inflight, got, sizeof(got), 0), sizeof(got));
	check(!memcmp(got, pattern, sizeof(got)));
	/* The ring starts after the back end has the memory. */
	check_eq(b->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check_eq(b->base, 0x8765);
	/* The source has kept its requests, and can continue. */
	check_eq(mig_go(a, RUNNING), 0);
	check_eq(a->fake.seen[VHOST_USER_SET_INFLIGHT_FD], 2);
	check_eq(pread(a->inflight, got, sizeof(got), 0), sizeof(got));
	check(!memcmp(got, pattern, sizeof(got)));
	stand_free(a);
	stand_free(b);
}

TEST(requests_in_flight_migrate_with_the_device)
{
	migrate_requests(ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE), 65536);
	migrate_requests(ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE), 999);
	/* And with the state of a back end. */
	migrate_requests(ALL, 65536);
	migrate_requests(ALL, 4099);
}

/* Create a stand whose device has a state file at @path. */
static struct stand *setup_kept(const char *path)
{
	struct vhost_device_options opt = {
		.queue_size = 256,
		.state = path,
	};
	struct stand *stand = stand_new();

	require(!vhost_type_find("blk", &opt.type));
	stand->fake.features = ALL;
	stand->fake.protocol = ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE);
	require(!stand_device(stand, &opt));
	stand_serve(stand);
	return stand;
}

TEST(requests_that_have_migrated_are_in_a_file_beside_the_state_file)
{
	char dir[] = "/tmp/test-vhost-XXXXXX", path[64], inflight[80];
	struct stand *a =
		mig_setup("blk", ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE));
	ssize_t len = save_with_requests(a, 65536);
	struct stand *b;
	int fd;

	require(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	snprintf(inflight, sizeof(inflight), "%s.inflight", path);
	b = setup_kept(path);
	stand_map(b);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), 0);
	check_eq(mig_go(b, RUNNING), 0);
	fd = open(inflight, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && same_file(b->inflight, fd));
	check_eq(pread(fd, got, sizeof(got), 0), sizeof(got));
	check(!memcmp(got, pattern, sizeof(got)));
	close(fd);
	stand_free(a);
	stand_free(b);
	unlink(inflight);
	unlink(path);
	rmdir(dir);
}

/* Without GET_VRING_BASE_INFLIGHT, no request is in flight when the device is stopped. */
TEST(back_end_that_completes_requests_migrates_without_them)
{
	struct stand *a = mig_setup("blk", NO_STATE),
		     *b = mig_setup("blk", NO_STATE);
	ssize_t len;

	mig_run_source(a);
	check_eq(mig_go(a, COPY), 0);
	len = mig_read(a, 65536);
	check(len > 0 && len < FAKE_INFLIGHT);
	stand_map(b);
	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), 0);
	check_eq(mig_go(b, RUNNING), 0);
	check_eq(b->fake.seen[VHOST_USER_GET_INFLIGHT_FD], 1);
	stand_free(a);
	stand_free(b);
}

static ssize_t size_of_state(struct stand *stand)
{
	struct vfio_device_feature_mig_data_size size = { 0 };
	ssize_t ret = vuser_client_feature(
		stand->client,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
		&size, 0, sizeof(size));

	return ret < 0 ? ret : (ssize_t)size.stop_copy_length;
}

static void size_is_that_of_the_stream(uint64_t protocol)
{
	struct stand *stand = mig_setup("blk", protocol);
	ssize_t size;

	mig_run_source(stand);
	size = size_of_state(stand);
	check_eq(mig_go(stand, COPY), 0);
	check_eq(mig_read(stand, 4096), size);
	stand_free(stand);
}

TEST(size_of_the_state_is_known_unless_the_back_end_has_a_state)
{
	struct stand *stand;

	size_is_that_of_the_stream(NO_STATE);
	size_is_that_of_the_stream(ALL & ~VHOST_USER_PROTOCOL(DEVICE_STATE));
	stand = mig_setup("blk", ALL);
	check_eq(size_of_state(stand), -EOPNOTSUPP);
	stand_free(stand);
}

TEST(requests_in_flight_are_refused_by_a_back_end_without_tracking)
{
	struct stand *a = mig_setup("blk", ALL),
		     *b = mig_setup("blk", NO_INFLIGHT);
	ssize_t len = save_with_requests(a, 65536);

	check_eq(mig_go(b, RESUMING), 0);
	check_eq(mig_write(b, len, 65536), -EINVAL);
	check_eq(mig_go(b, STOP), -EINVAL);
	stand_free(a);
	stand_free(b);
}

TEST(truncated_memory_for_requests_in_flight_fails_the_copy)
{
	struct stand *stand = mig_setup("blk", ALL);

	mig_run_source(stand);
	check_eq(mig_go(stand, COPY), 0);
	require(!ftruncate(stand->inflight, FAKE_INFLIGHT - 1));
	check_eq(mig_read(stand, 65536), -EIO);
	check_eq(mig_go(stand, RUNNING), 0);
	stand_free(stand);
}
