// SPDX-License-Identifier: GPL-2.0
/*
 * The vfio-user commands that the kernel sends to migrate a device: the states of
 * migration, and the data of the state.
 *
 * Everything in a reply is checked here.
 */
#include <linux/slab.h>
#include <linux/vfio.h>

#include "compat.h"
#include "server/call.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/cmd_mig.h"
#include "server/desc.h"

/**
 * vuser_cmd_mig_read() - send MIG_DATA_READ and wait for the data
 * @chan: channel of a device in state STOP_COPY
 * @buf: kernel memory for @size bytes
 * @size: at most VUSER_MAX_XFER, and not more than the server accepts
 * @done: set on success to the number of bytes in @buf; 0 at the end of the data
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EIO when the reply is malformed; or as vuser_cmd_dma_map().
 */
int vuser_cmd_mig_read(struct vuser_channel *chan, void *buf, size_t size, size_t *done)
{
	struct vfio_user_mig_data req = {
		.argsz = sizeof(req) + size,
		.size = size,
	};
	struct vfio_user_mig_data *rep;
	struct vuser_call call = {
		.command = VFIO_USER_MIG_DATA_READ,
		.payload[0] = { &req, sizeof(req) },
		.reply_min = sizeof(req),
		.reply_max = sizeof(req) + size,
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
	};
	int ret;

	rep = kvzalloc(call.reply_max, GFP_KERNEL);
	if (!rep)
		return -ENOMEM;
	call.reply = rep;
	ret = vuser_call(chan, &call);
	if (!ret && rep->size != call.reply_len - sizeof(*rep))
		ret = -EIO;
	if (!ret) {
		*done = rep->size;
		memcpy(buf, rep->data, *done);
	}
	kvfree(rep);
	return ret;
}

/**
 * vuser_cmd_mig_write() - send MIG_DATA_WRITE and wait for the reply
 * @chan: channel of a device in state RESUMING
 * @buf: kernel memory with the data
 * @size: bytes, at most VUSER_MAX_XFER, and not more than the server accepts
 *
 * Context: process; sleeps killably until the server answers.
 * Return: as vuser_cmd_dma_map().
 */
int vuser_cmd_mig_write(struct vuser_channel *chan, const void *buf, size_t size)
{
	struct vfio_user_mig_data req = {
		.argsz = sizeof(req) + size,
		.size = size,
	};
	struct vfio_user_mig_data rep;
	struct vuser_call call = {
		.command = VFIO_USER_MIG_DATA_WRITE,
		.payload[0] = { &req, sizeof(req) },
		.payload[1] = { (void *)buf, size },
		.reply = &rep,
		.reply_max = sizeof(rep),
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
	};

	return vuser_call(chan, &call);
}

/* Sends a GET of a feature whose data have a fixed size; -EIO for other sizes. */
static int vuser_cmd_mig_get(struct vuser_channel *chan, u32 index, void *data, size_t size)
{
	size_t reply = 0;
	int ret = vuser_cmd_feature(chan, VFIO_DEVICE_FEATURE_GET | index, data, size,
				    &reply);

	return !ret && reply != size ? -EIO : ret;
}

/**
 * vuser_cmd_mig_state_until() - change the state of migration of a device
 * @chan: channel of the device
 * @state: VFIO_DEVICE_STATE_*
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_cmd_feature().
 */
int vuser_cmd_mig_state_until(struct vuser_channel *chan, u32 state, ktime_t deadline,
			      bool killable)
{
	struct vfio_device_feature_mig_state set = {
		.device_state = state,
		.data_fd = -1,
	};
	struct vuser_feature feature = {
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		.data = &set,
		.size = sizeof(set),
		.sent = sizeof(set),
		.deadline = deadline,
		.killable = killable,
	};
	size_t reply;

	return vuser_cmd_feature_until(chan, &feature, &reply);
}

/**
 * vuser_cmd_mig_state() - change the state of migration of a device
 * @chan: channel of the device
 * @state: VFIO_DEVICE_STATE_*
 *
 * Context: process; sleeps killably until the server answers.
 * Return: as vuser_cmd_feature().
 */
int vuser_cmd_mig_state(struct vuser_channel *chan, u32 state)
{
	return vuser_cmd_mig_state_until(chan, state, vuser_channel_deadline(chan), true);
}

/**
 * vuser_cmd_mig_get_state() - ask for the state of migration of a device
 * @chan: channel of the device
 * @state: set on success to what the server says, which may be any number
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EIO when the reply is malformed; or as vuser_cmd_feature().
 */
int vuser_cmd_mig_get_state(struct vuser_channel *chan, u32 *state)
{
	struct vfio_device_feature_mig_state get = {};
	int ret = vuser_cmd_mig_get(chan, VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &get,
				    sizeof(get));

	*state = get.device_state;
	return ret;
}

/**
 * vuser_cmd_mig_flags() - ask which states of migration a device has
 * @chan: channel of the device
 * @flags: set on success to VFIO_MIGRATION_*, also bits that VFIO does not define; 0 when
 *	the device cannot be migrated
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EINTR when killed; -ETIMEDOUT; -ENOTCONN when the server is lost; or -ENOMEM.
 */
int vuser_cmd_mig_flags(struct vuser_channel *chan, u64 *flags)
{
	struct vfio_device_feature_migration get = {};
	int ret = vuser_cmd_mig_get(chan, VFIO_DEVICE_FEATURE_MIGRATION, &get, sizeof(get));

	*flags = 0;
	if (ret == -EINTR || ret == -ETIMEDOUT || ret == -ENOTCONN || ret == -ENOMEM)
		return ret;
	if (!ret && (get.flags & VFIO_MIGRATION_STOP_COPY))
		*flags = get.flags;
	return 0;
}

/**
 * vuser_cmd_mig_copies() - ask whether a server can save and load the state of its device
 * @chan: channel of the device
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EOPNOTSUPP when it cannot; or as vuser_cmd_mig_flags().
 */
int vuser_cmd_mig_copies(struct vuser_channel *chan)
{
	u64 flags;
	int ret = vuser_cmd_mig_flags(chan, &flags);

	return !ret && !flags ? -EOPNOTSUPP : ret;
}

/**
 * vuser_cmd_mig_size() - ask how much data the state of a device has
 * @chan: channel of the device
 * @size: set on success to the server's estimate, bytes
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EOPNOTSUPP when the server does not say; -EIO when the reply is malformed; or
 * as vuser_cmd_feature().
 */
int vuser_cmd_mig_size(struct vuser_channel *chan, u64 *size)
{
	struct vfio_device_feature_mig_data_size get = {};
	int ret = vuser_cmd_mig_get(chan, VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, &get,
				    sizeof(get));

	*size = get.stop_copy_length;
	return ret == -ENOTTY || ret == -EINVAL ? -EOPNOTSUPP : ret;
}
