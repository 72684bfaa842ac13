// SPDX-License-Identifier: GPL-2.0
/*
 * Creates the device from its parts, and handles a lost and a new back end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../common/server-event.h"
#include "config.h"
#include "device.h"
#include "dirty.h"
#include "inflight.h"
#include "keep.h"
#include "pause.h"
#include "reconnect.h"
#include "rings.h"
#include "say.h"
#include "serve.h"
#include "shared.h"
#include "wait.h"

static void config_changed(void *ctx)
{
	vhost_config_changed(ctx);
	vhost_keep(ctx);
}

static void set_link(struct vhost_device *dev, bool up)
{
	dev->net_dev.link = up;
	config_changed(dev);
}

static void on_down(void *ctx, int why)
{
	struct vhost_device *dev = ctx;

	vhost_shared_release(dev);
	/* A back end that was rejected was not used. */
	if (!dev->connected)
		return;
	dev->connected = false;
	/* The back end may not have logged its last writes. */
	if (dev->live || vhost_pause_left_requests(dev))
		vhost_dirty_all(dev);
	vhost_dma_reset(&dev->dma);
	vhost_rings_lost(dev);
	if (dev->ending)
		return;
	vhost_say(dev, "back end lost: %s",
		  why ? vhost_backend_error(dev->conn.backend) :
			"it closed the connection");
	if (dev->net)
		set_link(dev, false);
	if (virtio_running(&dev->virtio) && !vhost_rings_can_continue(dev))
		virtio_need_reset(&dev->virtio);
}

static int on_up(void *ctx)
{
	struct vhost_device *dev = ctx;
	int ret = vhost_reconnect_check(dev);

	if (ret)
		return ret;
	if (dev->options.verbose)
		vhost_say(dev, "back end connected again");
	if (dev->net)
		set_link(dev, true);
	else
		config_changed(dev);
	if (dev->stopped || !vhost_inflight_can_resume(dev))
		return 0;
	return vhost_rings_resume(dev);
}

static int on_wait(void *ctx, struct pollfd *fds, unsigned int nr,
		   int timeout_ms)
{
	return vhost_wait(ctx, fds, nr, timeout_ms);
}

static int shared_add(void *ctx, const struct vhost_user_shared *object)
{
	return vhost_shared_add(ctx, object);
}

static int shared_remove(void *ctx, const struct vhost_user_shared *object)
{
	return vhost_shared_remove(ctx, object);
}

static int shared_lookup(void *ctx, const struct vhost_user_shared *object)
{
	return vhost_shared_lookup(ctx, object);
}

static bool shared_fetch(void *ctx)
{
	return vhost_shared_fetch(ctx);
}

static int on_await(void *ctx, struct pollfd *listener)
{
	return vhost_wait_first(ctx, listener);
}

static void on_refused(void *ctx)
{
	struct vhost_device *dev = ctx;

	vhost_say(dev, "a back end has connected, but: %s",
		  vhost_backend_error(dev->conn.backend));
}

static const struct vhost_connection_ops connection_ops = {
	.up = on_up,
	.down = on_down,
	.config_change = config_changed,
	.wait = on_wait,
	.shared_add = shared_add,
	.shared_remove = shared_remove,
	.shared_lookup = shared_lookup,
	.shared_fetch = shared_fetch,
	.await = on_await,
	.refused = on_refused,
};

static int init_net(struct vhost_device *dev)
{
	struct vhost_net *net = &dev->net_dev;

	if (!dev->net)
		return 0;
	net->link = true;
	net->mtu = dev->options.mtu;
	net->max_pairs = 1;
	if (dev->options.has_mac)
		memcpy(net->first_mac, dev->options.mac, ETH_ALEN);
	else if (vhost_net_random_mac(net->first_mac))
		return -errno;
	vhost_net_reset(net);
	return 0;
}

static int make_queues(struct vhost_device *dev)
{
	uint16_t i, nr = dev->virtio.nr_queues;
	struct vhost_queue *q;

	dev->queues = calloc(nr, sizeof(*dev->queues));
	if (!dev->queues)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		dev->queues[i].kick = dev->queues[i].call = dev->queues[i].err =
			-1;
	for (i = 0; i < nr; i++) {
		q = &dev->queues[i];
		q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->kick < 0 || q->call < 0 || q->err < 0)
			return -errno;
	}
	return 0;
}

static int connect_backend(struct vhost_device *dev)
{
	int ret = vhost_connection_open(&dev->conn, dev->options.backend,
					dev->options.listen, -1,
					&connection_ops, dev);

	if (ret && dev->conn.backend && !dev->options.listen)
		vhost_say(dev, "%s", vhost_backend_error(dev->conn.backend));
	return ret;
}

