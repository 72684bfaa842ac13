/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of the client: find the handler, run it, send the reply. */
#ifndef VUSER_SERVER_CMD_H
#define VUSER_SERVER_CMD_H

#include "server-state.h"

/*
 * Run one command and send the reply. The first command must be VERSION.
 * Return: 0; a negative errno: end the connection.
 */
int vu_server_cmd_serve(struct vuser_server *server, struct vuser_msg *msg);

#endif /* VUSER_SERVER_CMD_H */
