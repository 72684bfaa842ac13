// SPDX-License-Identifier: GPL-2.0
/*
 * Migration. The stream contains the state of the device and, after it, the
 * state of its back end.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <vuser/pci.h>

#include "config.h"
#include "features.h"
#include "inflight.h"
#include "migration.h"
#include "pause.h"
#include "regions.h"
#include "say.h"
#include "snapshot.h"
#include "state.h"

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING

/**
 * vhost_migration_possible - whether the complete state of the device can be
 * saved and loaded
 * @dev: connected to its back end
 */
bool vhost_migration_possible(const struct vhost_device *dev)
{
	return vhost_snapshot_has_backend(dev) || dev->options.type.stateless;
}

static int failed(struct vhost_device *dev, const char *what, const char *why,
		  int error)
{
	vhost_say(dev, "migration: %s: %s", what, why);
	return error;
}

static int lost_backend(struct vhost_device *dev, const char *what, int error)
{
	return failed(dev, what, vhost_backend_error(dev->conn.backend), error);
}

static void free_out(struct vhost_migration *m)
{
	free(m->buf);
	m->buf = NULL;
	m->size = m->len = m->pos = 0;
}

static int start_transfer(struct vhost_device *dev, uint32_t direction)
{
	const char *why;
	int ret = vhost_connection_reopen(&dev->conn);

	if (ret)
		return lost_backend(dev, "cannot connect to the back end", ret);
	ret = vhost_transfer_start(&dev->migration.transfer, dev->conn.backend,
				   direction, &why);
	return ret ? failed(dev, "the back end's state", why, ret) : 0;
}

/*
 * STOP to STOP_COPY: the stream begins with the header and the device's state.
 */
static int start_copy(struct vhost_device *dev)
{
	struct vhost_migration *m = &dev->migration;
	struct vhost_state s;
	size_t size;
	int ret;

	if (vhost_pause_left_requests(dev))
		return failed(dev, "cannot save the state",
			      "requests were in flight when the device stopped",
			      -ETIMEDOUT);
	ret = vhost_snapshot_take(dev, &s);
	if (ret)
		return ret;
	size = vhost_state_size(&s);
	m->len = VHOST_STREAM_HEAD + size;
	m->size = m->len;
	if (m->size < VHOST_STREAM_PIECE + VHOST_PIECE_MAX)
		m->size = VHOST_STREAM_PIECE + VHOST_PIECE_MAX;
	m->buf = malloc(m->size);
	m->pos = 0;
	m->ended = false;
	m->backend = s.backend;
	m->inflight_left = s.inflight.mmap_size;
	ret = m->buf ? 0 : -ENOMEM;
	if (!ret) {
		vhost_stream_head(m->buf, size);
		vhost_state_encode(&s, m->buf + VHOST_STREAM_HEAD);
	}
	free(s.queues);
	if (!ret && m->backend)
		ret = start_transfer(dev, VHOST_USER_STATE_SAVE);
	if (ret)
		free_out(m);
	return ret;
}

/*
 * The next piece of the memory for requests in flight; return its length or -errno. @buf
 * has room for VHOST_PIECE_MAX bytes, as in the next function.
 */
static ssize_t inflight_piece(struct vhost_device *dev, void *buf)
{
	struct vhost_migration *m = &dev->migration;
	uint64_t at = dev->inflight.mmap_size - m->inflight_left;
	size_t len = m->inflight_left < VHOST_PIECE_MAX ? m->inflight_left :
							  VHOST_PIECE_MAX;
	int ret = vhost_inflight_read(dev, at, buf, len);

	if (ret)
		return failed(dev, "the requests in flight",
			      "the back end has truncated their file", ret);
	m->inflight_left -= len;
	return len;
}

/* The next piece of the back end's state; return its length, 0 at its end, or -errno. */
static ssize_t backend_piece(struct vhost_device *dev, void *buf)
{
	struct vhost_migration *m = &dev->migration;
	ssize_t got;
	int ret;

	if (m->transfer.fd < 0)
		return -EIO;
	got = vhost_transfer_read(&m->transfer, buf, VHOST_PIECE_MAX);
	if (got < 0) {
		vhost_transfer_abort(&m->transfer);
		return failed(dev, "the back end's state", strerror(-got), got);
	}
	if (got)
		return got;
	ret = vhost_transfer_finish(&m->transfer, dev->conn.backend);
	return ret ? lost_backend(dev, "the back end's state", ret) : 0;
}

/* Put the next piece, or the end mark, into the buffer. */
static int next_piece(struct vhost_device *dev)
{
	struct vhost_migration *m = &dev->migration;
	uint8_t *data = m->buf + VHOST_STREAM_PIECE;
	ssize_t got = 0;

	if (m->inflight_left)
		got = inflight_piece(dev, data);
	else if (m->backend)
		got = backend_piece(dev, data);
	if (got < 0)
		return got;
	vhost_stream_piece(m->buf, got);
	m->len = VHOST_STREAM_PIECE + got;
	m->pos = 0;
	m->ended = !got;
	return 0;
}

