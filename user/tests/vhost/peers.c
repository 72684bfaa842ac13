// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../devices/vhost/pci.h"
#include "../../devices/vhost/virtio.h"
#include "peers.h"
#include "../harness.h"

#define PATIENCE 20000 /* ms */

static char dir[] = "/tmp/test-peers-XXXXXX";

void peers_begin(void)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	require(mkdtemp(dir));
}

void peers_end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	check_eq(system(command), 0);
}

const char *peers_path(const char *name)
{
	static char paths[16][256];
	static unsigned int next;
	char *path = paths[next++ % 16];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* Create the socket where a program reports that it is ready. */
static int notify_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s",
		 peers_path("notify"));
	unlink(addr.sun_path);
	require(fd >= 0 && !bind(fd, (void *)&addr, sizeof(addr)));
	return fd;
}

static void wait_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char text[64] = "";

	require(poll(&pfd, 1, PATIENCE) == 1);
	require(recv(fd, text, sizeof(text) - 1, 0) > 0);
	require(strstr(text, "READY=1"));
	close(fd);
}

void peers_exec(const char *const *argv)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 64);

	if (!strchr(argv[0], '/')) {
		self[len < 0 ? 0 : len] = '\0';
		strcpy(strrchr(self, '/') + 1, argv[0]);
	} else {
		strcpy(self, argv[0]);
	}
	/* The program must not outlive a test that fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The process that started the test may ignore SIGPIPE. */
	signal(SIGPIPE, SIG_DFL);
	/* The program's output is not TAP. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("NOTIFY_SOCKET", peers_path("notify"), 1);
	execv(self, (char **)argv);
	_exit(127);
}

pid_t peers_run(const char *const *argv)
{
	bool ours = !strchr(argv[0], '/');
	int fd = ours ? notify_socket() : -1;
	pid_t pid = fork();

	if (!pid)
		peers_exec(argv);
	require(pid > 0);
	if (ours)
		wait_ready(fd);
	return pid;
}

void peers_stop(pid_t pid)
{
	int status = -1;

	kill(pid, SIGTERM);
	check_eq(waitpid(pid, &status, 0), pid);
	check_eq(status, 0);
}

void chain_start(struct chain *c, const char *type, const char *path,
		 const char *name)
{
	const char *const argv[] = {
		"vuser-vhost", "--device",	 type, "--back-end", path,
		"--socket",    peers_path(name), NULL,
	};

	c->pid = peers_run(argv);
	chain_connect(c, name);
}

void chain_connect(struct chain *c, const char *name)
{
	require(!vuser_client_new(peers_path(name), NULL, PATIENCE, NULL, NULL,
				  &c->client));
}

void chain_end(struct chain *c)
{
	vuser_client_free(c->client);
	peers_stop(c->pid);
}

uint64_t chain_read(struct chain *c, uint64_t offset, uint32_t count)
{
	uint64_t value = 0;

	check_eq(vuser_client_read(c->client, VFIO_PCI_BAR0_REGION_INDEX,
				   offset, &value, count),
		 0);
	return value;
}

void chain_write(struct chain *c, uint64_t offset, uint32_t count,
		 uint64_t value)
{
	check_eq(vuser_client_write(c->client, VFIO_PCI_BAR0_REGION_INDEX,
				    offset, &value, count),
		 0);
}

void chain_map(struct chain *c, uint64_t iova, uint64_t size, int fd)
{
	check_eq(vuser_client_dma_map(c->client, iova, size,
				      VFIO_USER_DMA_MAP_READ |
					      VFIO_USER_DMA_MAP_WRITE,
				      fd, 0),
		 0);
}

void chain_irq(struct chain *c, uint32_t vector, int fd)
{
	check_eq(vuser_client_set_irqs(c->client,
				       VFIO_IRQ_SET_DATA_EVENTFD |
					       VFIO_IRQ_SET_ACTION_TRIGGER,
				       VFIO_PCI_MSIX_IRQ_INDEX, vector, 1, NULL,
				       &fd),
		 0);
}

void chain_drive(struct chain *c, uint64_t features, uint16_t queue,
		 uint16_t size, const uint64_t ring[3])
{
	features |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
	chain_write(c, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	chain_write(c, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	chain_write(c, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	chain_write(c, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)features);
	chain_write(c, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	chain_write(c, VIRTIO_PCI_COMMON_GF, 4, features >> 32);
	chain_write(c, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	require(chain_read(c, VIRTIO_PCI_COMMON_STATUS, 1) == 0xb);
	chain_write(c, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	chain_write(c, VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
	chain_write(c, VIRTIO_PCI_COMMON_Q_MSIX, 2, queue + 1);
	chain_write(c, VIRTIO_PCI_COMMON_Q_DESCLO, 8, ring[0]);
	chain_write(c, VIRTIO_PCI_COMMON_Q_AVAILLO, 8, ring[1]);
	chain_write(c, VIRTIO_PCI_COMMON_Q_USEDLO, 8, ring[2]);
	chain_write(c, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	chain_write(c, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	require(chain_read(c, VIRTIO_PCI_COMMON_STATUS, 1) == 0xf);
}

void chain_kick(struct chain *c, uint16_t queue)
{
	chain_write(c, VHOST_BAR_NOTIFY + queue * VHOST_NOTIFY_MULTIPLIER, 2,
		    queue);
}

int chain_go(struct chain *c, uint32_t to)
{
	struct vfio_device_feature_mig_state state = { .device_state = to };
	ssize_t ret;

	ret = vuser_client_feature(c->client,
				   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				   &state, sizeof(state), sizeof(state));
	return ret < 0 ? ret : 0;
}

size_t chain_save(struct chain *c, void *buf, size_t size)
{
	const uint32_t part = 4096;
	size_t len = 0;
	ssize_t got;

	do {
		require(len + part <= size);
		got = vuser_client_mig_read(c->client, (char *)buf + len, part);
		require(got >= 0);
		len += got;
	} while (got == (ssize_t)part);
	return len;
}

int chain_load(struct chain *c, const void *buf, size_t len)
{
	size_t pos, part;
	int ret = 0;

	for (pos = 0; pos < len && !ret; pos += part) {
		part = len - pos < 4096 ? len - pos : 4096;
		ret = vuser_client_mig_write(c->client, (char *)buf + pos,
					     part);
	}
	return ret;
}

int chain_log(struct chain *c, bool on)
{
	struct vfio_user_log_control control = { .page_size = 4096 };
	const uint32_t start = VFIO_DEVICE_FEATURE_DMA_LOGGING_START;
	const uint32_t stop = VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP;
	size_t len = on ? sizeof(control) : 0;
	ssize_t ret;

	ret = vuser_client_feature(
		c->client, VFIO_DEVICE_FEATURE_SET | (on ? start : stop),
		&control, len, len);
	return ret < 0 ? ret : 0;
}

uint64_t chain_report(struct chain *c, uint64_t iova)
{
	uint64_t msg[4] = { iova, 64 * 4096, 4096, 0 };

	check_eq(vuser_client_feature(
			 c->client,
			 VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
			 msg, 24, sizeof(msg)),
		 sizeof(msg));
	return msg[3];
}
