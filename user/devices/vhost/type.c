// SPDX-License-Identifier: GPL-2.0
/* Properties of each type of device. */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_console.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_gpio.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_input.h>
#include <linux/virtio_net.h>
#include <linux/virtio_scsi.h>
#include <linux/virtio_snd.h>
#include <linux/virtio_vsock.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "type.h"

/* PCI class codes; "other" if no class fits. */
#define CLASS_NETWORK 0x020000
#define CLASS_SCSI    0x010000
#define CLASS_STORAGE 0x018000
#define CLASS_COMM    0x078000
#define CLASS_INPUT   0x098000
#define CLASS_AUDIO   0x040100
#define CLASS_CAN     0x0c0900
#define CLASS_OTHER   0xff0000

/* What back ends take unless their type says less. */
#define QUEUE_SIZE 256

/* Up to the fields for WRITE_ZEROES. Later fields are for zoned devices. */
#define BLK_CONFIG_SIZE offsetof(struct virtio_blk_config, unused1) + 3
/* The status, as in Linux 7.2's struct virtio_can_config. */
#define CAN_CONFIG_SIZE 2

static const struct vhost_type types[] = {
	{
		.name = "net",
		.id = VIRTIO_ID_NET,
		.class = CLASS_NETWORK,
		.config_size = 12,
		.stateless = true,
		.lossy = true,
	},
	{
		.name = "blk",
		.id = VIRTIO_ID_BLOCK,
		.class = CLASS_SCSI,
		.config_size = BLK_CONFIG_SIZE,
		.count_at = offsetof(struct virtio_blk_config, num_queues),
		.count_size = 2,
		.mq = VIRTIO_BLK_F_MQ,
		.stateless = true,
		.completes = true,
	},
	{
		.name = "rng",
		.id = VIRTIO_ID_RNG,
		.class = CLASS_OTHER,
		.queues = 1,
		.stateless = true,
		.completes = true,
	},
	{
		.name = "scsi",
		.id = VIRTIO_ID_SCSI,
		.class = CLASS_SCSI,
		.config_size = sizeof(struct virtio_scsi_config),
		.count_at = offsetof(struct virtio_scsi_config, num_queues),
		.count_size = 4,
		.mq = -1,
		.queues = 2,
		.queue_size = 128,
		.keeps_writes = true,
	},
	{
		.name = "input",
		.id = VIRTIO_ID_INPUT,
		.class = CLASS_INPUT,
		.config_size = sizeof(struct virtio_input_config),
		.queues = 2,
		.selects = true,
	},
	{
		.name = "console",
		.id = VIRTIO_ID_CONSOLE,
		.class = CLASS_COMM,
		.config_size = sizeof(struct virtio_console_config),
		.queue_size = 128,
	},
	{
		.name = "vsock",
		.id = VIRTIO_ID_VSOCK,
		.class = CLASS_COMM,
		.config_size = sizeof(struct virtio_vsock_config),
		.queues = 3,
	},
	{
		.name = "sound",
		.id = VIRTIO_ID_SOUND,
		.class = CLASS_AUDIO,
		.config_size = 12,
		.queues = 4,
		.queue_size = 64,
		.no_first_kick = true,
	},
	{
		.name = "fs",
		.id = VIRTIO_ID_FS,
		.class = CLASS_STORAGE,
		.config_size = 40,
		.count_at = 36,
		.count_size = 4,
		.mq = -1,
		.queues = 1,
		.completes = true,
	},
	{
		.name = "i2c",
		.id = VIRTIO_ID_I2C_ADAPTER,
		.class = CLASS_OTHER,
		.queues = 1,
		.completes = true,
	},
	{
		.name = "gpio",
		.id = VIRTIO_ID_GPIO,
		.class = CLASS_OTHER,
		.config_size = sizeof(struct virtio_gpio_config),
		.queues = 2,
	},
	{
		.name = "can",
		.id = VIRTIO_ID_CAN,
		.class = CLASS_CAN,
		.config_size = CAN_CONFIG_SIZE,
		.queues = 3,
		.queue_size = 64,
	},
};

#define NR_TYPES (sizeof(types) / sizeof(types[0]))

/*
 * A device by its number. For an unknown one, the back end reports the number
 * of queues, and the user gives the size of the configuration.
 */
static int by_id(const char *number, struct vhost_type *type)
{
	unsigned long id;
	char *end;
	size_t i;

	errno = 0;
	id = strtoul(number, &end, 0);
	if (errno || end == number || *end || !id || id > 0xbf)
		return -EINVAL;
	for (i = 0; i < NR_TYPES; i++) {
		if (types[i].id == id) {
			*type = types[i];
			return 0;
		}
	}
	*type = (struct vhost_type) {
		.name = "other",
		.id = id,
		.class = CLASS_OTHER,
	};
	return 0;
}

/* vhost_type_queue_size - the maximum number of entries of a queue by default */
uint32_t vhost_type_queue_size(const struct vhost_type *type)
{
	return type->queue_size ?: QUEUE_SIZE;
}

/**
 * vhost_type_find - find a type by its name
 * @name: one of the names above, or "id=" and a number
 * @type: set
 *
 * Return: 0, or -EINVAL for an unknown type.
 */
int vhost_type_find(const char *name, struct vhost_type *type)
{
	size_t i;

	if (!strncmp(name, "id=", 3))
		return by_id(name + 3, type);
	for (i = 0; i < NR_TYPES; i++) {
		if (!strcmp(name, types[i].name)) {
			*type = types[i];
			return 0;
		}
	}
	return -EINVAL;
}