/* The pieces of the memory for requests in flight, with their headers and the end mark. */
static uint64_t size_of_pieces(uint64_t len)
{
	uint64_t pieces = (len + VHOST_PIECE_MAX - 1) / VHOST_PIECE_MAX;

	return len + (pieces + 1) * VHOST_STREAM_PIECE;
}

/**
 * vhost_migration_size - report how long the stream is; for struct vuser_server_ops
 * @data: device
 * @size: set to the number of bytes
 *
 * Return: 0; -ENOMEM; or -EOPNOTSUPP, because a back end does not report the size of its
 * state.
 */
int vhost_migration_size(void *data, uint64_t *size)
{
	struct vhost_device *dev = data;
	struct vhost_state s;
	int ret = vhost_snapshot_take(dev, &s);

	if (ret)
		return ret;
	*size = VHOST_STREAM_HEAD + vhost_state_size(&s) +
		size_of_pieces(s.inflight.mmap_size);
	free(s.queues);
	return s.backend ? -EOPNOTSUPP : 0;
}

/** vhost_migration_read - read from the stream; for struct vuser_server_ops */
ssize_t vhost_migration_read(void *data, void *buf, size_t count)
{
	struct vhost_device *dev = data;
	struct vhost_migration *m = &dev->migration;
	size_t done = 0, part;
	int ret;

	while (done < count) {
		if (m->pos == m->len) {
			if (m->ended)
				break;
			ret = next_piece(dev);
			if (ret)
				return ret;
		}
		part = m->len - m->pos;
		if (part > count - done)
			part = count - done;
		memcpy((char *)buf + done, m->buf + m->pos, part);
		m->pos += part;
		done += part;
	}
	return done;
}

/* The device's state has been received. */
static int on_device(void *ctx, const void *buf, size_t len)
{
	struct vhost_device *dev = ctx;
	const char *rule = NULL;
	struct vhost_state s;
	int ret = vhost_snapshot_take(dev, &s);

	if (ret)
		return ret;
	ret = vhost_state_decode(&s, buf, len, &rule);
	if (!ret && s.backend && !vhost_snapshot_has_backend(dev)) {
		rule = "it has the state of a back end, but this back end cannot "
		       "load a state (DEVICE_STATE)";
		ret = -EINVAL;
	}
	if (!ret && s.inflight.mmap_size &&
	    !vhost_backend_has(dev->conn.backend,
			       VHOST_USER_PROTOCOL(INFLIGHT_SHMFD))) {
		rule = "it has requests in flight, but this back end cannot "
		       "take them over (INFLIGHT_SHMFD)";
		ret = -EINVAL;
	}
	if (!ret && s.inflight.mmap_size) {
		rule = "no memory for requests in flight";
		ret = vhost_inflight_load(dev, &s.inflight);
	}
	if (!ret && vuser_pci_load(&dev->pci.pci, s.pci)) {
		rule = "its configuration space is different";
		ret = -EINVAL;
	}
	if (!ret) {
		dev->migration.inflight_left = s.inflight.mmap_size;
		dev->migration.backend = s.backend;
		vhost_snapshot_apply(dev, &s);
	}
	free(s.queues);
	return ret ? failed(dev, "the state does not match", rule, ret) : 0;
}

/* A back end needs the features before it loads a state. */
static int start_load(struct vhost_device *dev)
{
	int ret = vhost_connection_reopen(&dev->conn);

	if (!ret)
		ret = vhost_backend_set_features(dev->conn.backend,
						 vhost_features_pass(dev));
	if (ret)
		return lost_backend(dev, "the back end's state", ret);
	ret = start_transfer(dev, VHOST_USER_STATE_LOAD);
	dev->migration.loading = !ret;
	return ret;
}

/*
 * A back end that has loaded a part of a state is unusable: close the
 * connection.
 */
static void end_loading(struct vhost_device *dev)
{
	struct vhost_migration *m = &dev->migration;

	vhost_transfer_abort(&m->transfer);
	vhost_stream_fini(&m->in);
	if (!m->loading)
		return;
	m->loading = false;
	if (!vhost_backend_connected(dev->conn.backend))
		return;
	vhost_say(
		dev,
		"connection closed, because the back end has only a part of a state");
	vhost_backend_disconnect(dev->conn.backend);
}

/* Write the start of @buf to the memory for requests in flight; return its length. */
static ssize_t load_inflight(struct vhost_device *dev, const void *buf,
			     size_t len)
{
	struct vhost_migration *m = &dev->migration;
	uint64_t at = dev->inflight.mmap_size - m->inflight_left;
	size_t part = m->inflight_left < len ? m->inflight_left : len;
	int ret = vhost_inflight_write(dev, at, buf, part);

	if (ret)
		return failed(dev, "the requests in flight", strerror(-ret),
			      ret);
	m->inflight_left -= part;
	return part;
}

