// SPDX-License-Identifier: GPL-2.0
/*
 * The device configuration. It comes from the back end if the back end has one,
 * otherwise from the options of the user.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_scsi.h>
#include <string.h>

#include "config.h"
#include "features.h"
#include "irq.h"
#include "say.h"

/* Each ring has a notification address and a vector, and one vector is extra. */
_Static_assert(VHOST_USER_VRING_MASK + 2 <= VHOST_MAX_QUEUES &&
		       VHOST_USER_VRING_MASK + 3 <= VHOST_MAX_VECTORS,
	       "the BARs have no room for all rings of vhost-user");

#define FS_TAG_SIZE sizeof(((struct virtio_fs_config *)0)->tag)

/** vhost_config_of_backend - whether the back end has the configuration */
bool vhost_config_of_backend(const struct vhost_device *dev)
{
	return dev->options.type.config_size && !dev->net &&
	       vhost_backend_has(dev->conn.backend,
				 VHOST_USER_PROTOCOL(CONFIG));
}

static void put(uint8_t *config, uint16_t at, uint8_t size, uint64_t value)
{
	value = htole64(value);
	memcpy(config + at, &value, size);
}

static uint64_t get(const uint8_t *config, uint16_t at, uint8_t size)
{
	uint64_t value = 0;

	memcpy(&value, config + at, size);
	return le64toh(value);
}

static uint16_t counted(const struct vhost_device *dev)
{
	return dev->virtio.nr_queues - dev->options.type.queues;
}

/*
 * A SCSI host adapter with usual limits. Back ends have no configuration for
 * it.
 */
static void scsi_config(uint8_t *config)
{
	const struct virtio_scsi_config scsi = {
		.seg_max = htole32(126),
		.max_sectors = htole32(0xffff),
		.cmd_per_lun = htole32(128),
		.event_info_size = htole32(16),
		.sense_size = htole32(VIRTIO_SCSI_SENSE_DEFAULT_SIZE),
		.cdb_size = htole32(VIRTIO_SCSI_CDB_DEFAULT_SIZE),
		.max_target = htole16(255),
		.max_lun = htole32(16383),
	};

	memcpy(config, &scsi, sizeof(scsi));
}

/* Put the user's options into the configuration. */
static void apply_options(const struct vhost_device *dev, uint8_t *config)
{
	const struct vhost_device_options *opt = &dev->options;

	if (opt->tag) {
		memset(config, 0, FS_TAG_SIZE);
		memcpy(config, opt->tag, strnlen(opt->tag, FS_TAG_SIZE));
	}
	if (opt->has_cid)
		put(config, 0, sizeof(opt->cid), opt->cid);
	if (opt->type.count_size && dev->virtio.nr_queues)
		put(config, opt->type.count_at, opt->type.count_size,
		    counted(dev));
}

static int read_config(struct vhost_device *dev, uint8_t *config)
{
	int ret = 0;

	if (dev->net) {
		vhost_net_config(&dev->net_dev, config);
		return 0;
	}
	if (vhost_config_of_backend(dev))
		ret = vhost_backend_get_config(dev->conn.backend, 0, config,
					       dev->options.type.config_size);
	else if (!strcmp(dev->options.type.name, "scsi"))
		scsi_config(config);
	apply_options(dev, config);
	return ret;
}

/**
 * vhost_config_refresh - read the configuration again
 * @dev: device
 *
 * Return: 1 if it has changed, 0 if not, or the error of the request to the
 * back end.
 */
int vhost_config_refresh(struct vhost_device *dev)
{
	uint8_t config[VHOST_CONFIG_MAX] = { 0 };
	int ret = read_config(dev, config);

	if (ret)
		return ret;
	if (!memcmp(dev->config, config, sizeof(config)))
		return 0;
	memcpy(dev->config, config, sizeof(config));
	dev->virtio.generation++;
	return 1;
}

/**
 * vhost_config_changed - read the configuration again, and interrupt the driver
 * if the configuration has changed
 * @dev: device. While migration has stopped it, nothing is done:
 *	vhost_migration_step() calls this function when the device runs again.
 */
void vhost_config_changed(struct vhost_device *dev)
{
	if (!dev->stopped && vhost_config_refresh(dev) > 0 &&
	    virtio_running(&dev->virtio))
		vhost_irq_config(dev);
}

