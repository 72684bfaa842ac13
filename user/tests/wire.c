// SPDX-License-Identifier: GPL-2.0
/* Send and receive single messages, for tests of peers that misbehave. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define TIMEOUT_MS 20000

void wire_raw(int fd, uint16_t id, uint16_t command, uint32_t msg_size,
	      uint32_t flags, const void *payload, size_t len)
{
	struct vfio_user_header hdr = { id, command, msg_size, flags, 0 };

	/* In some tests the peer has already hung up. */
	if (send(fd, &hdr, sizeof(hdr), MSG_NOSIGNAL) == sizeof(hdr) && len)
		(void)!send(fd, payload, len, MSG_NOSIGNAL);
}

void wire_send(int fd, uint16_t id, uint16_t command, uint32_t flags,
	       uint32_t error, const void *payload, size_t len, const int *fds,
	       uint32_t nr_fds)
{
	struct vfio_user_header hdr = { id, command, 0, flags, error };
	struct iovec iov = { (void *)payload, len };

	vuser_msg_send(fd, &hdr, &iov, 1, fds, nr_fds, TIMEOUT_MS);
}

int wire_recv(int fd, struct vuser_msg *msg)
{
	vuser_msg_init(msg);
	return vuser_msg_wait(fd, msg, 2 * 1024 * 1024, VUSER_MAX_MSG_FDS,
			      TIMEOUT_MS);
}

int wire_hello(int fd, const char *json)
{
	struct vfio_user_version *version;
	struct vuser_msg msg;
	char buf[4096] = { 0 };
	int ret;

	version = (struct vfio_user_version *)buf;
	version->minor = VFIO_USER_MINOR;
	strcpy((char *)version->data, json);
	wire_send(fd, 1, VFIO_USER_VERSION, 0, 0, buf,
		  sizeof(*version) + strlen(json) + 1, NULL, 0);
	ret = wire_recv(fd, &msg);
	if (!ret && msg.hdr.flags != VFIO_USER_FLAGS_TYPE_REPLY)
		ret = -EPROTO;
	vuser_msg_clear(&msg);
	return ret;
}

bool wire_is_closed(int fd)
{
	struct vuser_msg msg;
	int ret;

	do {
		ret = wire_recv(fd, &msg);
		vuser_msg_clear(&msg);
	} while (!ret);
	return ret == -ENODATA || ret == -ECONNRESET;
}

int wire_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

bool wire_await_fds(int nr)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < TIMEOUT_MS && wire_count_fds() > nr; i++)
		nanosleep(&ms, NULL);
	return wire_count_fds() <= nr;
}
