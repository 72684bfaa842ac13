/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_FEATURE: migration, logging of writes, features of the device. */
#ifndef VUSER_SERVER_FEATURE_H
#define VUSER_SERVER_FEATURE_H

#include "server-state.h"

/* Handler of the command. Return: the length of server->reply, or -errno. */
ssize_t vu_server_feature(struct vuser_server *server, struct vuser_msg *msg);

/* Stop logging writes, if they are logged. */
void vu_server_feature_stop_log(struct vuser_server *server);

#endif /* VUSER_SERVER_FEATURE_H */
