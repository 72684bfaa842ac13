/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One attempt to connect to a server and to read the description of its device.
 *
 * A process of its own makes the attempt. So a server cannot make vuserd wait, neither
 * by the file system of its socket nor by the files that it sends, and vuserd never has
 * a file of a server that it does not need.
 */
#ifndef VUSERD_CONNECTION_H
#define VUSERD_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <vuser/client.h>

struct connection;

/**
 * struct connection_ops - callbacks for the result of an attempt; exactly one
 * of them is called, once. No other process has the file descriptors of @desc.
 * @done: the description is complete; the callee frees @desc, and the
 *        connection
 * @failed: the attempt failed; @why is the reason as text
 */
struct connection_ops {
	void (*done)(void *data, struct vuser_description *desc,
		     const uint8_t *config, uint32_t config_size);
	void (*failed)(void *data, const char *why);
};

/**
 * connection_new - connect to a server
 * @event: event loop
 * @path: path of the server's socket
 * @timeout_ms: time for each reply of the server
 * @server_user: the only user who may run the server, or VUSER_SERVER_USER_ANY
 * @ops: called from the event loop, never from this function
 * @data: for @ops
 * @why: set to the reason after an error
 * @size: size of @why
 *
 * Return: the attempt, or NULL after setting @why.
 */
struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms, uint32_t server_user,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size);

/*
 * Whether the process of the attempt has ended. After a failure it may still close files
 * that the server has sent. NULL is an attempt that has ended.
 */
bool connection_ended(const struct connection *conn);

/*
 * End an attempt and free it. May be called at any time, also from the
 * callbacks.
 */
void connection_free(struct connection *conn);

#endif /* VUSERD_CONNECTION_H */
