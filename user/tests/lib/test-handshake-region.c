// SPDX-License-Identifier: GPL-2.0
/* The client's handshake: regions and their descriptors. */
#include <errno.h>
#include <string.h>

#include "../harness.h"
#include "../wire.h"
#include "liar.h"

/* Run the handshake and return region 2. */
static struct vuser_region region2(struct liar *server,
				   struct vuser_description **desc)
{
	require(!liar_run(server, NULL, desc));
	return (*desc)->regions[2];
}

TEST(region_that_cannot_be_mapped_is_trapped)
{
	struct vuser_description *desc;
	struct vuser_region region;
	struct liar server;
	int before = wire_count_fds();

	/* A size below a page, and an unaligned offset: trapped. */
	liar_init(&server);
	server.region2.size = 0xfff;
	region = region2(&server, &desc);
	check_eq(region.flags, 3);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	server.region2.size = 0x8000;
	server.region2.offset = 0x1001;
	region = region2(&server, &desc);
	check_eq(region.nr_areas, 0);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	/* The partial page at the end is trapped. */
	server.region2.offset = 0;
	server.region2.size = 0x1801;
	region = region2(&server, &desc);
	require(region.nr_areas == 1);
	check_eq(region.areas[0].size, 0x1000);
	vuser_description_free(desc);
	/* Beyond the largest file offset. */
	server.region2.offset = INT64_MAX & ~0xfffll;
	check_eq(liar_run(&server, NULL, &desc), -EPROTO);
	server.region2.offset = UINT64_MAX & ~0xfffull;
	check_eq(liar_run(&server, NULL, &desc), -EPROTO);
	liar_fini(&server);
	check(wire_await_fds(before));
}

TEST(region_fd_without_mmap_flag_or_mmap_flag_without_fd_is_ignored)
{
	struct vfio_user_region_info info = { 32, 7, 2, 0, 0x1000, 0 };
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = 2,
			   .payload = &info,
			   .len = 32 };
	struct vuser_description *desc;
	struct liar server;
	int before;

	/* No fd despite the flag; an fd without the flag; several fds. */
	before = wire_count_fds();
	liar_init(&server);
	server.lie = &lie;
	check_eq(region2(&server, &desc).flags, 3);
	vuser_description_free(desc);
	lie.fds[0] = server.memory;
	lie.fds[1] = server.event;
	lie.nr_fds = 2;
	info.flags = 3;
	check_eq(region2(&server, &desc).fd, -1);
	vuser_description_free(desc);
	info.flags = 7;
	check(region2(&server, &desc).fd >= 0);
	vuser_description_free(desc);
	liar_fini(&server);
	check(wire_await_fds(before));
}

TEST(configuration_space_without_flags_can_be_read_and_written)
{
	struct vfio_user_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
		.size = 256,
	};
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = VFIO_PCI_CONFIG_REGION_INDEX,
			   .payload = &info,
			   .len = sizeof(info) };
	struct vuser_description *desc;
	struct liar server;

	liar_init(&server);
	server.lie = &lie;
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags,
		 VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	vuser_description_free(desc);
	/* Flags that the server reports are kept. */
	info.flags = VFIO_REGION_INFO_FLAG_READ;
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags,
		 VFIO_REGION_INFO_FLAG_READ);
	vuser_description_free(desc);
	/* A region that does not exist gets no flags. */
	info.flags = info.size = 0;
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags, 0);
	vuser_description_free(desc);
	liar_fini(&server);
}

TEST(sparse_areas_are_sorted_and_unaligned_ones_dropped)
{
	static const struct vuser_region_caps caps = {
		.struct_size = sizeof(caps),
		.has_sparse = true,
		.nr_areas = 4,
		/* The second and the last area cannot be mapped. */
		.areas = { { 0x7000, 0x1000 },
			   { 0x4800, 0x1000 },
			   { 0x1000, 0x1000 },
			   { 0x3000, 0x800 } },
		.has_type = true,
		.type = 3,
	};
	static const struct vuser_region_caps none = {
		.struct_size = sizeof(none),
		.has_sparse = true,
	};
	struct vuser_description *desc;
	struct vuser_region region;
	struct liar server;

	liar_init(&server);
	server.caps = &caps;
	region = region2(&server, &desc);
	require(region.nr_areas == 2);
	check_eq(region.areas[0].offset, 0x1000);
	check_eq(region.areas[0].file_offset, 0x2000);
	check_eq(region.areas[1].offset, 0x7000);
	check_eq(region.type, 3);
	vuser_description_free(desc);
	server.caps = &none;
	region = region2(&server, &desc);
	check_eq(region.nr_areas, 0);
	check_eq(region.flags, 3);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	liar_fini(&server);
}

