// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/vfio_user.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flooder.h"

/* A DMA_WRITE of one byte, without a reply. */
struct dma_write {
	struct vfio_user_header hdr;
	struct vfio_user_dma_access dma;
	char data;
} __attribute__((packed));

int flooder_attach(struct flooder *f)
{
	int ret = control_start(&f->c);

	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->twin))
		return -errno;
	ret = control_attach_twin(&f->c, f->twin[0]);
	/* The kernel has its own references. */
	close(f->c.sock[0]);
	close(f->twin[0]);
	f->c.sock[0] = -1;
	return ret;
}

int flooder_send(int fd)
{
	static const struct dma_write write = {
		.hdr.command = VFIO_USER_DMA_WRITE,
		.hdr.msg_size = sizeof(write),
		.hdr.flags = VFIO_USER_FLAGS_NO_REPLY,
		.dma.count = 1,
	};
	struct dma_write writes[FLOODER_BATCH];
	size_t i;

	for (i = 0; i < FLOODER_BATCH; i++)
		writes[i] = write;
	return send(fd, writes, sizeof(writes), MSG_NOSIGNAL) ==
			       sizeof(writes) ?
		       0 :
		       -errno;
}

static void *flood(void *arg)
{
	int fd = *(int *)arg;

	while (!flooder_send(fd))
		;
	return NULL;
}

int flooder_start(struct flooder *f)
{
	pthread_t thread;

	f->pid = fork();
	if (f->pid)
		return f->pid < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!pthread_create(&thread, NULL, flood, &f->c.sock[1]))
		flood(&f->twin[1]);
	_exit(1);
}

int flooder_stop(struct flooder *f)
{
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	close(f->twin[1]);
	return control_stop(&f->c);
}

/* Receives exactly @len bytes. */
static bool receive(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static void respond(int server)
{
	struct {
		struct vfio_user_header hdr;
		char payload[256];
	} msg;
	struct vfio_user_region_access access;
	size_t len;

	while (receive(server, &msg.hdr, sizeof(msg.hdr))) {
		len = msg.hdr.msg_size - sizeof(msg.hdr);
		if (len > sizeof(msg.payload) - sizeof(uint64_t) ||
		    (len && !receive(server, msg.payload, len)))
			break;
		if (msg.hdr.command != VFIO_USER_REGION_READ)
			continue;
		memcpy(&access, msg.payload, sizeof(access));
		memset(msg.payload + len, 0, sizeof(uint64_t));
		msg.hdr.msg_size += access.count;
		msg.hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
		if (send(server, &msg, msg.hdr.msg_size, MSG_NOSIGNAL) < 0)
			break;
	}
}

pid_t responder_start(int server)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	respond(server);
	_exit(0);
}
