// SPDX-License-Identifier: BSD-3-Clause
/* Log lines of a server, for the log() callback of the device. */
#include <stdarg.h>
#include <stdio.h>

#include "server-log.h"

void vu_server_log(struct vuser_server *server, int level, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (!server->ops.log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	server->ops.log(server->data, level, line);
}
