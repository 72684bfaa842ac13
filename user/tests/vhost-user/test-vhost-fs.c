// SPDX-License-Identifier: GPL-2.0
/*
 * The front end with virtiofsd, which has features that no other back end in
 * Debian has.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vuser/sock.h>
#include <vhost-user/backend.h>

#include "../harness.h"

#define P(name)	 VHOST_USER_PROTOCOL(name)
#define PATIENCE 20000
#define WANTED                                                            \
	(P(MQ) | P(REPLY_ACK) | P(BACKEND_REQ) | P(CONFIGURE_MEM_SLOTS) | \
	 P(LOG_SHMFD) | P(DEVICE_STATE))

static char dir[] = "/tmp/test-vhost-XXXXXX";
static char sock[64];
static pid_t child;
static struct vhost_backend *b;

/* virtiofsd gets a socket that already listens, so the test need not wait. */
static void start(void)
{
	const struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = WANTED,
		.timeout_ms = PATIENCE,
	};
	char fd_arg[32];
	int fd;

	require(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s.sock", dir);
	fd = vuser_sock_listen(sock);
	require(fd >= 0);
	child = fork();
	if (!child) {
		snprintf(fd_arg, sizeof(fd_arg), "--fd=%d", fd);
		fcntl(fd, F_SETFD, 0);
		fcntl(fd, F_SETFL, 0);
		execl(VIRTIOFSD, VIRTIOFSD, fd_arg, "--shared-dir", dir,
		      "--sandbox", "none", "--log-level", "off", NULL);
		_exit(127);
	}
	close(fd);
	require(child > 0);
	require(!vhost_backend_new(&opt, &b));
	check_eq(vhost_backend_connect(b, sock), 0);
	if (vhost_backend_error(b)[0])
		printf("# %s\n", vhost_backend_error(b));
	require(vhost_backend_connected(b));
}

/* virtiofsd exits when its connection ends. */
static void stop(void)
{
	int status = -1;

	vhost_backend_free(b);
	check_eq(waitpid(child, &status, 0), child);
	check_eq(status, 0);
	unlink(sock);
	rmdir(dir);
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
}

static void set_up(void)
{
	const uint64_t features = 1ULL << VIRTIO_F_VERSION_1;

	check_eq(vhost_backend_set_features(b, features), 0);
}

TEST(front_end_negotiates_with_virtiofsd)
{
	struct vhost_region memory = { .region = { .guest_addr = 1 << 20,
						   .user_addr = 1 << 21,
						   .size = 1 << 16 } };
	uint32_t base = 1;

	start();
	check(vhost_backend_has(b, WANTED));
	check(vhost_backend_queues(b) >= 2);
	check(vhost_backend_mem_slots(b) >= VHOST_USER_MAX_REGIONS);
	set_up();
	memory.fd = memfd_create("guest", MFD_CLOEXEC);
	require(!ftruncate(memory.fd, memory.region.size));
	check_eq(vhost_backend_add_mem_reg(b, &memory), 0);
	check_eq(vhost_backend_set_log_base(b, 4096, 0, memory.fd), 0);
	check_eq(vhost_backend_set_vring_num(b, 1, 128), 0);
	check_eq(vhost_backend_set_vring_base(b, 1, 0), 0);
	check_eq(vhost_backend_get_vring_base(b, 1, &base), 0);
	check_eq(base, 0);
	check_eq(vhost_backend_rem_mem_reg(b, &memory.region), 0);
	/* A nonexistent region. */
	check_eq(vhost_backend_rem_mem_reg(b, &memory.region), -EREMOTEIO);
	check(vhost_backend_connected(b));
	close(memory.fd);
	stop();
}

/* Read the device's complete state from a pipe. */
static size_t save(char *state, size_t size)
{
	int pair[2], other = -1;
	size_t len = 0;
	ssize_t got;

	require(!pipe2(pair, O_CLOEXEC));
	check_eq(vhost_backend_set_device_state_fd(b, VHOST_USER_STATE_SAVE,
						   VHOST_USER_PHASE_STOPPED,
						   pair[1], &other),
		 0);
	check_eq(other, -1);
	close(pair[1]);
	while ((got = read(pair[0], state + len, size - len)) > 0)
		len += got;
	check_eq(got, 0);
	close(pair[0]);
	return len;
}

static int load(const char *state, size_t len)
{
	int pair[2], other = -1;

	require(!pipe2(pair, O_CLOEXEC));
	check_eq(vhost_backend_set_device_state_fd(b, VHOST_USER_STATE_LOAD,
						   VHOST_USER_PHASE_STOPPED,
						   pair[0], &other),
		 0);
	check_eq(other, -1);
	close(pair[0]);
	check_eq(write(pair[1], state, len), (ssize_t)len);
	close(pair[1]);
	return vhost_backend_check_device_state(b);
}

TEST(device_state_is_saved_and_loaded_and_garbage_refused)
{
	static char state[65536];
	size_t len;

	start();
	set_up();
	len = save(state, sizeof(state));
	check(len > 0);
	check_eq(vhost_backend_check_device_state(b), 0);
	stop();
	start();
	set_up();
	check_eq(load(state, len), 0);
	stop();
	/* Data that is not a device state is refused. */
	start();
	set_up();
	check_eq(load("not a device state", 15), -EREMOTEIO);
	check(vhost_backend_connected(b));
	stop();
}
