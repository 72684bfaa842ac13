// SPDX-License-Identifier: GPL-2.0
/* The device's own configuration. */
#include <linux/input.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_input.h>
#include <linux/virtio_scsi.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "stand.h"
#include "../harness.h"

TEST(config_change_updates_the_configuration_and_interrupts)
{
	struct vhost_device_options options = { .queue_size = 256 };
	struct stand *stand = stand_new();
	struct vhost_user_msg msg = {
		.hdr.request = VHOST_USER_BACKEND_CONFIG_CHANGE_MSG,
	};
	int config = stand_eventfd();
	uint8_t before;

	stand->config[0] = 8;
	stand->config[offsetof(struct virtio_blk_config, num_queues)] = 3;
	require(!vhost_type_find("blk", &options.type));
	require(!stand_device(stand, &options));
	stand_serve(stand);
	check_eq(stand_read(stand, VIRTIO_PCI_COMMON_NUMQ, 2), 3);
	check_eq(stand_read(stand, VHOST_BAR_DEVICE, 8), 8);
	stand_msix(stand, 0, config);
	stand_features(stand, VERSION_1);
	stand_write(stand, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	stand_driver_ok(stand);
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
