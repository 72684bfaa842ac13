// SPDX-License-Identifier: GPL-2.0
/*
 * A server that is hostile from its first message on: the handshake, its
 * description, the configuration space, and the netlink message that vuserd
 * makes of these.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/client.h>

#include "../../vuserd/attach.h"
#include "../../vuserd/config.h"
#include "netlink.h"
#include "stream.h"

static struct fuzz_in input;
static struct stream_peer server;

/* Send the server's next message; return false if the server hung up. */
static bool answer(void)
{
	struct record rec;

	stream_drain(&server);
	if (stream_next(&input, &rec)) {
		stream_send(&server, &rec);
		return true;
	}
	shutdown(server.fd, SHUT_RDWR);
	return false;
}

static void check_region(const struct vuser_region *region)
{
	const struct vuser_area *area;
	uint64_t end = 0;
	uint32_t i;

	FUZZ_CHECK(region->nr_areas <= VUSER_MAX_AREAS);
	FUZZ_CHECK(!region->nr_areas == (region->fd < 0));
	FUZZ_CHECK(!region->nr_areas ==
		   !(region->flags & VFIO_REGION_INFO_FLAG_MMAP));
	for (i = 0; i < region->nr_areas; i++) {
		area = &region->areas[i];
		FUZZ_CHECK(area->size && area->offset >= end);
		FUZZ_CHECK(!((area->size | area->offset | area->file_offset) %
			     4096));
		FUZZ_CHECK(area->file_offset + area->size <= INT64_MAX);
		end = area->offset + area->size;
		FUZZ_CHECK(end <= region->size);
	}
	FUZZ_CHECK(region->nr_io_fds <= VUSER_MAX_IOEVENTFDS);
	for (i = 0; i < region->nr_io_fds; i++) {
		FUZZ_CHECK(region->io_fds[i].fd >= 0);
		FUZZ_CHECK(region->io_fds[i].offset < region->size);
		FUZZ_CHECK(region->io_fds[i].size <=
			   region->size - region->io_fds[i].offset);
	}
}

static void check_description(const struct vuser_description *desc)
{
	uint32_t i;

	FUZZ_CHECK(desc->sock >= 0);
	FUZZ_CHECK(desc->nr_regions <= VUSER_MAX_REGIONS);
	FUZZ_CHECK(desc->nr_irqs <= VUSER_MAX_IRQ_INDEXES);
	for (i = 0; i < desc->nr_regions; i++)
		check_region(&desc->regions[i]);
	for (i = 0; i < desc->nr_irqs; i++)
		FUZZ_CHECK(desc->irqs[i].count <= VUSER_MAX_IRQS);
}

static void attach_it(const struct vuser_description *desc,
		      const struct config *config)
{
	struct vnl_sock nl;

	netlink_open(&nl, NULL, 0);
	FUZZ_CHECK(attach(&nl, 1, 2, desc, config->data, config->done, false) !=
		   -EMSGSIZE);
	FUZZ_CHECK(attach(&nl, 1, 2, desc, config->data, config->done, true) !=
		   -EMSGSIZE);
	vnl_sock_close(&nl);
}

static void learned(struct vuser_description *desc)
{
	struct config config;
	int ret;

	check_description(desc);
	ret = config_start(&config, desc);
	while (ret == -EAGAIN) {
		answer();
		ret = config_step(&config);
	}
	FUZZ_CHECK(config.done <= sizeof(config.data));
	if (!ret)
		attach_it(desc, &config);
	config_clear(&config);
	vuser_description_free(desc);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vuser_client_options opt = { .struct_size = sizeof(opt) };
	struct vuser_description *desc;
	struct vuser_handshake *hs;
	int fds[2], ret;
	uint8_t flags;

	input = (struct fuzz_in) { data, size };
	flags = fuzz_u8(&input);
	opt.no_twin = flags & 1;
	opt.minor_0 = flags & 2;
	opt.max_msg_fds = flags >> 4;
	fuzz_fds_begin();
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	stream_peer_init(&server, fds[0]);
	FUZZ_CHECK(!vuser_handshake_new(fds[1], &opt, &hs));
	do {
		FUZZ_CHECK(vuser_handshake_fd(hs) >= 0);
		answer();
		ret = vuser_handshake_step(hs, &desc);
	} while (ret == -EAGAIN);
	FUZZ_CHECK(!ret || vuser_handshake_error(hs)[0]);
	vuser_handshake_free(hs);
	if (!ret)
		learned(desc);
	stream_peer_close(&server);
	fuzz_fds_end();
	return 0;
}
