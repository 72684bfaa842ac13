/* SPDX-License-Identifier: GPL-2.0 */
/* One attempt to reach a server and to learn all about its device. */
#ifndef VUSERD_CONNECTION_H
#define VUSERD_CONNECTION_H

#include <stdint.h>
#include <systemd/sd-event.h>
#include <vuser/client.h>

struct connection;

/**
 * struct connection_ops - how an attempt ends; exactly one is called, once
 * @done: the server was described; @desc is the callee's, the connection still
 *        to be freed
 * @failed: it did not work; @why is for people
 */
struct connection_ops {
	void (*done)(void *data, struct vuser_description *desc,
		     const uint8_t *config, uint32_t config_size);
	void (*failed)(void *data, const char *why);
};

/**
 * connection_new - connect to a server
 * @event: the loop
 * @path: of the server's socket
 * @timeout_ms: for each answer of the server
 * @ops: called from the loop, not from here
 * @data: for @ops
 * @why: for an error, for people
 * @size: of @why
 *
 * Return: the attempt, or NULL and @why is set.
 */
struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size);

/* At any time, from @ops too. */
void connection_free(struct connection *conn);

#endif /* VUSERD_CONNECTION_H */
