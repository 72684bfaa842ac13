/* SPDX-License-Identifier: BSD-3-Clause */
/* Migration: the states of the device, and its data. */
#ifndef VUSER_SERVER_MIGRATION_H
#define VUSER_SERVER_MIGRATION_H

#include "server-state.h"

/* Handlers of commands. Return: the length of server->reply, or -errno. */
ssize_t vu_server_migration_read(struct vuser_server *server,
				 struct vuser_msg *msg);
ssize_t vu_server_migration_write(struct vuser_server *server,
				  struct vuser_msg *msg);

/*
 * Handlers of features. @data has room for @size bytes, of which the client sent
 * @len. Return: the length of the result in @data, or -errno.
 */
ssize_t vu_server_migration_flags(struct vuser_server *server, bool set,
				  void *data, size_t len, size_t size);
ssize_t vu_server_migration_state(struct vuser_server *server, bool set,
				  void *data, size_t len, size_t size);

ssize_t vu_server_migration_size(struct vuser_server *server, bool set,
				 void *data, size_t len, size_t size);

/* Set the state to RUNNING: the device was reset or has lost its client. */
void vu_server_migration_reset(struct vuser_server *server);

#endif /* VUSER_SERVER_MIGRATION_H */
