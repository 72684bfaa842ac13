// SPDX-License-Identifier: GPL-2.0
/* Run a server of libvuser in an event loop of sd-event. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "server-event.h"

static int on_input(sd_event_source *source, int fd, uint32_t revents,
		    void *data)
{
	(void)fd;
	(void)revents;
	if (vuser_server_process(data) < 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

int server_event_add(sd_event *event, sd_event_source **source,
		     struct vuser_server *server)
{
	int ret = sd_event_add_io(event, source, vuser_server_fd(server),
				  EPOLLIN, on_input, server);

	return ret < 0 ? ret : 0;
}

int server_event_listen(struct vuser_server *server, const char *path)
{
	int nr = sd_listen_fds(1);

	if (nr < 0)
		return nr;
	if (!nr)
		return vuser_server_listen(server, path);
	if (nr > 1 ||
	    sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_STREAM, 1) <= 0)
		return -ENOTSOCK;
	return vuser_server_listen_fd(server, SD_LISTEN_FDS_START);
}
