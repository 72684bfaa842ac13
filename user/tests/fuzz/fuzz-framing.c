// SPDX-License-Identifier: GPL-2.0
/* Framing: any bytes, in pieces of any size, with any number of fds. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "stream.h"

#define MAX_SIZE 0x8000

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	return 0;
}

static void check_message(const struct vuser_msg *msg, uint32_t max_fds)
{
	FUZZ_CHECK(msg->hdr.msg_size >= sizeof(msg->hdr));
	FUZZ_CHECK(msg->hdr.msg_size <= MAX_SIZE);
	FUZZ_CHECK(msg->len == msg->hdr.msg_size - sizeof(msg->hdr));
	FUZZ_CHECK(msg->got == msg->hdr.msg_size);
	FUZZ_CHECK(!msg->len == !msg->payload);
	FUZZ_CHECK(msg->nr_fds <= max_fds);
}

/* Receive all messages; return 0, or why the stream cannot be used any more. */
static int receive(int fd, struct vuser_msg *msg, uint32_t max_fds)
{
	int ret, taken;

	while (!(ret = vuser_msg_recv(fd, msg, MAX_SIZE, max_fds))) {
		check_message(msg, max_fds);
		taken = vuser_msg_take_fd(msg, msg->hdr.msg_id % 4);
		if (taken >= 0)
			close(taken);
		else
			FUZZ_CHECK(taken == -EINVAL);
		vuser_msg_clear(msg);
	}
	if (ret == -EAGAIN)
		return 0;
	FUZZ_CHECK(!msg->nr_fds && !msg->payload && !msg->got);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint32_t max_fds = fuzz_u8(&in);
	struct stream_peer peer;
	struct vuser_msg msg;
	struct record rec;
	int fds[2], ret = 0;

	if (max_fds > VUSER_MAX_MSG_FDS)
		max_fds = VUSER_MAX_MSG_FDS;
	fuzz_fds_begin();
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	stream_peer_init(&peer, fds[0]);
	vuser_msg_init(&msg);
	while (!ret && stream_next(&in, &rec)) {
		stream_send(&peer, &rec);
		if (!(rec.flags & RECORD_MORE))
			ret = receive(fds[1], &msg, max_fds);
	}
	stream_peer_close(&peer);
	if (!ret)
		ret = receive(fds[1], &msg, max_fds);
	FUZZ_CHECK(ret);
	vuser_msg_clear(&msg);
	close(fds[1]);
	fuzz_fds_end();
	return 0;
}
