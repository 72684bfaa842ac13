// SPDX-License-Identifier: GPL-2.0
/*
 * vuserd takes the result of a process that a hostile server has taken over: a right
 * result, of which the input changes any bytes, and any number of files.  A result that
 * is accepted has only numbers within its bounds, and its files are open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../libbase/stream.h"
#include "../../vuserd/result.h"
#include "fuzz.h"

/* Changes of one input. */
#define MAX_CHANGES 256

static struct result shared, own;
static int file;

/* A device with each kind of file, as result_put() writes it. */
static void put_right_result(int channel)
{
	struct vuser_area areas[2] = { { 0, 0x1000 }, { 0x2000, 0x1000 } };
	struct vuser_io_fd io_fds[3] = {};
	int eventfds[2] = { file, file };
	struct vuser_description desc = {
		.sock = file,
		.twin = file,
		.nr_regions = 9,
		.nr_irqs = 5,
	};
	unsigned int i;

	for (i = 0; i < VUSER_MAX_REGIONS; i++)
		desc.regions[i].fd = -1;
	desc.regions[1].fd = file;
	desc.regions[1].areas = areas;
	desc.regions[1].nr_areas = 2;
	for (i = 0; i < 3; i++)
		io_fds[i].fd = file;
	desc.regions[2].io_fds = io_fds;
	desc.regions[2].nr_io_fds = 3;
	desc.regions[2].fds = eventfds;
	desc.regions[2].nr_fds = 2;
	memset(&shared, 0, sizeof(shared));
	FUZZ_CHECK(!result_put(&shared, channel, &desc));
}

/* One of the numbers that result_take() checks. */
static uint32_t *number(uint8_t which, uint8_t index)
{
	switch (which % 8) {
	case 0:
		return &shared.nr_regions;
	case 1:
		return &shared.nr_io_fds;
	case 2:
		return &shared.nr_irqs;
	case 3:
		return &shared.config_size;
	case 4:
		return &shared.nr_eventfds[index % VUSER_MAX_REGIONS];
	case 5:
		return &shared.regions[index % VUSER_MAX_REGIONS].nr_areas;
	case 6:
		return &shared.io_fds[index].region;
	default:
		return &shared.io_fds[index].eventfd;
	}
}

/* Changes a number, or any byte. */
static void change(struct fuzz_in *in)
{
	uint8_t which = fuzz_u8(in);
	uint32_t at;

	if (which & 0x80) {
		at = fuzz_u32(in) % sizeof(shared);
		((uint8_t *)&shared)[at] = fuzz_u8(in);
		return;
	}
	at = fuzz_u8(in);
	*number(which, at) = which & 0x40 ? fuzz_u32(in) : fuzz_u16(in);
}

/* Sends @nr more files, in messages of up to as many as one can have. */
static void send_more(int channel, unsigned int nr)
{
	struct iovec iov = { .iov_base = (char[]) { 0 }, .iov_len = 1 };
	int fds[VU_STREAM_MAX_FDS];
	unsigned int i, some;

	for (i = 0; i < VU_STREAM_MAX_FDS; i++)
		fds[i] = file;
	for (; nr; nr -= some) {
		some = nr < VU_STREAM_MAX_FDS ? nr : VU_STREAM_MAX_FDS;
		FUZZ_CHECK(vu_stream_send(channel, &iov, 1, fds, some) == 1);
	}
}

static void check_region(const struct vuser_region *region)
{
	uint32_t i, j;

	FUZZ_CHECK(region->nr_areas <= VUSER_MAX_AREAS);
	FUZZ_CHECK(!region->nr_areas || (region->areas && region->fd >= 0));
	FUZZ_CHECK(region->fd < 0 || fcntl(region->fd, F_GETFD) >= 0);
	FUZZ_CHECK(region->nr_fds <= VUSER_MAX_IOEVENTFDS);
	FUZZ_CHECK(region->nr_io_fds <= VUSER_MAX_IOEVENTFDS);
	for (i = 0; i < region->nr_fds; i++)
		FUZZ_CHECK(fcntl(region->fds[i], F_GETFD) >= 0);
	for (i = 0; i < region->nr_io_fds; i++) {
		for (j = 0; region->fds[j] != region->io_fds[i].fd; j++)
			FUZZ_CHECK(j + 1 < region->nr_fds);
	}
}

static void check_result(const struct vuser_description *desc)
{
	uint32_t i;

	FUZZ_CHECK(own.config_size <= VUSER_CONFIG_MAX);
	FUZZ_CHECK(desc->nr_regions <= VUSER_MAX_REGIONS);
	FUZZ_CHECK(desc->nr_irqs <= VUSER_MAX_IRQ_INDEXES);
	FUZZ_CHECK(fcntl(desc->sock, F_GETFD) >= 0);
	FUZZ_CHECK(desc->twin < 0 || fcntl(desc->twin, F_GETFD) >= 0);
	for (i = 0; i < desc->nr_regions; i++)
		check_region(&desc->regions[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = open("/dev/null", O_RDWR | O_CLOEXEC);
	FUZZ_CHECK(file >= 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct vuser_description *desc;
	unsigned int i, more;
	int channel[2], ret;

	fuzz_fds_begin();
	FUZZ_CHECK(
		!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel));
	put_right_result(channel[1]);
	/* Mostly few files, sometimes more than any result has. */
	more = fuzz_u8(&in);
	more = more < 0xf8 ? more % 8 : (more - 0xf7) * 200;
	send_more(channel[1], more);
	for (i = 0; in.left && i < MAX_CHANGES; i++)
		change(&in);
	close(channel[1]);
	ret = result_take(&shared, channel[0], &own, &desc);
	close(channel[0]);
	FUZZ_CHECK(!ret || ret == -EBADMSG || ret == -ENFILE);
	if (!ret) {
		check_result(desc);
		vuser_description_free(desc);
	}
	fuzz_fds_end();
	return 0;
}
