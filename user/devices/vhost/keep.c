// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a device in a file, from which a new process goes on after a kill.
 *
 * The file has the encoded state of state.c in two copies, one of which is current. The
 * state is stored after each access of the client and each event of the back end, and
 * before rings start. Requests in flight are in a second file, which the back end maps.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inflight.h"
#include "keep.h"
#include "say.h"
#include "snapshot.h"

/* Increase this when struct vhost_kept or the format of state.c changes. */
#define KEPT_VERSION 1

static uint8_t *copies_of(const struct vhost_keep *k)
{
	return (uint8_t *)(k->kept + 1);
}

/* The options that make the device what its driver knows. */
static void describe(const struct vhost_device *dev, char *text, size_t size)
{
	const struct vhost_device_options *opt = &dev->options;
	const uint8_t *m = opt->mac;

	snprintf(
		text, size,
		"--device %s --back-end %s, %u queues of %u%s, MAC %02x%02x%02x"
		"%02x%02x%02x, MTU %u, CID %ju, tag %s",
		opt->type.name, opt->backend, dev->virtio.nr_queues,
		dev->virtio.max_size, opt->no_packed ? ", not packed" : "",
		m[0], m[1], m[2], m[3], m[4], m[5], opt->mtu,
		(uintmax_t)opt->cid, opt->tag ?: "");
}

/* The process ID of the back end; 0 if it is not known. */
static uint32_t peer_of(const struct vhost_device *dev)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	int fd = vhost_backend_fd(dev->conn.backend);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return 0;
	return cred.pid;
}

static int restore(struct vhost_device *dev)
{
	struct vhost_keep *k = dev->keep;
	const uint8_t *copy = copies_of(k) + k->kept->now % 2 * k->size;
	const char *rule = NULL;
	struct vhost_state s;
	int ret = vhost_snapshot_take(dev, &s);

	if (ret)
		return ret;
	ret = vhost_state_decode(&s, copy, k->size, &rule);
	if (!ret)
		ret = vuser_pci_load(&dev->pci.pci, s.pci);
	if (ret)
		vhost_say(
			dev,
			"the device cannot go on with the state in %s: %s: give "
			"the same options and back end, or remove the file to "
			"start with a reset device",
			dev->options.state,
			rule ?: "its configuration space is different");
	if (!ret)
		ret = vhost_inflight_open(dev, &s.inflight);
	if (!ret)
		vhost_snapshot_apply(dev, &s);
	free(s.queues);
	return ret;
}

static int open_file(struct vhost_device *dev)
{
	char device[STATE_FILE_DEVICE], why[STATE_FILE_WHY];
	struct vhost_keep *k = dev->keep;
	struct state_file_kind kind = {
		.program = "vuser-vhost",
		.version = KEPT_VERSION,
		.device = device,
		.size = sizeof(struct vhost_kept) + 2 * k->size,
	};
	int ret;

	describe(dev, device, sizeof(device));
	ret = state_file_open(&k->file, dev->options.state, &kind, why);
	if (ret < 0)
		vhost_say(dev, "%s", why);
	k->kept = k->file.data;
	return ret < 0 ? -EINVAL : ret;
}

/**
 * vhost_keep_open - open the state file, if the options name one
 * @dev: device whose registers and queues are initialized
 *
 * If the file has a state, the device takes it over, and is held.
 *
 * Return: 0; -ENOMEM; or -EINVAL after reporting the reason.
 */
int vhost_keep_open(struct vhost_device *dev)
{
	struct vhost_state s = { .virtio = dev->virtio };
	struct vhost_keep *k;
	int ret;

	if (!dev->options.state)
		return 0;
	k = dev->keep = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->file.fd = -1;
	k->size = vhost_state_size(&s);
	k->last = calloc(1, k->size);
	if (!k->last)
		return -ENOMEM;
	ret = open_file(dev);
	if (ret > 0) {
		ret = restore(dev);
		k->held = k->restored = dev->stopped = !ret;
	} else if (!ret) {
		vhost_keep(dev);
		state_file_begin(&k->file);
	}
	return ret;
}

/* Encode the state so that a process can go on after a kill at any instruction. */
static int encode(struct vhost_device *dev, void *buf)
{
	struct vhost_state s;
	int ret = vhost_snapshot_take(dev, &s);

	if (ret)
		return ret;
	s.backend = false;
	/* The position in a packed ring is not in the client's memory. */
	if (dev->ctrl_watch && dev->ctrl.packed) {
		struct vhost_state_queue *q = &s.queues[vhost_net_ctrl_queue(
			&dev->net_dev, dev->virtio.accepted)];

		q->kept = true;
		q->base = vqueue_base(&dev->ctrl);
	}
	s.inflight = (struct vhost_user_inflight) { 0 };
	if (dev->inflight_fd >= 0)
		s.inflight = dev->inflight;
	vhost_state_encode(&s, buf);
	free(s.queues);
	return 0;
}

/**
 * vhost_keep - store the state in the file, if it has changed
 * @dev: device
 *
 * Call this before anybody can see the change.
 */
void vhost_keep(struct vhost_device *dev)
{
	struct vhost_keep *k = dev->keep;
	uint8_t *now;

	if (!k || !k->kept)
		return;
	if (!k->held)
		atomic_store(&k->kept->peer, peer_of(dev));
	now = malloc(k->size);
	if (!now || encode(dev, now)) {
		vhost_say(dev, "no memory to store the state");
	} else if (memcmp(now, k->last, k->size)) {
		state_file_put(&k->kept->now, copies_of(k), k->size, now);
		memcpy(k->last, now, k->size);
	}
	free(now);
}

/** vhost_keep_same_peer - whether the back end is the process that has served the rings */
bool vhost_keep_same_peer(const struct vhost_device *dev)
{
	return dev->keep->kept->peer == peer_of(dev);
}

/** vhost_keep_close - close the state file; the state stays in it */
void vhost_keep_close(struct vhost_device *dev)
{
	struct vhost_keep *k = dev->keep;

	if (!k)
		return;
	state_file_close(&k->file);
	free(k->last);
	free(k);
	dev->keep = NULL;
}
