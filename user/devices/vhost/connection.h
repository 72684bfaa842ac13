/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The connection to the back end. The event loop watches it, and opens it again
 * after a loss.
 */
#ifndef VHOST_CONNECTION_H
#define VHOST_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <vhost-user/backend.h>

/**
 * struct vhost_connection_ops - callbacks of a connection
 * @up: the connection was opened again. After an error it is closed, and opened
 *	again later.
 * @down: the connection was lost; @why as for lost() of struct
 *	vhost_backend_ops
 * @config_change: the back end reports that its configuration has changed
 * @wait: as wait() of struct vhost_backend_ops
 * @shared_add: as shared_add() of struct vhost_backend_ops
 * @shared_remove: as shared_remove() there
 * @shared_lookup: as shared_lookup() there
 * @shared_fetch: called from the event loop after shared_add(), and again while it returns
 *	true
 * @await: wait for the first back end that connects; 0, or -ECANCELED if the process
 *	is to end
 * @refused: a back end has connected, and the negotiation has failed
 */
struct vhost_connection_ops {
	int (*up)(void *ctx);
	void (*down)(void *ctx, int why);
	void (*config_change)(void *ctx);
	int (*wait)(void *ctx, struct pollfd *fds, unsigned int nr,
		    int timeout_ms);
	int (*shared_add)(void *ctx, const struct vhost_user_shared *object);
	int (*shared_remove)(void *ctx, const struct vhost_user_shared *object);
	int (*shared_lookup)(void *ctx, const struct vhost_user_shared *object);
	bool (*shared_fetch)(void *ctx);
	int (*await)(void *ctx, struct pollfd *listener);
	void (*refused)(void *ctx);
};

/**
 * struct vhost_connection - a connection
 * @path: path of the back end's socket, owned by the caller
 * @backend: connection of libvhost-user
 * @ops: callbacks
 * @ctx: for @ops
 * @event: event loop, NULL until vhost_connection_watch()
 * @listener: socket where back ends connect, -1: connect to the back end
 * @incoming: watches @listener while no back end is connected
 * @io: watch the two sockets of the connection
 * @retry: timer of the next attempt to connect
 * @retrying: @retry has started an attempt, which may be given up
 * @changed: calls config_change() from the event loop, because a callback of
 *	libvhost-user may not send requests while another request waits
 * @fetch: calls shared_fetch() from the event loop, for the same reason
 */
struct vhost_connection {
	const char *path;
	struct vhost_backend *backend;
	const struct vhost_connection_ops *ops;
	void *ctx;
	sd_event *event;
	int listener;
	sd_event_source *incoming;
	sd_event_source *io[2];
	sd_event_source *retry;
	bool retrying;
	sd_event_source *changed;
	sd_event_source *fetch;
};

int vhost_connection_open(struct vhost_connection *conn, const char *path,
			  bool listen, int timeout_ms,
			  const struct vhost_connection_ops *ops, void *ctx);
int vhost_connection_watch(struct vhost_connection *conn, sd_event *event);
int vhost_connection_reopen(struct vhost_connection *conn);
void vhost_connection_close(struct vhost_connection *conn);

#endif
