// SPDX-License-Identifier: GPL-2.0
/* The log of writes: requests of the client, and what the back end receives. */
#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../devices/vhost/log.h"
#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

#define START  VFIO_DEVICE_FEATURE_DMA_LOGGING_START
#define STOP   VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP
#define REPORT VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT

#define ALL	 UINT64_MAX
#define LOG_ALL	 VIRTIO_BIT(VHOST_F_LOG_ALL)
#define PACKED	 VIRTIO_BIT(VIRTIO_F_RING_PACKED)
#define PAGE	 UINT64_C(4096)
#define PAGES	 (STAND_SIZE / PAGE)
#define ANY_PAGE ((UINT64_C(1) << PAGES) - 1)

/* The page of an address, as a bit. */
#define BIT_OF(iova) (UINT64_C(1) << ((iova) - STAND_IOVA) / PAGE)

#define RW (VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE)

static ssize_t start(struct stand *stand)
{
	struct vfio_user_log_control control = { .page_size = 1 << 20 };
	ssize_t ret = vuser_client_feature(stand->client,
					   VFIO_DEVICE_FEATURE_SET | START,
					   &control, sizeof(control),
					   sizeof(control));

	if (ret == sizeof(control))
		check_eq(control.page_size, VHOST_LOG_PAGE);
	return ret < 0 ? ret : 0;
}

static void stop(struct stand *stand)
{
	check_eq(vuser_client_feature(stand->client,
				      VFIO_DEVICE_FEATURE_SET | STOP, NULL, 0,
				      0),
		 0);
}

/* Return which of 64 pages at @iova were written. */
static uint64_t report(struct stand *stand, uint64_t iova)
{
	uint64_t msg[4] = { iova, 64 * PAGE, PAGE, 0 };

	check_eq(vuser_client_feature(stand->client,
				      VFIO_DEVICE_FEATURE_GET | REPORT, msg, 24,
				      sizeof(msg)),
		 sizeof(msg));
	return msg[3];
}

/* Let the back end report a write at @iova. */
static void back_end_writes(struct stand *stand, uint64_t iova)
{
	uint8_t *log = mmap(NULL, stand->log_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, stand->log, 0);
	uint64_t page = iova / PAGE;

	require(log != MAP_FAILED && page / 8 < stand->log_size);
	__atomic_fetch_or(&log[page / 8], 1 << page % 8, __ATOMIC_ACQ_REL);
	munmap(log, stand->log_size);
}

static int offered(uint64_t features, uint64_t protocol)
{
	struct stand *stand = stand_setup("rng", features, protocol);
	int ret = vuser_client_feature(
		stand->client, VFIO_DEVICE_FEATURE_PROBE | START, NULL, 0, 0);

	stand_free(stand);
	return ret;
}

TEST(logging_is_offered_if_the_back_end_supports_it)
{
	check_eq(offered(ALL, ALL), 0);
	check_eq(offered(ALL & ~LOG_ALL, ALL), -ENOTTY);
	check_eq(offered(ALL, ~VHOST_USER_PROTOCOL(LOG_SHMFD)), -ENOTTY);
}

TEST(logging_starts_and_stops_on_running_rings)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);

	stand_map(stand);
	stand_start(stand, 0);
	check_eq(stand->addr.flags, 0);
	check(!(stand->features & LOG_ALL));
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 0);

	check_eq(start(stand), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 1);
	check_eq(stand->log_size, 4096);
	check(stand->features & LOG_ALL);
	check_eq(stand->addr.flags, 1 << VHOST_VRING_F_LOG);
	check_eq(stand->addr.log_guest_addr, STAND_DEVICE);
	check_eq(stand->addr.used_user_addr, STAND_DEVICE);

	/* The page of the used ring always counts as written. */
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE));
	back_end_writes(stand, STAND_IOVA + 5 * PAGE);
	back_end_writes(stand, STAND_IOVA + 15 * PAGE);
	check_eq(report(stand, STAND_IOVA),
		 BIT_OF(STAND_DEVICE) | 1 << 5 | 1 << 15);
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE));

	stop(stand);
	check(!(stand->features & LOG_ALL));
	check_eq(stand->addr.flags, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 1);
	/* A second log starts empty. */
	check_eq(start(stand), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 2);
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE));
	stand_free(stand);
}

TEST(logging_before_the_start_applies_to_rings_started_later)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);

	stand_map(stand);
	check_eq(start(stand), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_FEATURES], 0);
	check_eq(report(stand, STAND_IOVA), 0);
	stand_start(stand, 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 1);
	check(stand->features & LOG_ALL);
	check_eq(stand->addr.flags, 1 << VHOST_VRING_F_LOG);
	back_end_writes(stand, STAND_IOVA);
	/* Writes before a reset are reported after it. */
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	check_eq(report(stand, STAND_IOVA), 1 | BIT_OF(STAND_DEVICE));
	check_eq(report(stand, STAND_IOVA), 0);
	stand_free(stand);
}

TEST(packed_ring_logs_its_descriptors_and_device_area)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);

	stand_map(stand);
	check_eq(start(stand), 0);
	stand_start(stand, PACKED);
	check_eq(stand->addr.log_guest_addr, STAND_DESC);
	check_eq(report(stand, STAND_IOVA),
		 BIT_OF(STAND_DESC) | BIT_OF(STAND_DEVICE));
	stand_free(stand);
}

