// SPDX-License-Identifier: GPL-2.0
/*
 * Requests in flight. A back end that tracks them does so in shared memory that
 * it has created. This file keeps a reference to this memory and passes it to
 * the next back end, which then completes the requests of the previous one. The
 * driver does not notice.
 *
 * With GET_VRING_BASE_INFLIGHT, requests can also be in flight while a ring is stopped: the
 * back end cancels them, and starts them again with the ring. Then the memory is a part
 * of the device's state.
 *
 * The memory is read and written by system calls: a back end can truncate the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inflight.h"
#include "say.h"

/* The memory of one ring, as in the specification of vhost-user. */
struct head {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	/* Of a packed ring only. */
	uint16_t free_head;
	uint16_t old_free_head;
	uint16_t used_idx;
	uint16_t old_used_idx;
	uint8_t used_wrap_counter;
	uint8_t old_used_wrap_counter;
	uint8_t padding[10];
};

struct packed_entry {
	uint8_t inflight;
	uint8_t padding;
	uint16_t next;
	uint8_t more[28];
};

_Static_assert(sizeof(struct head) == 32, "as specified");
_Static_assert(sizeof(struct packed_entry) == 32, "as specified");

#define SUFFIX ".inflight"

/* A path that is too long fails when it is used, because it is not cut off. */
#define FILE_PATH_MAX (PATH_MAX + sizeof(SUFFIX))

static void file_path(const struct vhost_device *dev, char path[FILE_PATH_MAX])
{
	snprintf(path, FILE_PATH_MAX, "%s" SUFFIX, dev->options.state);
}

