// SPDX-License-Identifier: BSD-3-Clause
/* The UNIX sockets of servers and clients. */
#include <vuser/sock.h>

#include "../libbase/unix.h"

int vuser_sock_connect(const char *path)
{
	return vu_unix_connect(path);
}

int vuser_sock_listen(const char *path)
{
	return vu_unix_listen(path);
}