static int map(struct stand *stand, uint64_t iova)
{
	return vuser_client_dma_map(stand->client, iova, PAGE, RW, stand->fd,
				    0);
}

TEST(log_grows_with_memory_mapped_later)
{
	const uint64_t high = UINT64_C(1) << 32;
	struct stand *stand = stand_setup("rng", ALL, ALL);
	int first;

	stand_map(stand);
	stand_start(stand, 0);
	check_eq(start(stand), 0);
	back_end_writes(stand, STAND_IOVA + 5 * PAGE);
	first = dup(stand->log);
	check_eq(map(stand, high), 0);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 2);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 2);
	check(stand->log_size > high / PAGE / 8);
	check(same_file(first, stand->log));
	close(first);
	back_end_writes(stand, high);
	check_eq(report(stand, high), 1);
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE) | 1 << 5);
	/*
	 * The log already covers this region, but some back ends need it sent
	 * again.
	 */
	check_eq(map(stand, high - PAGE), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 3);
	/* Above the limit of a log, only this map is refused. */
	check_eq(map(stand, VHOST_LOG_END), -E2BIG);
	check_eq(map(stand, VHOST_LOG_END - PAGE), 0);
	check_eq(stand->log_size, VHOST_LOG_MAX);
	check_eq(stand->fake.seen[VHOST_USER_ADD_MEM_REG], 4);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	/* Without a log, any address is allowed. */
	stop(stand);
	check_eq(map(stand, VHOST_LOG_END), 0);
	stand_free(stand);
}

TEST(logging_fails_with_memory_above_the_limit)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);

	stand_map(stand);
	check_eq(map(stand, -PAGE), 0);
	stand_start(stand, 0);
	check_eq(start(stand), -E2BIG);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 0);
	check(!(stand->features & LOG_ALL));
	check_eq(vuser_client_dma_unmap(stand->client, -PAGE, PAGE), 0);
	check_eq(start(stand), 0);
	check_eq(stand->log_size, 4096);
	stand_free(stand);
}

TEST(logging_that_the_back_end_refuses_can_be_retried)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);

	stand_map(stand);
	stand_start(stand, 0);
	stand->refuse = VHOST_USER_SET_FEATURES;
	check_eq(start(stand), -EREMOTEIO);
	stand->refuse = 0;
	/* The next attempt sends everything again. */
	check_eq(start(stand), 0);
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 2);
	check(stand->features & LOG_ALL);
	stand_free(stand);
}

TEST(all_pages_count_as_written_after_the_back_end_is_lost)
{
	struct stand *stand = stand_setup("rng", ALL, ALL);
	int call = stand_eventfd();

	stand_map(stand);
	stand_msix(stand, 1, call);
	stand_start(stand, 0);
	check_eq(start(stand), 0);
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE));
	stand_lose_backend(stand);
	stand_new_backend(stand);
	check_eq(stand_event(call, 10000), 1);
	/* The back end may have died before it logged a write. */
	check_eq(report(stand, STAND_IOVA), ANY_PAGE);
	check_eq(report(stand, STAND_IOVA), BIT_OF(STAND_DEVICE));
	/* The next back end logs as well. */
	check_eq(stand->fake.seen[VHOST_USER_SET_LOG_BASE], 1);
	check(stand->features & LOG_ALL);
	check_eq(stand->addr.flags, 1 << VHOST_VRING_F_LOG);
	close(call);
	stand_free(stand);
}

/* Put a command into the control queue, which vuser-vhost serves itself. */
static void put_command(struct stand *stand, uint64_t ack)
{
	static const struct virtio_net_ctrl_hdr hdr = {
		.class = VIRTIO_NET_CTRL_ANNOUNCE,
		.cmd = VIRTIO_NET_CTRL_ANNOUNCE_ACK,
	};
	const struct vring_desc desc[2] = {
		{ STAND_IOVA + 0x3000, sizeof(hdr), VRING_DESC_F_NEXT, 1 },
		{ ack, 1, VRING_DESC_F_WRITE, 0 },
	};
	const uint16_t avail[3] = { 0, 1, 0 };
	const int fd = stand->fd;

	check_eq(pwrite(fd, desc, sizeof(desc), STAND_SIZE), sizeof(desc));
	check_eq(pwrite(fd, avail, sizeof(avail), STAND_SIZE + 0x1000),
		 sizeof(avail));
	check_eq(pwrite(fd, &hdr, sizeof(hdr), STAND_SIZE + 0x3000),
		 sizeof(hdr));
}

TEST(writes_of_the_control_queue_are_logged)
{
	struct stand *stand = stand_setup("net", ALL, ALL);
	int call = stand_eventfd();
	const uint64_t ack = STAND_IOVA + 9 * PAGE;

	stand_map(stand);
	check_eq(start(stand), 0);
	put_command(stand, ack);
	stand_msix(stand, 3, call);
	stand_features(stand, VERSION_1 | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ));
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SELECT, 2, 2);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_DESCLO, 8, STAND_DESC);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, STAND_DRIVER);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_USEDLO, 8, STAND_DEVICE);
	stand_write(stand, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(stand_event(call, 10000), 1);
	check_eq(report(stand, STAND_IOVA), BIT_OF(ack) | BIT_OF(STAND_DEVICE));
	check_eq(report(stand, STAND_IOVA), 0);
	close(call);
	stand_free(stand);
}
