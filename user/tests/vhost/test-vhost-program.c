// SPDX-License-Identifier: GPL-2.0
/* The program vuser-vhost as a process, with a scripted back end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "../../devices/vhost/stream.h"
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
