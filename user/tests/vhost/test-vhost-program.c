// SPDX-License-Identifier: GPL-2.0
/* The program vuser-vhost as a process, with a scripted back end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "../../devices/vhost/stream.h"
#include "../../devices/vhost/virtio.h"
#include "peers.h"
#include "../harness.h"
#include "../vhost-user/fake.h"

#define PIECE 65536

static uint8_t stream[1 << 18];

/* The back end neither reads nor writes a state. */
static enum fake_action hook(struct fake *fake)
{
	if (fake->msg.hdr.request == VHOST_USER_SET_DEVICE_STATE_FD) {
		close(fake->fds[0]);
		fake->fds[0] = -1;
	}
	return FAKE_DEFAULT;
}

static void *serve(void *arg)
{
	struct fake *fake = arg;
	struct pollfd pfd = { .fd = fake->fd, .events = POLLIN };
	int listener = fake->fd;

	poll(&pfd, 1, -1);
	fake->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(listener);
	fake_start(fake);
	return NULL;
}

/* EPIPE must be an error, and SIGPIPE must not kill the program. */
TEST(closed_state_pipe_fails_the_load_and_not_the_program)
{
	struct fake fake;
	struct chain c;
	pthread_t thread;
	size_t len;

	peers_begin();
	close(fake_init(&fake));
	close(fake.fd);
	fake.hook = hook;
	fake.fd = vuser_sock_listen(peers_path("back"));
	require(fake.fd >= 0);
	require(!pthread_create(&thread, NULL, serve, &fake));
	chain_start(&c, "rng", peers_path("back"), "c");
	pthread_join(thread, NULL);
	check_eq(chain_go(&c, VFIO_DEVICE_STATE_STOP_COPY), 0);
	len = chain_save(&c, stream, sizeof(stream));
	/* Replace the end marker by a piece. */
	len -= VHOST_STREAM_PIECE;
	vhost_stream_piece(stream + len, PIECE);
	len += VHOST_STREAM_PIECE + PIECE;
	check_eq(chain_go(&c, VFIO_DEVICE_STATE_RESUMING), 0);
	check_eq(chain_load(&c, stream, len), -EPIPE);
	check_eq(vuser_client_reset(c.client), 0);
	chain_end(&c);
	fake_stop(&fake);
	peers_end();
}

TEST(sockets_of_both_sides_have_paths_longer_than_an_address)
{
	char deep[160], back[170], client[170];
	struct fake fake;
	struct chain c;
	pthread_t thread;

	peers_begin();
	snprintf(deep, sizeof(deep), "%0120d", 0);
	snprintf(back, sizeof(back), "%s/back", deep);
	snprintf(client, sizeof(client), "%s/c", deep);
	require(!mkdir(peers_path(deep), 0755));
	close(fake_init(&fake));
	close(fake.fd);
	fake.fd = vuser_sock_listen(peers_path(back));
	require(fake.fd >= 0);
	require(!pthread_create(&thread, NULL, serve, &fake));
	chain_start(&c, "rng", peers_path(back), client);
	pthread_join(thread, NULL);
	check_eq(vuser_client_reset(c.client), 0);
	chain_end(&c);
	check_eq(access(peers_path(client), F_OK), -1);
	fake_stop(&fake);
	peers_end();
}

/* A back end that takes memory and is silent from GET_VRING_BASE on. */
static enum fake_action fall_silent(struct fake *fake)
{
	if (fake->msg.hdr.request != VHOST_USER_GET_VRING_BASE)
		return FAKE_DEFAULT;
	eventfd_write(*(const int *)fake->data, 1);
	return FAKE_NOTHING;
}

static void begin_back_end(struct fake *fake, pthread_t *thread,
			   const char *name)
{
	close(fake_init(fake));
	close(fake->fd);
	fake->fd = vuser_sock_listen(peers_path(name));
	require(fake->fd >= 0);
	require(!pthread_create(thread, NULL, serve, fake));
}

