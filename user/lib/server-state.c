// SPDX-License-Identifier: BSD-3-Clause
/* The state of a server, which the files server*.c share. */
#include "server-state.h"

bool vuser_server_connected(const struct vuser_server *server)
{
	struct vuser_server *s = (struct vuser_server *)server;
	bool connected;

	pthread_mutex_lock(&s->lock);
	connected = s->negotiated;
	pthread_mutex_unlock(&s->lock);
	return connected;
}