static int no_config(const struct vhost_device *dev, const char *option)
{
	vhost_say(dev, "the back end has no configuration: %s is needed",
		  option);
	return -EINVAL;
}

static int check_config(const struct vhost_device *dev)
{
	const struct vhost_device_options *opt = &dev->options;
	const char *name = opt->type.name;

	if (dev->net || !opt->type.config_size ||
	    vhost_config_of_backend(dev) || !strcmp(name, "scsi"))
		return 0;
	if (!strcmp(name, "fs"))
		return opt->tag ? 0 : no_config(dev, "--tag");
	if (!strcmp(name, "vsock"))
		return opt->has_cid ? 0 : no_config(dev, "--cid");
	vhost_say(dev,
		  "the back end has no configuration, but %s needs one: check "
		  "that the back end is for %s",
		  name, name);
	return -EINVAL;
}

/* The number of queues that the configuration contains. */
static uint32_t count_queues(const struct vhost_device *dev)
{
	const struct vhost_type *type = &dev->options.type;
	uint64_t features = vhost_backend_features(dev->conn.backend);

	if (type->mq >= 0 && !(features & VIRTIO_BIT(type->mq)))
		return 1;
	return get(dev->config, type->count_at, type->count_size) ?: 1;
}

static int too_many(const struct vhost_device *dev, uint32_t wanted,
		    uint64_t available)
{
	if (dev->options.queues)
		vhost_say(
			dev,
			"--queues is %u, but the back end has %ju: give a lower "
			"number, or start the back end with more queues",
			wanted, (uintmax_t)available);
	else
		vhost_say(
			dev,
			"the device needs %u queues, but the back end has %ju: "
			"check that the back end is for %s",
			wanted, (uintmax_t)available, dev->options.type.name);
	return -EINVAL;
}

/* The number of a ring has 8 bits in SET_VRING_KICK and SET_VRING_CALL. */
#define MAX_RINGS (VHOST_USER_VRING_MASK + 1)

static int too_many_rings(const struct vhost_device *dev, uint64_t rings)
{
	vhost_say(dev,
		  "--queues is %u: the device would have %ju rings at the back "
		  "end, and vhost-user has at most %u: give a lower number",
		  dev->options.queues, (uintmax_t)rings, MAX_RINGS);
	return -EINVAL;
}

/* For a network device, GET_QUEUE_NUM returns the number of queue pairs. */
static int net_queues(struct vhost_device *dev)
{
	uint32_t pairs = dev->options.queues ?: 1;
	uint64_t available = vhost_backend_queues(dev->conn.backend) ?: 1;

	if (pairs > available)
		return too_many(dev, pairs, available);
	if (pairs > MAX_RINGS / 2)
		return too_many_rings(dev, 2 * (uint64_t)pairs);
	dev->net_dev.max_pairs = pairs;
	return 2 * pairs + 1;
}

/*
 * The number of queues of a type whose configuration contains a number.
 *
 * A back end may have two numbers: SPDK's disks have 256 queues in their
 * configuration, and GET_QUEUE_NUM returns 128. The user need not know this: the
 * smaller number counts, unless the user wants more.
 */
static int counted_queues(struct vhost_device *dev, uint64_t available)
{
	const struct vhost_type *type = &dev->options.type;
	uint32_t wanted = dev->options.queues;
	bool has_config = vhost_config_of_backend(dev);
	uint64_t queues = has_config ? count_queues(dev) : 1;

	if (wanted && has_config && wanted > queues)
		return too_many(dev, wanted, queues);
	queues = (wanted ?: queues) + type->queues;
	if (wanted && queues > MAX_RINGS)
		return too_many_rings(dev, queues);
	if (wanted)
		return queues;
	if (available > type->queues && queues > available)
		queues = available;
	return queues < MAX_RINGS ? queues : MAX_RINGS;
}

/* The number of queues of a type that always has the same number. */
static int fixed_queues(struct vhost_device *dev)
{
	const struct vhost_type *type = &dev->options.type;

	if (!dev->options.queues || dev->options.queues == type->queues)
		return type->queues;
	vhost_say(dev, "%s always has %u queues: leave --queues out",
		  type->name, type->queues);
	return -EINVAL;
}