TEST(capabilities_larger_than_the_limit_fail_the_handshake)
{
	struct vfio_user_region_info info = {
		.argsz = 8192,
		.index = 2,
		.size = 0x1000,
		.flags = 3 | VFIO_REGION_INFO_FLAG_CAPS,
	};
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = 2,
			   .payload = &info,
			   .len = 32 };

	/* The client asks once more, and then fails. */
	check_eq(liar_result(&lie), -EPROTO);
	info.argsz = UINT32_MAX;
	check_eq(liar_result(&lie), -EPROTO);
	info.argsz = 1 << 20;
	check_eq(liar_result(&lie), -EPROTO);
	info.argsz = 33;
	check_eq(liar_result(&lie), -EPROTO);
}

TEST(io_fds_that_the_kernel_cannot_use_are_dropped)
{
	struct vfio_user_io_fd io[5] = {
		{ .offset = 0x10, .size = 4 },
		{ .offset = 0x20, .size = 3 },
		{ .offset = 0x30,
		  .size = 8,
		  .type = VFIO_USER_IO_FD_TYPE_IOREGIONFD },
		{ .offset = 0x40, .size = 0, .flags = 1, .data = 5 },
		{ .offset = 0x50, .size = 8, .flags = 8 },
	};
	struct vuser_description *desc;
	struct vuser_region region;
	struct liar server;
	int before = wire_count_fds();

	/* The kernel supports only the first and the fourth entry. */
	liar_init(&server);
	server.io_fds = io;
	server.nr_io_fds = 5;
	region = region2(&server, &desc);
	require(region.nr_io_fds == 2);
	check_eq(region.io_fds[0].offset, 0x10);
	check_eq(region.io_fds[1].offset, 0x40);
	check_eq(region.io_fds[1].datamatch, 5);
	check_eq(region.nr_fds, 1);
	check_eq(region.io_fds[0].fd, region.fds[0]);
	vuser_description_free(desc);
	io[4].fd_index = 1;
	check_eq(liar_run(&server, NULL, &desc), -EPROTO);
	io[4].fd_index = 0;
	io[4].offset = 0x8000;
	check_eq(liar_run(&server, NULL, &desc), -EPROTO);
	liar_fini(&server);
	check(wire_await_fds(before));
}

/* The payload of libvfio-user's reply: one entry of 48 bytes. */
struct shadow_reply {
	struct vfio_user_region_io_fds head;
	struct vfio_user_io_fd_shadow io_fd;
};

TEST(shadow_ioeventfd_of_libvfio_user_is_left_out)
{
	/* As libvfio-user sends it, little endian. */
	static const uint8_t payload[64] = {
		64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, /* head */
		0,  0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, /* range */
		0,  0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, /* type 2 */
		0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	struct vuser_description *desc;
	int before = wire_count_fds();
	struct liar server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = payload,
		.len = sizeof(payload),
		.nr_fds = 2,
	};

	liar_init(&server);
	lie.fds[0] = server.event;
	lie.fds[1] = server.memory;
	server.lie = &lie;
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->regions[0].nr_io_fds, 0);
	/* The handshake goes on to the last command. */
	check_eq(desc->regions[2].size, 0x8000);
	check_eq(desc->irqs[4].count, 2);
	vuser_description_free(desc);
	liar_fini(&server);
	check(wire_await_fds(before));
}

TEST(datamatch_of_libvfio_user_is_read_at_its_offset)
{
	struct shadow_reply reply = {
		.head = { .argsz = sizeof(reply), .count = 1 },
		.io_fd = {
			.offset = 8,
			.size = 4,
			.type = VFIO_USER_IO_FD_TYPE_IOEVENTFD,
			.flags = VFIO_USER_IOEVENTFD_DATAMATCH,
			.data = 7,
		},
	};
	struct vuser_description *desc;
	struct liar server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = &reply,
		.len = sizeof(reply),
		.nr_fds = 1,
	};

	liar_init(&server);
	lie.fds[0] = server.event;
	server.lie = &lie;
	require(!liar_run(&server, NULL, &desc));
	require(desc->regions[0].nr_io_fds == 1);
	check_eq(desc->regions[0].io_fds[0].offset, 8);
	check_eq(desc->regions[0].io_fds[0].size, 4);
	check_eq(desc->regions[0].io_fds[0].flags,
		 VFIO_USER_IOEVENTFD_DATAMATCH);
	check_eq(desc->regions[0].io_fds[0].datamatch, 7);
	vuser_description_free(desc);
	liar_fini(&server);
}

TEST(error_about_the_size_of_io_fds_names_the_sizes)
{
	struct shadow_reply reply = {
		.head = { .argsz = sizeof(reply.head) + 44, .count = 1 },
	};
	struct vuser_description *desc;
	struct liar server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = &reply,
		.len = sizeof(reply.head) + 44,
	};

	liar_init(&server);
	server.lie = &lie;
	check_eq(liar_run(&server, NULL, &desc), -EPROTO);
	check(strstr(liar_error, "malformed reply to DEVICE_GET_REGION_IO_FDS 0"
				 " (60 bytes): argsz 60, count 1:"
				 " an entry has 40 or 48 bytes"));
	liar_fini(&server);
}