static int init_registers(struct vhost_device *dev)
{
	const struct vhost_device_options *opt = &dev->options;
	int queues, ret;

	queues = vhost_config_init(dev);
	if (queues < 0)
		return queues;
	/* One vector for each queue, and one for the configuration. */
	ret = virtio_init(&dev->virtio, &vhost_rings_ops, dev, queues,
			  queues + 1,
			  opt->queue_size ?: vhost_type_queue_size(&opt->type));
	if (ret)
		return ret;
	vhost_reconnect_init(dev);
	ret = vhost_config_refresh(dev);
	dev->virtio.generation = 0;
	if (ret >= 0)
		ret = vhost_pci_init(&dev->pci, &opt->type, queues + 1);
	if (ret >= 0)
		ret = vuser_msix_init(&dev->msix, queues + 1);
	return ret < 0 ? ret : 0;
}

static int transfer_wait(void *ctx, struct pollfd *fd)
{
	return vhost_wait(ctx, fd, 1, -1);
}

/**
 * vhost_device_new - connect to a back end and create a device for it
 * @options: copied, except for the strings
 * @device: set on success
 *
 * Return: 0, or -errno after reporting the reason on stderr.
 */
int vhost_device_new(const struct vhost_device_options *options,
		     struct vhost_device **device)
{
	struct vhost_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return -ENOMEM;
	dev->options = *options;
	dev->inflight_fd = -1;
	dev->shared_fd = -1;
	dev->migration.transfer.fd = -1;
	dev->migration.transfer.wait = transfer_wait;
	dev->migration.transfer.ctx = dev;
	vhost_wait_begin(dev);
	dev->net = !strcmp(options->type.name, "net");
	if (options->config_size)
		dev->options.type.config_size = options->config_size;
	ret = init_net(dev);
	if (!ret)
		ret = connect_backend(dev);
	if (!ret)
		ret = init_registers(dev);
	if (!ret)
		ret = make_queues(dev);
	if (!ret)
		ret = vhost_keep_open(dev);
	if (!ret)
		ret = vhost_serve_init(dev);
	if (ret) {
		vhost_device_free(dev);
		return ret;
	}
	*device = dev;
	return 0;
}

static int attach(struct vhost_device *dev, struct sd_event *event)
{
	int ret;

	dev->event = sd_event_ref(event);
	ret = vhost_connection_watch(&dev->conn, event);
	if (!ret)
		ret = server_event_add(event, &dev->server_io, dev->server);
	return ret;
}

/**
 * vhost_device_serve - listen, and serve clients from an event loop
 * @dev: device
 * @path: path of the socket
 * @event: event loop
 *
 * Return: 0 or -errno.
 */
int vhost_device_serve(struct vhost_device *dev, const char *path,
		       struct sd_event *event)
{
	int ret = vuser_server_listen(dev->server, path);

	return ret ? ret : attach(dev, event);
}

/**
 * vhost_device_serve_listener - as vhost_device_serve(), on a socket that listens, which
 *	this function takes over
 */
int vhost_device_serve_listener(struct vhost_device *dev, int fd,
				struct sd_event *event)
{
	int ret = vuser_server_listen_fd(dev->server, fd);

	return ret ? ret : attach(dev, event);
}

/**
 * vhost_device_serve_fd - serve one client on a connected socket, which this
 * function takes over
 */
int vhost_device_serve_fd(struct vhost_device *dev, int fd,
			  struct sd_event *event)
{
	int ret = vuser_server_serve(dev->server, fd);

	return ret ? ret : attach(dev, event);
}

static void free_queues(struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; dev->queues && i < dev->virtio.nr_queues; i++) {
		sd_event_source_disable_unref(dev->queues[i].err_watch);
		sd_event_source_disable_unref(dev->queues[i].watch);
		if (dev->queues[i].kick >= 0)
			close(dev->queues[i].kick);
		if (dev->queues[i].call >= 0)
			close(dev->queues[i].call);
		if (dev->queues[i].err >= 0)
			close(dev->queues[i].err);
	}
	free(dev->queues);
}

/**
 * vhost_device_free - stop the rings, disconnect the client and free the device
 */
void vhost_device_free(struct vhost_device *dev)
{
	if (!dev)
		return;
	dev->ending = true;
	vhost_wait_begin(dev);
	sd_event_source_disable_unref(dev->server_io);
	vuser_server_free(dev->server);
	if (dev->conn.backend)
		vhost_connection_close(&dev->conn);
	free_queues(dev);
	vhost_shared_release(dev);
	vhost_inflight_release(dev);
	vhost_keep_close(dev);
	vhost_dma_fini(&dev->dma);
	vhost_log_stop(&dev->log);
	vuser_msix_fini(&dev->msix);
	virtio_fini(&dev->virtio);
	sd_event_unref(dev->event);
	free(dev);
}