/* The number of queues of a type that vuser-vhost does not know. */
static int unknown_queues(struct vhost_device *dev, uint64_t available)
{
	uint32_t wanted = dev->options.queues;

	if (wanted > MAX_RINGS)
		return too_many_rings(dev, wanted);
	if (wanted)
		return wanted;
	if (available)
		return available < MAX_RINGS ? available : MAX_RINGS;
	vhost_say(dev, "the back end does not report its number of queues: "
		       "--queues is needed");
	return -EINVAL;
}

/**
 * number_of_queues - determine the number of queues
 * @dev: device whose configuration has been read
 *
 * Return: the number, or -EINVAL after reporting the reason.
 */
static int number_of_queues(struct vhost_device *dev)
{
	const struct vhost_type *type = &dev->options.type;
	uint64_t available = vhost_backend_queues(dev->conn.backend);
	int queues;

	if (dev->net)
		return net_queues(dev);
	if (type->count_size)
		queues = counted_queues(dev, available);
	else if (type->queues)
		queues = fixed_queues(dev);
	else
		queues = unknown_queues(dev, available);
	if (queues < 0)
		return queues;
	if (available && (unsigned int)queues > available)
		return too_many(dev, queues, available);
	return queues;
}

/**
 * vhost_config_init - read the configuration for the first time and check it
 * @dev: connected to its back end
 *
 * Return: the number of queues, or -errno after reporting the reason.
 */
int vhost_config_init(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;
	int ret;

	if (!(vhost_backend_features(b) & VIRTIO_BIT(VIRTIO_F_VERSION_1))) {
		vhost_say(dev,
			  "the back end does not offer virtio 1.0 (its "
			  "features are %#jx): use a newer one",
			  (uintmax_t)vhost_backend_features(b));
		return -EOPNOTSUPP;
	}
	ret = check_config(dev);
	if (ret)
		return ret;
	ret = vhost_config_refresh(dev);
	if (ret < 0) {
		vhost_say(dev, "cannot read the configuration: %s",
			  vhost_backend_error(b));
		return ret;
	}
	return number_of_queues(dev);
}

/**
 * vhost_config_read - the driver reads the configuration
 *
 * Bytes after the end of the configuration read as 0.
 */
void vhost_config_read(struct vhost_device *dev, uint64_t offset, void *buf,
		       uint32_t count)
{
	uint16_t size = dev->options.type.config_size, len;

	memset(buf, 0, count);
	if (offset >= size)
		return;
	len = size - offset < count ? size - offset : count;
	memcpy(buf, dev->config + offset, len);
}

/*
 * Drivers write the fields that select the content one after the other. Back
 * ends expect them in one request, as QEMU sends them; vhost-device-input
 * panics otherwise.
 */
static int write_select(struct vhost_device *dev, uint64_t offset,
			const void *buf, uint32_t count)
{
	if (count > sizeof(dev->select) - offset)
		count = sizeof(dev->select) - offset;
	memcpy(dev->select + offset, buf, count);
	return vhost_backend_set_config(dev->conn.backend, 0, dev->select,
					sizeof(dev->select),
					VHOST_USER_CONFIG_DRIVER);
}

/**
 * vhost_config_write - the driver writes the configuration
 *
 * A driver of a SCSI host writes the sizes of sense data and of commands, which
 * are the usual ones. QEMU's front end does not send them, so back ends do not
 * expect them: vhost-device-scsi panics.
 *
 * Only the back end knows which fields can be written. So the configuration is
 * read from the back end again afterwards.
 */
void vhost_config_write(struct vhost_device *dev, uint64_t offset,
			const void *buf, uint32_t count)
{
	uint16_t size = dev->options.type.config_size;
	int ret;

	if (!vhost_config_of_backend(dev) || dev->options.type.keeps_writes ||
	    offset >= size || count > size - offset)
		return;
	if (dev->options.type.selects && offset < sizeof(dev->select))
		ret = write_select(dev, offset, buf, count);
	else
		ret = vhost_backend_set_config(dev->conn.backend, offset, buf,
					       count, VHOST_USER_CONFIG_DRIVER);
	if (ret)
		vhost_say(dev, "cannot write the configuration: %s",
			  vhost_backend_error(dev->conn.backend));
	vhost_config_refresh(dev);
}
