/* SPDX-License-Identifier: GPL-2.0 */
/* Run a server of libvuser in an event loop of sd-event. */
#ifndef COMMON_SERVER_EVENT_H
#define COMMON_SERVER_EVENT_H

#include <systemd/sd-event.h>
#include <vuser/server.h>

/**
 * server_event_add - call vuser_server_process() from an event loop
 * @event: event loop
 * @source: result; pass it to sd_event_source_disable_unref() before
 *          vuser_server_free()
 * @server: the server
 *
 * When the listening socket fails, the source is disabled.
 *
 * Return: 0 or the errno of sd_event_add_io().
 */
int server_event_add(sd_event *event, sd_event_source **source,
		     struct vuser_server *server);

/**
 * server_event_listen - listen at a path, or at the socket of the service manager
 * @server: the server
 * @path: path of the socket; not used if the service manager passes a socket, see
 *	  sd_listen_fds(3)
 *
 * Return: 0; -ENOTSOCK if the service manager passes anything but one UNIX stream
 * socket that listens; or as vuser_server_listen().
 */
int server_event_listen(struct vuser_server *server, const char *path);

#endif /* COMMON_SERVER_EVENT_H */