static int load_backend(struct vhost_device *dev, const void *buf, size_t len)
{
	struct vhost_migration *m = &dev->migration;
	int ret = 0;

	if (!m->backend)
		return failed(
			dev, "the state does not match",
			"it has the state of a back end, but its header says that it has none",
			-EINVAL);
	if (m->transfer.fd < 0)
		ret = start_load(dev);
	if (ret)
		return ret;
	ret = vhost_transfer_write(&m->transfer, buf, len);
	/* The back end reports its reason in reply to CHECK_DEVICE_STATE. */
	if (ret == -EPIPE &&
	    vhost_transfer_finish(&m->transfer, dev->conn.backend))
		return lost_backend(dev, "the back end's state", -EINVAL);
	return ret ? failed(dev, "the back end's state", strerror(-ret), ret) :
		     0;
}

/* A part of what follows the device's state has been received. */
static int on_backend(void *ctx, const void *buf, size_t len)
{
	struct vhost_device *dev = ctx;
	ssize_t used = 0;

	if (dev->migration.inflight_left)
		used = load_inflight(dev, buf, len);
	if (used < 0 || (size_t)used == len)
		return used < 0 ? used : 0;
	return load_backend(dev, (const char *)buf + used, len - used);
}

static int on_end(void *ctx)
{
	struct vhost_device *dev = ctx;
	struct vhost_migration *m = &dev->migration;
	int ret = 0;

	if (m->inflight_left)
		return failed(dev, "the state does not match",
			      "its requests in flight are incomplete", -EINVAL);
	/* The back end must also load a state that is empty. */
	if (m->backend && m->transfer.fd < 0)
		ret = start_load(dev);
	if (ret || !m->backend)
		return ret;
	ret = vhost_transfer_finish(&m->transfer, dev->conn.backend);
	m->loading = ret;
	return ret ? lost_backend(dev, "the back end's state", ret) : 0;
}

static const struct vhost_stream_ops stream_ops = {
	.device = on_device,
	.backend = on_backend,
	.end = on_end,
};

/* STOP to RESUMING: reset the device before its state is loaded. */
static int start_load_all(struct vhost_device *dev)
{
	struct vhost_state s = {
		.virtio = {
			.nr_queues = dev->virtio.nr_queues,
			.nr_vectors = dev->virtio.nr_vectors,
		},
	};

	vhost_regions_reset(dev);
	return vhost_stream_init(&dev->migration.in, &stream_ops, dev,
				 vhost_state_size(&s));
}

/** vhost_migration_write - write to the stream; for struct vuser_server_ops */
int vhost_migration_write(void *data, const void *buf, size_t count)
{
	struct vhost_device *dev = data;
	struct vhost_stream *in = &dev->migration.in;
	bool before = in->error;
	int ret = vhost_stream_take(in, buf, count);

	if (ret && !before && in->rule)
		failed(dev, "the state does not match", in->rule, ret);
	return ret;
}

/* RESUMING to STOP: the stream must be complete. */
static int end_load(struct vhost_device *dev)
{
	struct vhost_migration *m = &dev->migration;
	bool ended = m->in.ended, bad = m->in.error;

	end_loading(dev);
	/* The error has been reported. */
	if (bad)
		return -EINVAL;
	if (!ended)
		return failed(dev, "the state does not match",
			      "it is incomplete", -EINVAL);
	m->loaded = true;
	return 0;
}

static int end_copy(struct vhost_device *dev)
{
	vhost_transfer_abort(&dev->migration.transfer);
	free_out(&dev->migration);
	return 0;
}

/* Switches and bridges must learn the new location of the MAC address. */
static void announce(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;

	if (!dev->net || !virtio_running(&dev->virtio))
		return;
	if (virtio_has(&dev->virtio, VIRTIO_NET_F_GUEST_ANNOUNCE))
		dev->net_dev.announce = true;
	else if (vhost_backend_has(b, VHOST_USER_PROTOCOL(RARP)))
		vhost_backend_send_rarp(b, dev->net_dev.mac);
}

static int start_running(struct vhost_device *dev)
{
	int ret = vhost_pause_continue(dev);

	if (ret)
		return ret;
	if (dev->migration.loaded)
		announce(dev);
	dev->migration.loaded = false;
	vhost_config_changed(dev);
	return 0;
}

/**
 * vhost_migration_step - change the migration state; for struct
 * vuser_server_ops. RUNNING_P2P differs from STOP only by its name.
 * @data: the device
 * @from: current state
 * @to: next state
 *
 * Return: 0, or -errno after reporting the reason.
 */
int vhost_migration_step(void *data, enum vfio_device_mig_state from,
			 enum vfio_device_mig_state to)
{
	struct vhost_device *dev = data;

	if (from == RUNNING)
		return vhost_pause_suspend(dev);
	if (from == COPY)
		return end_copy(dev);
	if (from == RESUMING)
		return end_load(dev);
	if (to == COPY)
		return start_copy(dev);
	if (to == RESUMING)
		return start_load_all(dev);
	return to == RUNNING ? start_running(dev) : 0;
}

/** vhost_migration_reset - abort a migration, because the device was reset */
void vhost_migration_reset(struct vhost_device *dev)
{
	struct vhost_migration *m = &dev->migration;

	end_loading(dev);
	free_out(m);
	m->loaded = false;
	dev->stopped = false;
}
