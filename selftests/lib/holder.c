// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "holder.h"
#include "unix.h"

static void answer(unsigned int i, int listener, int file)
{
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (i % 3 == 0)
		unix_send_files(sock, "", 1, file, UNIX_MAX_FILES);
	/* A third of the servers says nothing. */
	if (i % 3 != 1)
		close(sock);
}

void holder_serve(const char (*paths)[64], unsigned int nr, int file,
		  atomic_uint *handled)
{
	struct pollfd pfds[HOLDER_MAX];
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < nr; i++) {
		pfds[i].fd = unix_listen(paths[i]);
		pfds[i].events = POLLIN;
	}
	atomic_fetch_add(handled, 1);
	while (poll(pfds, nr, -1) > 0) {
		for (i = 0; i < nr; i++) {
			if (!pfds[i].revents)
				continue;
			answer(i, pfds[i].fd, file);
			atomic_fetch_add(handled, 1);
		}
	}
	_exit(0);
}
