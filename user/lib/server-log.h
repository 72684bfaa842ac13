/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines of a server, for the log() callback of the device. */
#ifndef VUSER_SERVER_LOG_H
#define VUSER_SERVER_LOG_H

#include <syslog.h>

#include "server-state.h"

/* @level: of syslog(3), which <syslog.h> defines */
__attribute__((format(printf, 3, 4))) void
vu_server_log(struct vuser_server *server, int level, const char *fmt, ...);

#endif /* VUSER_SERVER_LOG_H */
