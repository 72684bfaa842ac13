// SPDX-License-Identifier: GPL-2.0
/* Which back ends may replace a lost one, and what the user reads about it. */
#include <linux/virtio_blk.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

#define DISCARD VIRTIO_BIT(VIRTIO_BLK_F_DISCARD)
#define FLUSH	VIRTIO_BIT(VIRTIO_BLK_F_FLUSH)

#define PATIENCE 20 /* seconds */

/* The standard error of the process goes to a file while a test runs. */
static int output, saved;

static void capture(void)
{
	output = memfd_create("stderr", MFD_CLOEXEC);
	saved = dup(STDERR_FILENO);
	require(output >= 0 && saved >= 0);
	require(dup2(output, STDERR_FILENO) == STDERR_FILENO);
}

/* End the capture; return the text, which is valid until the next call. */
static const char *captured(void)
{
	static char text[16384];
	ssize_t len;

	dup2(saved, STDERR_FILENO);
	close(saved);
	len = pread(output, text, sizeof(text) - 1, 0);
	require(len >= 0);
	text[len] = '\0';
	close(output);
	return text;
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static uint32_t offered(struct stand *stand)
{
	stand_write(stand, VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	return stand_read(stand, VIRTIO_PCI_COMMON_DF, 4);
}

/* Wait until the device offers DISCARD, or does not offer it. */
static void wait_discard(struct stand *stand, bool wanted)
{
	time_t end = time(NULL) + PATIENCE;

	while (!(offered(stand) & DISCARD) == wanted && time(NULL) < end)
		;
	check_eq(!!(offered(stand) & DISCARD), wanted);
}

/* A disk with two queues. */
static struct stand *new_disk(void)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();

	stand->config[offsetof(struct virtio_blk_config, num_queues)] = 2;
	require(!vhost_type_find("blk", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	stand_map(stand);
	return stand;
}

/* Connect a back end that is rejected, twice. */
static void rejected(struct stand *stand)
{
	struct pollfd pfd = { .events = 0 };
	int i;

	for (i = 0; i < 2; i++) {
		stand_new_backend(stand);
		/* Wait until the device disconnects. */
		pfd.fd = stand->fake.fd;
		check_eq(poll(&pfd, 1, PATIENCE * 1000), 1);
	}
}

TEST(without_a_driver_the_device_offers_what_the_new_back_end_has)
{
	struct stand *stand = new_disk();

	capture();
	wait_discard(stand, true);
	stand_lose_backend(stand);
	stand->fake.features &= ~DISCARD;
	stand_new_backend(stand);
	wait_discard(stand, false);
	/* A driver can use the device. */
	stand_start(stand, FLUSH);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	check(stand->features & FLUSH);
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	/* A back end with more features extends the offer. */
	stand_lose_backend(stand);
	stand->fake.features |= DISCARD;
	stand_new_backend(stand);
	wait_discard(stand, true);
	stand_free(stand);
	check_eq(count(captured(), "rejected"), 0);
}

TEST(features_that_the_driver_did_not_acknowledge_do_not_count)
{
	struct stand *stand = new_disk();

	capture();
	stand_start(stand, FLUSH);
	stand_lose_backend(stand);
	stand->fake.features &= ~DISCARD;
	stand_new_backend(stand);
	wait_discard(stand, false);
	/* Unlike a read, this write waits until the rings run again. */
	stand_write(stand, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	stand_free(stand);
	check_eq(count(captured(), "rejected"), 0);
}

TEST(back_end_without_an_acknowledged_feature_is_rejected_and_said_once)
{
	int call = stand_eventfd();
	struct stand *stand = new_disk();
	const char *text;

	capture();
	stand_msix(stand, 1, call);
	stand_start(stand, DISCARD);
	stand_lose_backend(stand);
	stand->fake.features &= ~DISCARD;
	rejected(stand);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 0);
	/* The next reason is said, too. */
	stand->fake.features &= ~VERSION_1;
	rejected(stand);
	stand->fake.features = UINT64_MAX;
	stand_new_backend(stand);
	/* The ring continues, with an interrupt. */
	check_eq(stand_event(call, PATIENCE * 1000), 1);
	check_eq(stand->fake.seen[VHOST_USER_SET_VRING_KICK], 1);
	/* After a back end was accepted, a reason is said again. */
	stand_lose_backend(stand);
	stand->fake.features &= ~DISCARD;
	rejected(stand);
	close(call);
	stand_free(stand);
	text = captured();
	check_eq(count(text, "rejected: it lacks features 0x2000,"), 2);
	check_eq(count(text, "rejected: it lacks features 0x100002000,"), 1);
	check_eq(count(text, "rejected"), 3);
	check_eq(count(text, "back end lost"), 2);
}

TEST(back_end_with_less_than_the_client_knows_is_rejected_and_said_once)
{
	static const struct {
		uint64_t queues, slots, without;
		const char *says;
	} table[] = {
		{ 1, FAKE_SLOTS, 0, "it has 1 queues, but the device has 2" },
		{ FAKE_QUEUES, FAKE_SLOTS - 1, 0,
		  "it has 31 memory slots, but the device has 32" },
		{ FAKE_QUEUES, FAKE_SLOTS,
		  VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS),
		  "it has 8 memory slots, but the device has 32" },
		{ FAKE_QUEUES, FAKE_SLOTS, VHOST_USER_PROTOCOL(CONFIG),
		  "it lacks CONFIG" },
		{ FAKE_QUEUES, FAKE_SLOTS, VHOST_USER_PROTOCOL(LOG_SHMFD),
		  "it cannot log writes" },
		{ FAKE_QUEUES, FAKE_SLOTS, VHOST_USER_PROTOCOL(INFLIGHT_SHMFD),
		  "it lacks INFLIGHT_SHMFD" },
	};
	struct stand *stand;
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		stand = new_disk();
		stand_start(stand, 0);
		capture();
		stand_lose_backend(stand);
		stand->fake.queues = table[i].queues;
		stand->fake.slots = table[i].slots;
		stand->fake.protocol &= ~table[i].without;
		rejected(stand);
		stand_free(stand);
		text = captured();
		check_eq(count(text, table[i].says), 1);
		check_eq(count(text, "rejected"), 1);
		check_eq(count(text, "back end lost"), 1);
	}
}

TEST(network_back_end_with_fewer_queue_pairs_is_rejected)
{
	struct vhost_device_options options = {
		.queue_size = 256,
		.queues = 3,
	};
	struct stand *stand = stand_new();

	require(!vhost_type_find("net", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	capture();
	stand_lose_backend(stand);
	stand->fake.queues = 2;
	rejected(stand);
	stand_free(stand);
	check_eq(count(captured(),
		       "it has 2 queue pairs, but the device has 3"),
		 1);
}
