// SPDX-License-Identifier: GPL-2.0
/* The offer of the device: limits, and the back ends and options that it refuses. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

TEST(max_dma_maps_is_the_number_of_memory_slots)
{
	struct stand *stand = stand_setup_default("rng");

	check_eq(vuser_client_description(stand->client)->caps.max_dma_maps,
		 FAKE_SLOTS);
	stand_free(stand);
}

/*
 * Create a device with a back end and options that may not match; return the
 * error.
 */

static int refused(const char *type, uint64_t features, uint64_t protocol,
		   uint32_t queues)
{
	struct vhost_device_options options = {
		.queue_size = 256,
		.queues = queues,
	};
	struct stand *stand = stand_new();
	int ret;

	stand->fake.features = features;
	stand->fake.protocol = protocol;
	require(!vhost_type_find(type, &options.type));
	ret = stand_device(stand, &options);
	stand_free(stand);
	return ret;
}

TEST(options_that_the_back_end_cannot_serve_are_refused)
{
	const uint64_t all = UINT64_MAX;
	const uint64_t no_mq = ~VHOST_USER_PROTOCOL(MQ);
	const uint64_t no_config = ~VHOST_USER_PROTOCOL(CONFIG);

	check_eq(refused("rng", all, all, 0), 0);
	/* VIRTIO_F_VERSION_1 is missing. */
	check_eq(refused("rng", all & ~VERSION_1, all, 0), -EOPNOTSUPP);
	/* More queues than the back end has. */
	check_eq(refused("net", all, all, FAKE_QUEUES), 0);
	check_eq(refused("net", all, all, FAKE_QUEUES + 1), -EINVAL);
	check_eq(refused("net", all, no_mq, 2), -EINVAL);
	check_eq(refused("rng", all, all, 2), -EINVAL);
	check_eq(refused("id=5", all, all, FAKE_QUEUES + 1), -EINVAL);
	check_eq(refused("id=5", all, all, 0), 0);
	check_eq(refused("id=5", all, no_mq, 0), -EINVAL);
	/* The back end has no configuration. */
	check_eq(refused("blk", all, no_config, 0), -EINVAL);
	check_eq(refused("fs", all, no_config, 0), -EINVAL);
	check_eq(refused("vsock", all, no_config, 0), -EINVAL);
	check_eq(refused("scsi", all, no_config, 0), 0);
}

/*
 * Create a device whose back end has @available queues, and @counted ones in its
 * configuration. Return the number of queues of the device, or -errno; @config is the
 * number in the device's configuration.
 */
static int queues_of(const char *type, uint32_t wanted, uint32_t available,
		     uint32_t counted, uint32_t *config)
{
	struct vhost_device_options options = {
		.queue_size = 256,
		.queues = wanted,
	};
	struct stand *stand = stand_new();
	int ret;

	require(!vhost_type_find(type, &options.type));
	stand->fake.queues = available;
	memcpy(stand->config + options.type.count_at, &counted,
	       options.type.count_size);
	ret = stand_device(stand, &options);
	if (!ret) {
		stand_serve(stand);
		ret = stand_read(stand, VIRTIO_PCI_COMMON_NUMQ, 2);
		if (options.type.count_size)
			*config = stand_read(
				stand, VHOST_BAR_DEVICE + options.type.count_at,
				options.type.count_size);
	}
	stand_free(stand);
	return ret;
}

TEST(smaller_number_of_queues_counts_if_a_back_end_has_two)
{
	uint32_t config;

	check_eq(queues_of("blk", 0, 128, 256, &config), 128);
	check_eq(config, 128);
	check_eq(queues_of("blk", 0, 8, 2, &config), 2);
	check_eq(config, 2);
	/* A file system has one more queue than its configuration says. */
	check_eq(queues_of("fs", 0, 4, 9, &config), 4);
	check_eq(config, 3);
	check_eq(queues_of("fs", 0, 2, 1, &config), 2);
	check_eq(config, 1);
	/* The user may want fewer, but not more. */
	check_eq(queues_of("blk", 4, 128, 256, &config), 4);
	check_eq(config, 4);
	check_eq(queues_of("blk", 129, 128, 256, &config), -EINVAL);
	check_eq(queues_of("blk", 129, 256, 128, &config), -EINVAL);
	/* A SCSI host needs three queues at least. */
	check_eq(queues_of("scsi", 0, 2, 1, &config), -EINVAL);
	check_eq(queues_of("scsi", 0, 3, 4, &config), 3);
	check_eq(config, 1);
}

/* vhost-user has 8 bits for the number of a ring. */
TEST(more_queues_than_vhost_user_has_are_refused_when_the_device_is_created)
{
	uint32_t config;

	check_eq(queues_of("blk", 256, 1024, 1024, &config), 256);
	check_eq(config, 256);
	check_eq(queues_of("blk", 257, 1024, 1024, &config), -EINVAL);
	check_eq(queues_of("blk", 1024, 1024, 1024, &config), -EINVAL);
	check_eq(queues_of("fs", 256, 1024, 1024, &config), -EINVAL);
	check_eq(queues_of("net", 128, 1024, 0, &config), 257);
	check_eq(queues_of("net", 129, 1024, 0, &config), -EINVAL);
	check_eq(queues_of("id=5", 1024, 1024, 0, &config), -EINVAL);
	check_eq(queues_of("id=5", UINT32_MAX, UINT32_MAX, 0, &config),
		 -EINVAL);
	/* The back end may have more than the device. */
	check_eq(queues_of("blk", 0, 1024, 1024, &config), 256);
	check_eq(config, 256);
	check_eq(queues_of("id=5", 0, 1024, 0, &config), 256);
}

static enum fake_action hang_up(struct fake *fake)
{
	(void)fake;
	return FAKE_HANG_UP;
}

static enum fake_action send_garbage(struct fake *fake)
{
	fake_raw(fake->fd, "220 mail.example ESMTP\r\n", 24, -1);
	return FAKE_NOTHING;
}

static int answered_by(enum fake_action (*hook)(struct fake *))
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();
	int ret;

	stand->fake.hook = hook;
	require(!vhost_type_find("rng", &options.type));
	ret = stand_device(stand, &options);
	stand_free(stand);
	return ret;
}

TEST(back_end_that_does_not_speak_vhost_user_is_refused)
{
	check_eq(answered_by(hang_up), -ECONNRESET);
	check_eq(answered_by(send_garbage), -EPROTO);
}