TEST(device_is_served_while_the_back_end_of_another_does_not_reply)
{
	const uint64_t ring[3] = { 0x10000, 0x11000, 0x12000 };
	struct fake silent, other;
	struct chain a, b;
	pthread_t threads[2];
	uint8_t zero = 0;
	int reached, mem, i;

	peers_begin();
	reached = eventfd(0, EFD_CLOEXEC);
	mem = memfd_create("memory", MFD_CLOEXEC);
	require(reached >= 0 && mem >= 0 && !ftruncate(mem, 0x4000));
	begin_back_end(&silent, &threads[0], "silent");
	silent.hook = fall_silent;
	silent.data = &reached;
	begin_back_end(&other, &threads[1], "other");
	a.pid = peers_run((const char *const[]) {
		"vuser-vhost", "--device", "rng", "--back-end",
		peers_path("silent"), "--socket", peers_path("a"), "--device",
		"rng", "--back-end", peers_path("other"), "--socket",
		peers_path("b"), NULL });
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	chain_connect(&a, "a");
	chain_connect(&b, "b");
	chain_map(&a, ring[0], 0x4000, mem);
	chain_drive(&a, VIRTIO_BIT(VIRTIO_F_VERSION_1), 0, 16, ring);
	/* The reset of the first device waits for its back end. */
	check_eq(vuser_client_post(a.client, VFIO_PCI_BAR0_REGION_INDEX,
				   VIRTIO_PCI_COMMON_STATUS, &zero, 1),
		 0);
	check_eq(eventfd_read(reached, &(eventfd_t) { 0 }), 0);
	for (i = 0; i < 1000; i++)
		check_eq(chain_read(&b, VIRTIO_PCI_COMMON_NUMQ, 2), 1);
	/* It still waits: the connection to its back end is open. */
	check_eq(recv(silent.fd, &zero, 1, MSG_PEEK | MSG_DONTWAIT), -1);
	check_eq(errno, EAGAIN);
	vuser_client_free(b.client);
	chain_end(&a);
	fake_stop(&silent);
	fake_stop(&other);
	close(reached);
	close(mem);
	peers_end();
}

/* Where a program listens for back ends; peers_path() is for one thread. */
static char listener[64];

/* Connect as a back end that is a client, as soon as the program listens. */
static void join(struct fake *fake)
{
	int fd;

	close(fake_init(fake));
	close(fake->fd);
	while ((fd = vuser_sock_connect(listener)) < 0)
		poll(NULL, 0, 10);
	fake->fd = fd;
	/* A back end that cannot continue where another one stopped. */
	fake->protocol = VHOST_USER_PROTOCOL(MQ) |
			 VHOST_USER_PROTOCOL(REPLY_ACK) |
			 VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS);
	fake_start(fake);
}

static void *join_first(void *arg)
{
	join(arg);
	return NULL;
}

TEST(back_end_that_connects_is_served_and_may_connect_again)
{
	const uint64_t ring[3] = { 0x10000, 0x11000, 0x12000 };
	struct fake first, second;
	struct chain c;
	pthread_t thread;
	int mem;

	peers_begin();
	mem = memfd_create("memory", MFD_CLOEXEC);
	require(mem >= 0 && !ftruncate(mem, 0x4000));
	snprintf(listener, sizeof(listener), "%s", peers_path("back"));
	require(!pthread_create(&thread, NULL, join_first, &first));
	c.pid = peers_run((const char *const[]) {
		"vuser-vhost", "--device", "rng", "--listen", "--back-end",
		listener, "--socket", peers_path("c"), NULL });
	pthread_join(thread, NULL);
	chain_connect(&c, "c");
	chain_map(&c, ring[0], 0x4000, mem);
	chain_drive(&c, 0, 0, 16, ring);
	check_eq(first.seen[VHOST_USER_SET_VRING_KICK], 1);
	/* The second one waits until the first one is gone. */
	join(&second);
	shutdown(first.fd, SHUT_RDWR);
	while (!(chain_read(&c, VIRTIO_PCI_COMMON_STATUS, 1) &
		 VIRTIO_CONFIG_S_NEEDS_RESET))
		;
	/* This write needs no request, but is made after the connection. */
	while (!second.seen[VHOST_USER_SET_OWNER])
		chain_write(&c, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	chain_drive(&c, 0, 0, 16, ring);
	check_eq(second.seen[VHOST_USER_SET_VRING_KICK], 1);
	chain_end(&c);
	check_eq(access(listener, F_OK), -1);
	fake_stop(&first);
	fake_stop(&second);
	close(mem);
	peers_end();
}

TEST(program_that_waits_for_a_back_end_ends_on_sigterm)
{
	struct pollfd pfd = { .events = POLLIN };
	int status = -1;
	pid_t pid;

	peers_begin();
	pid = fork();
	if (!pid)
		peers_exec((const char *const[]) {
			"vuser-vhost", "--device", "rng", "--listen",
			"--back-end", peers_path("back"), "--socket",
			peers_path("c"), NULL });
	while (access(peers_path("back"), F_OK))
		poll(&pfd, 0, 10);
	kill(pid, SIGTERM);
	check_eq(waitpid(pid, &status, 0), pid);
	check_eq(status, 0);
	check_eq(access(peers_path("back"), F_OK), -1);
	peers_end();
}
