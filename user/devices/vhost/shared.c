// SPDX-License-Identifier: GPL-2.0
/*
 * A back end offers an object, such as a buffer of a GPU, under a UUID. The back end of
 * another device finds it by the UUID, and gets its file.
 *
 * The table of all objects belongs to the process, and each device has a thread of its own.
 * So that no thread waits for another one, the thread that adds an object also asks its back
 * end for the file, and the table keeps the file. Only the thread that has added an object
 * changes or removes it. A mutex protects the table; it is not held during a request.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "shared.h"

/* A back end may offer this number of objects at a time. */
#define OBJECTS_MAX 64

/**
 * struct object - an object
 * @uuid: its name
 * @owner: the device whose back end offers it
 * @fd: its file; -1 before the back end has sent it
 * @asked: the back end was asked for the file
 * @next: next object of the table
 */
struct object {
	struct vhost_user_shared uuid;
	struct vhost_device *owner;
	int fd;
	bool asked;
	struct object *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *table;

/* Find an object; the caller holds @lock. Return the pointer to it in the list. */
static struct object **find(const struct vhost_user_shared *uuid)
{
	struct object **at = &table;

	while (*at && memcmp(&(*at)->uuid, uuid, sizeof(*uuid)))
		at = &(*at)->next;
	return at;
}

static unsigned int count(const struct vhost_device *owner)
{
	const struct object *object;
	unsigned int nr = 0;

	for (object = table; object; object = object->next)
		nr += object->owner == owner;
	return nr;
}

/* Remove an object from the table; the caller holds @lock. */
static void take_out(struct object **at)
{
	struct object *object = *at;

	*at = object->next;
	if (object->fd >= 0)
		close(object->fd);
	free(object);
}

static int insert(struct vhost_device *dev,
		  const struct vhost_user_shared *uuid)
{
	struct object *object;

	if (*find(uuid))
		return -EEXIST;
	if (count(dev) == OBJECTS_MAX)
		return -ENOSPC;
	object = malloc(sizeof(*object));
	if (!object)
		return -ENOMEM;
	*object = (struct object) {
		.uuid = *uuid,
		.owner = dev,
		.fd = -1,
		.next = table,
	};
	table = object;
	return 0;
}

/**
 * vhost_shared_add - the back end offers an object
 * @dev: device
 * @object: UUID of the object
 *
 * After a success, vhost_shared_fetch() must be called from the event loop.
 *
 * Return: 0; -EEXIST if there is an object with this UUID; -ENOSPC if the back end offers
 * too many objects; -ENOMEM.
 */
int vhost_shared_add(struct vhost_device *dev,
		     const struct vhost_user_shared *object)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = insert(dev, object);
	pthread_mutex_unlock(&lock);
	return ret;
}

/**
 * vhost_shared_remove - the back end withdraws an object
 * @dev: device
 * @object: UUID of the object
 *
 * A back end that has the file keeps it.
 *
 * Return: 0; -ENOENT; -EPERM if the back end of another device offers the object.
 */
int vhost_shared_remove(struct vhost_device *dev,
			const struct vhost_user_shared *object)
{
	struct object **at;
	int ret = 0;

	pthread_mutex_lock(&lock);
	at = find(object);
	if (!*at)
		ret = -ENOENT;
	else if ((*at)->owner != dev)
		ret = -EPERM;
	else
		take_out(at);
	pthread_mutex_unlock(&lock);
	return ret;
}

/**
 * vhost_shared_lookup - the back end needs an object
 * @dev: device
 * @object: UUID of the object
 *
 * Return: the file, which @dev keeps until the next call; -ENOENT if there is no such object,
 * or if its back end has not sent the file yet; -errno of dup(2).
 */
int vhost_shared_lookup(struct vhost_device *dev,
			const struct vhost_user_shared *object)
{
	struct object **at;
	int fd = -ENOENT;

	pthread_mutex_lock(&lock);
	at = find(object);
	if (*at && (*at)->fd >= 0) {
		fd = fcntl((*at)->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			fd = -errno;
	}
	pthread_mutex_unlock(&lock);
	if (fd < 0)
		return fd;
	if (dev->shared_fd >= 0)
		close(dev->shared_fd);
	dev->shared_fd = fd;
	return fd;
}

/* Find an object of the device whose file was not asked for. */
static bool next_to_fetch(struct vhost_device *dev,
			  struct vhost_user_shared *uuid)
{
	struct object *object;

	pthread_mutex_lock(&lock);
	for (object = table; object; object = object->next)
		if (object->owner == dev && !object->asked)
			break;
	if (object) {
		object->asked = true;
		*uuid = object->uuid;
	}
	pthread_mutex_unlock(&lock);
	return object;
}

/* The back end may have withdrawn the object during the request, and added it again. */
static void store(struct vhost_device *dev,
		  const struct vhost_user_shared *uuid, int fd)
{
	struct object **at;

	pthread_mutex_lock(&lock);
	at = find(uuid);
	if (*at && (*at)->owner == dev && (*at)->asked && (*at)->fd < 0) {
		(*at)->fd = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&lock);
	if (fd >= 0)
		close(fd);
}

/**
 * vhost_shared_fetch - get the file of one object that the back end has added
 * @dev: device
 *
 * Sends a request to the back end, so it must be called from the event loop.
 *
 * Return: true if the function must be called again.
 */
bool vhost_shared_fetch(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;
	struct vhost_user_shared uuid;
	int fd;

	if (!next_to_fetch(dev, &uuid))
		return false;
	if (!vhost_backend_get_shared_object(b, &uuid, &fd))
		store(dev, &uuid, fd);
	else if (dev->options.verbose)
		vhost_say(dev, "no file for a shared object: %s",
			  vhost_backend_error(b));
	return true;
}

/** vhost_shared_release - remove the objects of a device whose back end was lost */
void vhost_shared_release(struct vhost_device *dev)
{
	struct object **at;

	pthread_mutex_lock(&lock);
	for (at = &table; *at;) {
		if ((*at)->owner == dev)
			take_out(at);
		else
			at = &(*at)->next;
	}
	pthread_mutex_unlock(&lock);
	if (dev->shared_fd >= 0)
		close(dev->shared_fd);
	dev->shared_fd = -1;
}