/* Copy the memory that a back end has created to a new file. */
static int copy_inflight(struct vhost_device *dev, int fd)
{
	uint64_t at, size = dev->inflight.mmap_size;
	uint8_t buf[4096];
	ssize_t done;
	size_t len;

	for (at = 0; at < size; at += len) {
		len = size - at < sizeof(buf) ? size - at : sizeof(buf);
		if (vhost_inflight_read(dev, at, buf, len))
			return -EIO;
		done = pwrite(fd, buf, len, at);
		if (done != (ssize_t)len)
			return done < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

/*
 * Create a file for the memory, which is beside the state file if there is one. The file
 * is a new one, because the previous back end may still use the old one. Return an fd or
 * -errno.
 */
static int create_file(const struct vhost_device *dev)
{
	char path[FILE_PATH_MAX];
	int fd;

	if (!dev->options.state) {
		fd = memfd_create("vhost-inflight", MFD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	file_path(dev, path);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* With a state file, put the memory that the back end has just created into a file. */
static int put_in_file(struct vhost_device *dev)
{
	int fd, ret;

	if (!dev->options.state)
		return 0;
	fd = create_file(dev);
	ret = fd < 0 ? fd : copy_inflight(dev, fd);
	vhost_inflight_release(dev);
	if (!ret) {
		dev->inflight_fd = fd;
		dev->inflight.mmap_offset = 0;
		return 0;
	}
	vhost_say(dev, "cannot create %s" SUFFIX ": %s", dev->options.state,
		  strerror(-ret));
	if (fd >= 0)
		close(fd);
	return ret;
}

/**
 * vhost_inflight_set_up - have the back end track requests, from the start or
 *	from where the previous back end stopped
 * @dev: device
 *
 * Return: 0, also if the back end cannot track requests; or the error of the
 * request to it.
 */
int vhost_inflight_set_up(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;
	int ret;

	if (!vhost_backend_has(b, VHOST_USER_PROTOCOL(INFLIGHT_SHMFD)))
		return 0;
	if (dev->inflight_fd < 0) {
		dev->inflight = (struct vhost_user_inflight) {
			.num_queues = dev->virtio.nr_queues,
			.queue_size = dev->virtio.max_size,
		};
		ret = vhost_backend_get_inflight_fd(b, &dev->inflight,
						    &dev->inflight_fd);
		if (ret == -ENODATA)
			return 0;
		if (!ret)
			ret = put_in_file(dev);
		if (ret)
			return ret;
	}
	return vhost_backend_set_inflight_fd(b, &dev->inflight,
					     dev->inflight_fd);
}

/**
 * vhost_inflight_suspends - whether the back end cancels its requests when a ring stops, and
 * starts them again with the ring
 */
bool vhost_inflight_suspends(const struct vhost_device *dev)
{
	return vhost_backend_has(dev->conn.backend,
				 VHOST_USER_PROTOCOL(GET_VRING_BASE_INFLIGHT));
}

/* The memory of one ring after the start of the device. */
static void init_ring(struct head *head, size_t size, bool packed)
{
	struct packed_entry *entries = (struct packed_entry *)(head + 1);
	size_t max = size / sizeof(*entries) - 1;
	uint16_t num = head->desc_num, i;

	memset(head, 0, size);
	head->desc_num = num;
	if (!packed)
		return;
	head->used_wrap_counter = head->old_used_wrap_counter = 1;
	for (i = 0; i < num && i < max; i++)
		entries[i].next = i + 1;
}

static int reset_ring(struct vhost_device *dev, uint16_t queue)
{
	size_t size = dev->inflight.mmap_size / dev->inflight.num_queues;
	off_t at = dev->inflight.mmap_offset + queue * size;
	struct head *head;
	int ret = 0;

	if (queue >= dev->inflight.num_queues || size < sizeof(*head))
		return 0;
	head = calloc(1, size);
	if (!head)
		return -ENOMEM;
	if (pread(dev->inflight_fd, head, sizeof(*head), at) != sizeof(*head))
		ret = -EIO;
	if (!ret) {
		init_ring(head, size,
			  virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED));
		if (pwrite(dev->inflight_fd, head, size, at) != (ssize_t)size)
			ret = -EIO;
	}
	free(head);
	return ret;
}

/**
 * vhost_inflight_reset_ring - remove the requests of a ring that the driver has reset
 * @dev: device
 * @queue: index of the queue, whose ring does not run
 *
 * Usually no request is in flight when a ring has stopped (vhost_drain()). But a back
 * end that was lost did not complete its requests, nor does one with GET_VRING_BASE_INFLIGHT.
 * The driver has taken the buffers of these requests back.
 *
 * Return: 0 or -errno.
 */
int vhost_inflight_reset_ring(struct vhost_device *dev, uint16_t queue)
{
	if (dev->inflight_fd < 0)
		return 0;
	if (vhost_backend_connected(dev->conn.backend) &&
	    !vhost_inflight_suspends(dev))
		return 0;
	return reset_ring(dev, queue);
}

/**
 * vhost_inflight_describe - describe the memory, if it is a part of the device's state
 * @dev: device
 *
 * Return: the description; its size is 0 if no request can be in flight while the device is
 * stopped.
 */
struct vhost_user_inflight
vhost_inflight_describe(const struct vhost_device *dev)
{
	struct vhost_user_inflight inflight = { 0 };

	if (dev->inflight_fd < 0 || !vhost_inflight_suspends(dev))
		return inflight;
	inflight = dev->inflight;
	inflight.mmap_offset = 0;
	return inflight;
}

/**
 * vhost_inflight_read - read a part of the memory
 * @dev: device
 * @at: offset in the memory, bytes
 * @buf: result
 * @len: bytes
 *
 * Return: 0; -EIO if the back end has truncated the file.
 */
int vhost_inflight_read(const struct vhost_device *dev, uint64_t at, void *buf,
			size_t len)
{
	ssize_t got = pread(dev->inflight_fd, buf, len,
			    dev->inflight.mmap_offset + at);

	return got == (ssize_t)len ? 0 : -EIO;
}

/**
 * vhost_inflight_load - create the memory that a stream describes
 * @dev: device without such memory
 * @inflight: description, which vhost_state_decode() has checked
 *
 * Return: 0 or -errno.
 */
int vhost_inflight_load(struct vhost_device *dev,
			const struct vhost_user_inflight *inflight)
{
	int fd = create_file(dev);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, inflight->mmap_size)) {
		close(fd);
		return -ENOMEM;
	}
	vhost_inflight_release(dev);
	dev->inflight = *inflight;
	dev->inflight_fd = fd;
	return 0;
}

/**
 * vhost_inflight_open - open the memory that has the requests in flight of a killed process
 * @dev: device with a state file, and without such memory
 * @inflight: description; its size is 0 if there is no such memory
 *
 * Return: 0; or -EINVAL after reporting the reason.
 */
int vhost_inflight_open(struct vhost_device *dev,
			const struct vhost_user_inflight *inflight)
{
	char path[FILE_PATH_MAX];
	struct stat st;
	int fd;

	if (!inflight->mmap_size)
		return 0;
	file_path(dev, path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) ||
	    (uint64_t)st.st_size < inflight->mmap_size) {
		vhost_say(dev,
			  "%s, which has the requests in flight, is missing or "
			  "too short: remove %s to start with a reset device",
			  path, dev->options.state);
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	dev->inflight = *inflight;
	dev->inflight_fd = fd;
	return 0;
}

/** vhost_inflight_write - write a part of the memory after vhost_inflight_load() */
int vhost_inflight_write(struct vhost_device *dev, uint64_t at, const void *buf,
			 size_t len)
{
	ssize_t put = pwrite(dev->inflight_fd, buf, len, at);

	return put == (ssize_t)len ? 0 : -ENOMEM;
}

/**
 * vhost_inflight_release - drop the memory: after a reset no request is in
 * flight
 */
void vhost_inflight_release(struct vhost_device *dev)
{
	if (dev->inflight_fd >= 0)
		close(dev->inflight_fd);
	dev->inflight_fd = -1;
}

/*
 * Whether the requests that were in flight may be lost. The next back end continues at the
 * used index of each ring. A packed ring has no such index.
 */
static bool may_lose(const struct vhost_device *dev)
{
	return dev->options.type.lossy &&
	       !virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED);
}

/**
 * vhost_inflight_can_resume - whether a new back end can continue with the
 * rings
 */
bool vhost_inflight_can_resume(const struct vhost_device *dev)
{
	return (dev->inflight_fd >= 0 || may_lose(dev)) &&
	       virtio_running(&dev->virtio) &&
	       !(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}
