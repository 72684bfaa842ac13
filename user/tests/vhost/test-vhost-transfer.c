// SPDX-License-Identifier: GPL-2.0
/*
 * The pipe that transfers a back end's state, and the files that a back end may send
 * instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../devices/vhost/transfer.h"
#include "../harness.h"
#include "../vhost-user/fake.h"

#define SAVE VHOST_USER_STATE_SAVE
#define LOAD VHOST_USER_STATE_LOAD

static struct fake fake;
static struct vhost_backend *b;
static struct vhost_transfer transfer;

/* The back end's end of the pipe, and an fd for its reply. */
static int backend_end, other;

static enum fake_action hook(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_SET_DEVICE_STATE_FD)
		return FAKE_DEFAULT;
	backend_end = f->fds[0];
	f->fds[0] = -1;
	f->reply.payload.u64 = other < 0 ? VHOST_USER_STATE_NOFD : 0;
	f->reply_fd = other;
	other = -1;
	return FAKE_SEND;
}

static int wait_briefly(void *ctx, struct pollfd *fd)
{
	check(!ctx);
	return poll(fd, 1, 50) ? 0 : -ETIMEDOUT;
}

static void setup(void)
{
	const struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
	};
	int front = fake_init(&fake);

	signal(SIGPIPE, SIG_IGN);
	backend_end = other = -1;
	transfer = (struct vhost_transfer) { .fd = -1, .wait = wait_briefly };
	fake.hook = hook;
	fake_start(&fake);
	require(!vhost_backend_new(&opt, &b));
	require(!vhost_backend_connect_fd(b, front));
}

static void teardown(void)
{
	vhost_transfer_abort(&transfer);
	if (backend_end >= 0)
		close(backend_end);
	vhost_backend_free(b);
	fake_stop(&fake);
}

static int start(uint32_t direction)
{
	const char *why = NULL;
	int ret = vhost_transfer_start(&transfer, b, direction, &why);

	if (ret)
		check(why && *why);
	check_eq(ret ? transfer.fd : 0, ret ? -1 : 0);
	return ret;
}

TEST(state_is_read_until_the_back_end_closes_the_pipe)
{
	char buf[8] = "";

	setup();
	check_eq(start(SAVE), 0);
	check_eq(write(backend_end, "abc", 3), 3);
	check_eq(vhost_transfer_read(&transfer, buf, sizeof(buf)), 3);
	check(!strcmp(buf, "abc"));
	/* The back end writes nothing and keeps the pipe open. */
	check_eq(vhost_transfer_read(&transfer, buf, sizeof(buf)), -ETIMEDOUT);
	close(backend_end);
	backend_end = -1;
	check_eq(vhost_transfer_read(&transfer, buf, sizeof(buf)), 0);
	check_eq(vhost_transfer_finish(&transfer, b), 0);
	check_eq(fake.seen[VHOST_USER_CHECK_DEVICE_STATE], 1);
	check_eq(transfer.fd, -1);
	vhost_transfer_abort(&transfer);
	teardown();
}

TEST(write_times_out_or_fails_if_the_back_end_does_not_read)
{
	static char large[1 << 20];
	char buf[4];

	setup();
	check_eq(start(LOAD), 0);
	check_eq(vhost_transfer_write(&transfer, "abc", 3), 0);
	check_eq(read(backend_end, buf, sizeof(buf)), 3);
	/* More than the pipe holds, and the back end does not read. */
	check_eq(vhost_transfer_write(&transfer, large, sizeof(large)),
		 -ETIMEDOUT);
	close(backend_end);
	backend_end = -1;
	check_eq(vhost_transfer_write(&transfer, "abc", 3), -EPIPE);
	teardown();
}

TEST(another_file_of_the_back_end_is_used_if_it_cannot_block)
{
	char buf[4];
	int pair[2];

	setup();
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	other = pair[0];
	check_eq(start(SAVE), 0);
	check_eq(write(pair[1], "abc", 3), 3);
	check_eq(vhost_transfer_read(&transfer, buf, sizeof(buf)), 3);
	/* The file may block at the back end, but must not block here. */
	check_eq(vhost_transfer_read(&transfer, buf, sizeof(buf)), -ETIMEDOUT);
	close(pair[1]);
	teardown();
	/* Regular files and devices could block for any time. */
	setup();
	other = memfd_create("state", MFD_CLOEXEC);
	check_eq(start(SAVE), -EPROTO);
	check(vhost_backend_connected(b));
	teardown();
	setup();
	other = open("/dev/zero", O_RDWR | O_CLOEXEC);
	check_eq(start(LOAD), -EPROTO);
	teardown();
}
