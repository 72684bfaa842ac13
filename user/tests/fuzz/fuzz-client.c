// SPDX-License-Identifier: GPL-2.0
/*
 * The complete client against a server that replies as the input says.  After
 * the handshake, each byte of the input's first part is a call.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/client.h>

#include "stream.h"

#define NR_CALLS 12

static struct fuzz_in input;
static struct stream_peer server, twin;
static int event_fd;

static int dma_read(void *data, uint64_t address, void *buf, size_t count)
{
	(void)data;
	memset(buf, address, count);
	return address & 1 ? -EFAULT : 0;
}

static int dma_write(void *data, uint64_t address, const void *buf,
		     size_t count)
{
	(void)data;
	free(fuzz_copy(buf, count));
	return address & 1 ? -EFAULT : 0;
}

static const struct vuser_client_ops ops = {
	.struct_size = sizeof(ops),
	.dma_read = dma_read,
	.dma_write = dma_write,
};

/* The client waits: send the server's next message, or hang up. */
static bool on_wait(void)
{
	struct record rec;

	stream_drain(&server);
	stream_drain(&twin);
	if (stream_next(&input, &rec)) {
		stream_send(rec.flags & RECORD_TWIN ? &twin : &server, &rec);
		return true;
	}
	shutdown(server.fd, SHUT_RDWR);
	return false;
}

static void call(struct vuser_client *client, uint8_t which)
{
	struct vfio_user_single_write wr = { .region = 1, .count = 4 };
	uint8_t buf[64] = { 0 };
	uint64_t done;

	switch (which % NR_CALLS) {
	case 0:
		vuser_client_read(client, 1, 8, buf, sizeof(buf));
		break;
	case 1:
		vuser_client_write(client, 1, 8, buf, sizeof(buf));
		break;
	case 2:
		vuser_client_post(client, 1, 8, buf, sizeof(buf));
		break;
	case 3:
		if (!vuser_client_write_multi(client, &wr, 1, &done))
			FUZZ_CHECK(done <= 1);
		break;
	case 4:
		vuser_client_set_irqs(client,
				      VFIO_IRQ_SET_DATA_EVENTFD |
					      VFIO_IRQ_SET_ACTION_TRIGGER,
				      2, 0, 1, NULL, &event_fd);
		break;
	case 5:
		vuser_client_dma_map(client, 0x1000, 0x1000, 3, event_fd, 0);
		break;
	case 6:
		vuser_client_dma_unmap(client, 0x1000, 0x1000);
		break;
	case 7:
		vuser_client_reset(client);
		break;
	case 8:
		FUZZ_CHECK(vuser_client_feature(
				   client, VFIO_DEVICE_FEATURE_GET | 2, buf, 8,
				   sizeof(buf)) <= (ssize_t)sizeof(buf));
		break;
	case 9:
		vuser_client_process(client, 1);
		break;
	case 10:
		FUZZ_CHECK(vuser_client_command(client, which, buf, 8, NULL, 0,
						buf, sizeof(buf)) <=
			   (ssize_t)sizeof(buf));
		break;
	default:
		vuser_client_dma_unmap(client, 0, UINT64_MAX);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in calls = { data, size };
	struct vuser_client_options opt = { .struct_size = sizeof(opt) };
	struct vuser_client *client;
	size_t nr_calls;
	uint8_t flags;
	int fds[2];

	flags = fuzz_u8(&calls);
	opt.no_twin = flags & 1;
	opt.minor_0 = flags & 2;
	if (flags & 4)
		opt.max_msg_fds = 1;
	opt.max_data_xfer_size = flags & 8 ? 16 : 0x8000;
	nr_calls = flags >> 4;
	input = calls;
	calls.pos = fuzz_bytes(&input, &nr_calls);
	calls.left = nr_calls;

	stream_peer_init(&twin, stream_new_pair());
	fuzz_fds_begin();
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	stream_peer_init(&server, fds[0]);
	stream_on_wait = on_wait;
	if (!vuser_client_new_fd(fds[1], &opt, -1, &ops, NULL, &client)) {
		FUZZ_CHECK(vuser_client_description(client));
		while (calls.left)
			call(client, fuzz_u8(&calls));
		vuser_client_free(client);
	}
	stream_on_wait = NULL;
	stream_peer_close(&server);
	fuzz_fds_end();
	return 0;
}
