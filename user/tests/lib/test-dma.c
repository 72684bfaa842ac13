// SPDX-License-Identifier: GPL-2.0
/*
 * DMA through mapped memory and through messages, from callbacks and threads.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "../harness.h"

#define READ	 VFIO_USER_DMA_MAP_READ
#define WRITE	 VFIO_USER_DMA_MAP_WRITE
#define MEM_SIZE 0x40000
#define MEM_IOVA 0x100000

/* A client whose memory is at MEM_IOVA for DMA_READ and DMA_WRITE. */
struct both {
	struct device *dev;
	struct vuser_client *client;
	char memory[MEM_SIZE];
	unsigned int reads;
	unsigned int writes;
	size_t longest;
};

static int dma_read(void *data, uint64_t address, void *buf, size_t count)
{
	struct both *both = data;

	if (address < MEM_IOVA || address - MEM_IOVA > MEM_SIZE - count)
		return -EFAULT;
	both->reads++;
	if (count > both->longest)
		both->longest = count;
	memcpy(buf, both->memory + (address - MEM_IOVA), count);
	return 0;
}

static int dma_write(void *data, uint64_t address, const void *buf,
		     size_t count)
{
	struct both *both = data;

	if (address < MEM_IOVA || address - MEM_IOVA > MEM_SIZE - count)
		return -EFAULT;
	both->writes++;
	if (count > both->longest)
		both->longest = count;
	memcpy(both->memory + (address - MEM_IOVA), buf, count);
	return 0;
}

static const struct vuser_client_ops ops = {
	.struct_size = sizeof(ops),
	.dma_read = dma_read,
	.dma_write = dma_write,
};

static struct both *setup(const struct vuser_server_config *config,
			  const struct vuser_client_options *opt)
{
	struct both *both = calloc(1, sizeof(*both));

	require(both);
	both->dev = device_new(config, NULL);
	require(both->dev);
	both->client = device_client(both->dev, opt, &ops, both);
	require(both->client);
	return both;
}

static void teardown(struct both *both)
{
	vuser_client_free(both->client);
	check(device_await(&both->dev->disconnects, 1));
	check_eq(both->dev->last_error, 0);
	check(device_await(&both->dev->unmaps, both->dev->maps));
	device_free(both->dev);
	free(both);
}

static int new_memory(size_t size)
{
	int fd = memfd_create("client", MFD_CLOEXEC);

	require(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

TEST(mapped_memory_is_accessed_without_messages)
{
	struct both *both = setup(NULL, NULL);
	struct vuser_server *server = both->dev->server;
	int fd = new_memory(0x10000);
	char *mem =
		mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct vuser_dma_ref ref;
	char buf[16];

	require(mem != MAP_FAILED);
	check_eq(vuser_client_dma_map(both->client, 0x5000, 0x2000,
				      READ | WRITE, fd, 0x3000),
		 0);
	check_eq(both->dev->maps, 1);
	strcpy(mem + 0x3000, "first");
	strcpy(mem + 0x4ff8, "last");
	check_eq(vuser_dma_read(server, 0x5000, buf, 8), 0);
	check(!strcmp(buf, "first"));
	check_eq(vuser_dma_read(server, 0x6ff8, buf, 8), 0);
	check(!strcmp(buf, "last"));
	check_eq(vuser_dma_read(server, 0x6ff9, buf, 8), -EFAULT);
	check_eq(vuser_dma_read(server, 0x4fff, buf, 8), -EFAULT);
	check_eq(vuser_dma_write(server, 0x5010, "new", 4), 0);
	check(!strcmp(mem + 0x3010, "new"));
	/* vuser_dma_get() returns a pointer to the same memory. */
	check_eq(vuser_dma_get(server, 0x5000, 0x2000, PROT_READ | PROT_WRITE,
			       &ref),
		 0);
	check(!strcmp(ref.ptr, "first"));
	vuser_dma_put(server, &ref);
	check_eq(vuser_dma_get(server, 0x5001, 0x2000, PROT_READ, &ref),
		 -EFAULT);
	check_eq(both->reads + both->writes, 0);
	check_eq(vuser_client_dma_unmap(both->client, 0x5000, 0x2000), 0);
	check_eq(vuser_dma_read(server, 0x5000, buf, 8), -EFAULT);
	munmap(mem, 0x10000);
	close(fd);
	teardown(both);
}

TEST(map_at_an_unaligned_file_offset_is_readable)
{
	struct both *both = setup(NULL, NULL);
	int fd = new_memory(0x4000);
	char buf[8];

	require(pwrite(fd, "odd", 4, 0x1234) == 4);
	check_eq(vuser_client_dma_map(both->client, 0x777, 0x100, READ, fd,
				      0x1234),
		 0);
	check_eq(vuser_dma_read(both->dev->server, 0x777, buf, 4), 0);
	check(!strcmp(buf, "odd"));
	close(fd);
	teardown(both);
}

/* A file is truncated after it was mapped. */
TEST(access_beyond_a_truncated_file_fails_with_eio_and_no_signal)
{
	struct both *both = setup(NULL, NULL);
	char buf[0x1000] = { 0 };
	int fd = new_memory(0x4000);

	check_eq(vuser_client_dma_map(both->client, 0, 0x4000, READ | WRITE, fd,
				      0),
		 0);
	require(!ftruncate(fd, 0x2000));
	check_eq(vuser_dma_read(both->dev->server, 0x1800, buf, 0x800), 0);
	check_eq(vuser_dma_read(both->dev->server, 0x1800, buf, 0x1000), -EIO);
	check_eq(vuser_dma_write(both->dev->server, 0x3000, buf, 1), -EIO);
	require(!ftruncate(fd, 0x4000));
	check_eq(vuser_dma_write(both->dev->server, 0x3000, buf, 1), 0);
	close(fd);
	teardown(both);
}

/* The disposition of SIGBUS; vuser_server_new() of other tests may have changed it. */
static void default_sigbus(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };

	require(!sigaction(SIGBUS, &dfl, NULL));
}

static bool has_sigbus_handler(void)
{
	struct sigaction sa;

	require(!sigaction(SIGBUS, NULL, &sa));
	return sa.sa_flags & SA_SIGINFO || sa.sa_handler != SIG_DFL;
}

TEST(truncated_file_is_survived_without_a_handler_of_sigbus)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.no_sigbus = true,
	};
	struct both *both;
	char buf[0x1000] = { 0 };
	int fd = new_memory(0x4000);
	struct vuser_server *server;

	default_sigbus();
	both = setup(&config, NULL);
	server = both->dev->server;
	check(!has_sigbus_handler());
	check_eq(vuser_client_dma_map(both->client, 0, 0x4000, READ | WRITE, fd,
				      0),
		 0);
	check_eq(vuser_dma_write(server, 0x17fc, "text", 4), 0);
	check_eq(vuser_dma_read(server, 0x17fc, buf, 4), 0);
	check(!memcmp(buf, "text", 4));
	require(!ftruncate(fd, 0x2000));
	check_eq(vuser_dma_read(server, 0x1800, buf, 0x800), 0);
	check_eq(vuser_dma_read(server, 0x1800, buf, 0x1000), -EIO);
	check_eq(vuser_dma_write(server, 0x3000, buf, 1), -EIO);
	close(fd);
	teardown(both);
	/* The default is to install the handler. */
	both = setup(NULL, NULL);
	check(has_sigbus_handler());
	teardown(both);
}

TEST(scatter_list_covers_adjacent_dma_regions)
{
	struct both *both = setup(NULL, NULL);
	struct vuser_server *server = both->dev->server;
	struct vuser_dma_ref refs[3];
	struct iovec iov[3];
	char buf[0x3000];
	int fd = new_memory(0x4000);

	/* In memory, the three regions are in another order than in the file. */
	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000,
				      READ | WRITE, fd, 0x3000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x2000, 0x1000,
				      READ | WRITE, fd, 0x1000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x3000, 0x1000, READ, fd,
				      0x2000),
		 0);
	require(pwrite(fd, "bc", 2, 0x1000) == 2);
	require(pwrite(fd, "a", 1, 0x3fff) == 1);
	require(pwrite(fd, "z", 1, 0x2000) == 1);
	check_eq(vuser_dma_sg_get(server, 0x1800, 0x2000, PROT_READ, refs, iov,
				  3),
		 3);
	check_eq(iov[0].iov_len, 0x800);
	check_eq(iov[1].iov_len, 0x1000);
	check_eq(iov[2].iov_len, 0x800);
	check_eq(vuser_dma_sg_read(server, iov, 3, 0x7ff, buf, 3), 0);
	check(!memcmp(buf, "abc", 3));
	check_eq(vuser_dma_sg_read(server, iov, 3, 0, buf, 0x2000), 0);
	check_eq(buf[0x1800], 'z');
	check_eq(vuser_dma_sg_read(server, iov, 3, 1, buf, 0x2000), -EINVAL);
	vuser_dma_sg_put(server, refs, 3);

	check_eq(vuser_dma_sg_get(server, 0x1800, 0x1000, PROT_WRITE, refs, iov,
				  2),
		 2);
	check_eq(vuser_dma_sg_write(server, iov, 2, 0x7ff, "XYZ", 3), 0);
	vuser_dma_sg_put(server, refs, 2);
	require(pread(fd, buf, 2, 0x1000) == 2);
	check(!memcmp(buf, "YZ", 2));

	/* On an error no reference is kept: the unmap is answered. */
	check_eq(vuser_dma_sg_get(server, 0x1000, 0x3000, PROT_READ, refs, iov,
				  2),
		 -ENOBUFS);
	check_eq(vuser_dma_sg_get(server, 0x1000, 0x3000, PROT_WRITE, refs, iov,
				  3),
		 -EACCES);
	check_eq(vuser_dma_sg_get(server, 0x1000, 0x3001, PROT_READ, refs, iov,
				  3),
		 -ENOBUFS);
	check_eq(vuser_dma_sg_get(server, 0x3000, 0x1001, PROT_READ, refs, iov,
				  3),
		 -EFAULT);
	check_eq(vuser_client_dma_unmap(both->client, 0x1000, 0x1000), 0);
	check_eq(vuser_client_dma_unmap(both->client, 0x3000, 0x1000), 0);
	close(fd);
	teardown(both);
}

/* A device may pass the client's file to another process. */
static void check_file_of_dma_region(bool keep)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.keep_dma_fds = keep,
	};
	struct both *both = setup(&config, NULL);
	struct vuser_dma_ref ref;
	struct stat ours, theirs;
	int fd = new_memory(0x10000);

	check_eq(vuser_client_dma_map(both->client, 0x5000, 0x2000,
				      READ | WRITE, fd, 0x3000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x8000, 0x1000,
				      READ | WRITE, -1, 0),
		 0);
	require(!vuser_dma_get(both->dev->server, 0x5800, 1, PROT_READ, &ref));
	if (keep) {
		check_eq(ref.region->fd_offset, 0x3000);
		require(!fstat(fd, &ours) && !fstat(ref.region->fd, &theirs));
		check_eq(theirs.st_ino, ours.st_ino);
	} else {
		check_eq(ref.region->fd, -1);
	}
	vuser_dma_put(both->dev->server, &ref);
	close(fd);
	teardown(both);
}

TEST(dma_region_has_its_file_if_the_server_keeps_dma_fds)
{
	check_file_of_dma_region(true);
}

TEST(dma_region_has_no_file_if_the_server_keeps_no_dma_fds)
{
	check_file_of_dma_region(false);
}

TEST(access_without_permission_of_the_dma_region_fails_with_eacces)
{
	struct both *both = setup(NULL, NULL);
	struct vuser_server *server = both->dev->server;
	int fd = new_memory(0x4000);
	struct vuser_dma_ref ref;
	char buf[8] = "";

	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000, READ, fd,
				      0),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x2000, 0x1000, WRITE, fd,
				      0x1000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x3000, 0x1000, 0, fd, 0),
		 0);
	check_eq(vuser_dma_read(server, 0x1000, buf, 8), 0);
	check_eq(vuser_dma_write(server, 0x1000, buf, 8), -EACCES);
	check_eq(vuser_dma_get(server, 0x1000, 8, PROT_WRITE, &ref), -EACCES);
	check_eq(vuser_dma_write(server, 0x2000, buf, 8), 0);
	check_eq(vuser_dma_read(server, 0x2000, buf, 8), -EACCES);
	check_eq(vuser_dma_read(server, 0x3000, buf, 8), -EACCES);
	/* An access across two dma regions needs the permission of both. */
	check_eq(vuser_dma_read(server, 0x1ffc, buf, 8), -EACCES);
	close(fd);
	teardown(both);
}

TEST(access_across_adjacent_dma_regions_succeeds)
{
	struct both *both = setup(NULL, NULL);
	struct vuser_server *server = both->dev->server;
	int fd = new_memory(0x4000);
	char in[0x2000], out[0x2000];
	size_t i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = i * 3;
	/*
	 * The order in the file and the order of the calls differ from the
	 * order of the addresses.
	 */
	check_eq(vuser_client_dma_map(both->client, 0x3000, 0x1000,
				      READ | WRITE, fd, 0x1000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000,
				      READ | WRITE, fd, 0x3000),
		 0);
	check_eq(vuser_client_dma_map(both->client, 0x2000, 0x1000,
				      READ | WRITE, fd, 0x2000),
		 0);
	check_eq(vuser_dma_write(server, 0x1800, in, 0x2000), 0);
	check_eq(vuser_dma_read(server, 0x1800, out, 0x2000), 0);
	check(!memcmp(in, out, sizeof(in)));
	require(pread(fd, out, 0x800, 0x3800) == 0x800);
	check(!memcmp(in, out, 0x800));
	close(fd);
	teardown(both);
}

TEST(invalid_maps_and_unmaps_are_rejected)
{
	struct both *both = setup(NULL, NULL);
	int fd = new_memory(0x4000), fds[2] = { fd, fd };
	struct vfio_user_dma_map map;
	char reply[8];

#define map(address, size, offset) \
	vuser_client_dma_map(both->client, address, size, READ, fd, offset)
	check_eq(map(0x2000, 0x2000, 0), 0);
	check_eq(map(0x2000, 0x2000, 0), -EEXIST);
	check_eq(map(0x3fff, 1, 0), -EEXIST);
	check_eq(map(0x1000, 0x1001, 0), -EEXIST);
	check_eq(map(0, 0x4000, 0), -EEXIST);
	check_eq(map(0x2800, 0x10, 0), -EEXIST);
	check_eq(map(0x8000, 0, 0), -EINVAL);
	check_eq(map(UINT64_MAX - 0xfff, 0x2000, 0), -EINVAL);
	/* The range exceeds the file. */
	check_eq(map(0x8000, 0x4001, 0), -EINVAL);
	check_eq(map(0x8000, 0x1000, 0x3001), -EINVAL);
	check_eq(map(0x8000, 0x1000, INT64_MAX), -EINVAL);
	check_eq(map(0x8000, 0x1000, UINT64_MAX - 0xfff), -EINVAL);
	check_eq(map(UINT64_MAX - 0xfff, 0x1000, 0), 0);
#undef map
	vuser_encode_dma_map(&map, sizeof(map), 0x10000, 0x1000, 0, READ);
	check_eq(vuser_client_command(both->client, VFIO_USER_DMA_MAP, &map,
				      sizeof(map), fds, 2, reply,
				      sizeof(reply)),
		 -EINVAL);
	check_eq(vuser_client_dma_unmap(both->client, 0x2000, 0x1000), -ENOENT);
	check_eq(vuser_client_dma_unmap(both->client, 0x3000, 0x1000), -ENOENT);
	check_eq(vuser_client_dma_unmap(both->client, 0x2000, 0x3000), -ENOENT);
	check_eq(vuser_client_dma_unmap(both->client, 0x1000, 0x1000), -ENOENT);
	check_eq(vuser_client_dma_unmap(both->client, 0x2000, 0x2000), 0);
	check_eq(vuser_client_dma_unmap(both->client, 0x2000, 0x2000), -ENOENT);
	close(fd);
	teardown(both);
}

TEST(map_refused_by_the_device_is_not_kept)
{
	struct both *both = setup(NULL, NULL);
	int fd = new_memory(0x1000);

	both->dev->refuse_map = -EXDEV;
	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000, READ, fd,
				      0),
		 -EXDEV);
	check_eq(both->dev->unmaps, 0);
	both->dev->maps = 0;
	both->dev->refuse_map = 0;
	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000, READ, fd,
				      0),
		 0);
	close(fd);
	teardown(both);
}

TEST(map_beyond_max_dma_maps_fails_with_enospc)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.max_dma_maps = 8,
	};
	struct both *both = setup(&config, NULL);
	int fd = new_memory(0x1000);
	uint64_t i;

	check_eq(vuser_client_description(both->client)->caps.max_dma_maps, 8);
	for (i = 0; i < 8; i++)
		check_eq(vuser_client_dma_map(both->client, i << 12, 0x1000,
					      READ, fd, 0),
			 0);
	check_eq(vuser_client_dma_map(both->client, 8 << 12, 0x1000, READ, fd,
				      0),
		 -ENOSPC);
	check_eq(vuser_client_dma_unmap(both->client, 3 << 12, 0x1000), 0);
	check_eq(vuser_client_dma_map(both->client, 8 << 12, 0x1000, READ, fd,
				      0),
		 0);
	close(fd);
	teardown(both);
}

TEST(each_of_many_maps_is_found)
{
	struct both *both = setup(NULL, NULL);
	int fd = new_memory(0x1000);
	char buf[4];
	uint64_t i;

	require(pwrite(fd, "abc", 4, 0) == 4);
	/*
	 * Every second page, in an order that is neither ascending nor
	 * descending.
	 */
	for (i = 0; i < 512; i++)
		check_eq(vuser_client_dma_map(both->client,
					      (i * 37 % 512) << 13, 0x1000,
					      READ, fd, 0),
			 0);
	for (i = 0; i < 512; i++) {
		check_eq(vuser_dma_read(both->dev->server, i << 13, buf, 4), 0);
		check_eq(vuser_dma_read(both->dev->server, (i << 13) + 0x1000,
					buf, 4),
			 -EFAULT);
	}
	for (i = 0; i < 512; i += 2)
		check_eq(vuser_client_dma_unmap(both->client, i << 13, 0x1000),
			 0);
	check_eq(vuser_dma_read(both->dev->server, 0, buf, 4), -EFAULT);
	check_eq(vuser_dma_read(both->dev->server, 1 << 13, buf, 4), 0);
	close(fd);
	teardown(both);
}

TEST(unmap_all_unmaps_each_dma_region)
{
	struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_USER_DMA_UNMAP_ALL,
	};
	struct both *both = setup(NULL, NULL);
	struct vfio_user_dma_unmap reply;
	uint64_t i;

	for (i = 0; i < 5; i++)
		check_eq(vuser_client_dma_map(both->client, i << 20, 0x1000,
					      READ, -1, 0),
			 0);
	check_eq(vuser_client_command(both->client, VFIO_USER_DMA_UNMAP, &unmap,
				      sizeof(unmap), NULL, 0, &reply,
				      sizeof(reply)),
		 sizeof(reply));
	check(!memcmp(&unmap, &reply, sizeof(reply)));
	check_eq(both->dev->unmaps, 5);
	check_eq(vuser_client_dma_unmap(both->client, 0, 0x1000), -ENOENT);
	check_eq(vuser_client_dma_map(both->client, 0, 0x1000, READ, -1, 0), 0);
	teardown(both);
}

/* The device copies in a callback, while the client waits for its reply. */
static void by_message(const struct vuser_client_options *opt)
{
	struct both *both = setup(NULL, opt);
	struct vuser_dma_ref ref;
	uint64_t val = 41, iova = MEM_IOVA + 0x10;
	int64_t result;

	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	check_eq(vuser_dma_get(both->dev->server, MEM_IOVA, 8, PROT_READ, &ref),
		 -EOPNOTSUPP);
	memcpy(both->memory + 0x10, &val, 8);
	check_eq(vuser_client_write(both->client, 0, REG_DMA_COPY, &iova, 8),
		 0);
	check_eq(both->reads, 1);
	check_eq(both->writes, 1);
	memcpy(&val, both->memory + 0x18, 8);
	check_eq(val, 42);
	/* The client refuses one address; the other is not mapped. */
	check_eq(vuser_client_dma_map(both->client, MEM_IOVA + MEM_SIZE, 0x1000,
				      READ | WRITE, -1, 0),
		 0);
	iova = MEM_IOVA + MEM_SIZE;
	check_eq(vuser_client_write(both->client, 0, REG_DMA_COPY, &iova, 8),
		 0);
	check_eq(vuser_client_read(both->client, 0, REG_DMA_RESULT, &result, 8),
		 0);
	check_eq(result, -EFAULT);
	iova = 0;
	check_eq(vuser_client_write(both->client, 0, REG_DMA_COPY, &iova, 8),
		 0);
	check_eq(vuser_client_read(both->client, 0, REG_DMA_RESULT, &result, 8),
		 0);
	check_eq(result, -EFAULT);
	teardown(both);
}

TEST(dma_by_message_uses_the_twin_socket)
{
	by_message(NULL);
}

TEST(dma_by_message_uses_the_main_socket_without_a_twin)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};

	by_message(&opt);
}

TEST(posted_writes_continue_while_the_device_reads_memory)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};
	struct both *both = setup(NULL, &opt);
	uint64_t i, iova, val;

	/*
	 * The client sends more writes while the device reads the client's
	 * memory.
	 */
	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	for (i = 0; i < 500; i++) {
		iova = MEM_IOVA + i * 8;
		check_eq(vuser_client_post(both->client, 0, REG_DMA_COPY, &iova,
					   8),
			 0);
	}
	check_eq(vuser_client_read(both->client, 0, 0x40, &val, 8), 0);
	check_eq(both->reads, 500);
	check_eq(both->writes, 500);
	memcpy(&val, both->memory + 500 * 8, 8);
	check_eq(val, 500);
	teardown(both);
}

/* A thread of the device that reads and writes memory without pause. */
struct mover {
	struct device *dev;
	pthread_t thread;
	uint64_t iova;
	size_t len;
	atomic_bool stop;
	atomic_uint done;
	atomic_int error;
};

static void *move(void *data)
{
	struct mover *mover = data;
	char *in = malloc(mover->len), *out = malloc(mover->len);
	unsigned int i = 0;
	int ret = 0;

	while (!mover->stop && !ret) {
		memset(in, i++, mover->len);
		ret = vuser_dma_write(mover->dev->server, mover->iova, in,
				      mover->len);
		if (!ret)
			ret = vuser_dma_read(mover->dev->server, mover->iova,
					     out, mover->len);
		if (!ret && memcmp(in, out, mover->len))
			ret = -EILSEQ;
		mover->done++;
	}
	mover->error = ret;
	free(in);
	free(out);
	return NULL;
}

static void start(struct mover *mover, struct both *both, uint64_t iova,
		  size_t len)
{
	mover->dev = both->dev;
	mover->iova = iova;
	mover->len = len;
	mover->stop = false;
	mover->done = 0;
	mover->error = 0;
	pthread_create(&mover->thread, NULL, move, mover);
}

static void stop(struct mover *mover, struct both *both)
{
	mover->stop = true;
	/* The thread may be waiting for a reply from the client. */
	while (!vuser_client_reset(both->client)) {
		if (!pthread_tryjoin_np(mover->thread, NULL))
			return;
	}
	pthread_join(mover->thread, NULL);
}

/* Both sides send as much as they can at the same time. */
static void traffic(const struct vuser_client_options *opt, size_t dma_len,
		    size_t access_len)
{
	struct both *both = setup(NULL, opt);
	struct mover movers[2];
	char *in = malloc(access_len), *out = malloc(access_len);
	int i, ret = 0;

	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	start(&movers[0], both, MEM_IOVA, dma_len);
	start(&movers[1], both, MEM_IOVA + MEM_SIZE / 2, dma_len);
	for (i = 0;
	     (i < 200 || movers[0].done < 20 || movers[1].done < 20) && !ret;
	     i++) {
		memset(in, i, access_len);
		ret = vuser_client_post(both->client, 2, 0, in, access_len);
		if (!ret)
			ret = vuser_client_write(both->client, 2, 0, in,
						 access_len);
		if (!ret)
			ret = vuser_client_read(both->client, 2, 0, out,
						access_len);
		if (!ret && memcmp(in, out, access_len))
			ret = -EILSEQ;
		if (movers[0].error || movers[1].error)
			break;
	}
	check_eq(ret, 0);
	stop(&movers[0], both);
	stop(&movers[1], both);
	check_eq(movers[0].error, 0);
	check_eq(movers[1].error, 0);
	check(movers[0].done >= 20 && movers[1].done >= 20);
	free(in);
	free(out);
	teardown(both);
}

TEST(small_messages_both_ways_do_not_block_the_twin_socket)
{
	traffic(NULL, 64, 4);
}

TEST(small_messages_both_ways_do_not_block_the_main_socket)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};

	traffic(&opt, 64, 4);
}

/*
 * The messages exceed the socket buffer: if one side stops reading, both hang.
 */
TEST(large_messages_both_ways_do_not_block_the_twin_socket)
{
	traffic(NULL, MEM_SIZE / 2, DEVICE_REGION_SIZE);
}

TEST(large_messages_both_ways_do_not_block_the_main_socket)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};

	traffic(&opt, MEM_SIZE / 2, DEVICE_REGION_SIZE);
}

TEST(dma_message_is_split_at_the_clients_max_data_xfer_size)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_data_xfer_size = 4096,
	};
	struct both *both = setup(NULL, &opt);
	struct mover mover;

	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	start(&mover, both, MEM_IOVA, 10000);
	while (mover.done < 3 && !mover.error)
		if (vuser_client_reset(both->client))
			break;
	stop(&mover, both);
	check_eq(mover.error, 0);
	check_eq(both->longest, 4096);
	check(both->reads >= 9);
	teardown(both);
}

static void *unmap_later(void *data)
{
	struct both *both = data;

	return (void *)(long)vuser_client_dma_unmap(both->client, 0x1000,
						    0x1000);
}

TEST(unmap_waits_until_the_reference_is_put)
{
	struct both *both = setup(NULL, NULL);
	struct vuser_server *server = both->dev->server;
	int fd = new_memory(0x1000);
	struct vuser_dma_ref ref, again;
	pthread_t thread;
	void *result;

	check_eq(vuser_client_dma_map(both->client, 0x1000, 0x1000,
				      READ | WRITE, fd, 0),
		 0);
	check_eq(vuser_dma_get(server, 0x1000, 0x1000, PROT_READ, &ref), 0);
	pthread_create(&thread, NULL, unmap_later, both);
	/*
	 * The device was notified.  The memory is mapped, but gives no new
	 * references.
	 */
	check(device_await(&both->dev->unmaps, 1));
	check_eq(vuser_dma_get(server, 0x1000, 8, PROT_READ, &again), -EFAULT);
	strcpy(ref.ptr, "still here");
	check_eq(pthread_tryjoin_np(thread, &result), EBUSY);
	vuser_dma_put(server, &ref);
	pthread_join(thread, &result);
	check_eq((long)result, 0);
	close(fd);
	teardown(both);
}

TEST(unmap_waits_for_dma_messages_in_flight)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};
	struct both *both = setup(NULL, &opt);
	struct mover mover;
	int i, ret;

	/* Unmap and map memory again while a thread accesses it by messages. */
	for (i = 0; i < 20; i++) {
		check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
					      READ | WRITE, -1, 0),
			 0);
		start(&mover, both, MEM_IOVA, 4096);
		while (mover.done < 2 && !mover.error)
			if (vuser_client_reset(both->client))
				break;
		ret = vuser_client_dma_unmap(both->client, MEM_IOVA, MEM_SIZE);
		check_eq(ret, 0);
		pthread_join(mover.thread, NULL);
		check_eq(mover.error, -EFAULT);
	}
	teardown(both);
}

TEST(dma_in_progress_fails_when_the_client_disconnects)
{
	struct both *both = setup(NULL, NULL);
	int fd = new_memory(0x10000);
	struct mover mover, poller;

	check_eq(vuser_client_dma_map(both->client, 0x10000, 0x10000,
				      READ | WRITE, fd, 0),
		 0);
	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	start(&mover, both, 0x10000, 0x10000);
	start(&poller, both, MEM_IOVA, 4096);
	while (mover.done < 5 || poller.done < 5)
		if (vuser_client_reset(both->client))
			break;
	vuser_client_free(both->client);
	pthread_join(mover.thread, NULL);
	pthread_join(poller.thread, NULL);
	/* The access was made before or after the end of the connection. */
	check(mover.error == -ENOTCONN || mover.error == -EFAULT);
	check(poller.error == -ENOTCONN || poller.error == -EFAULT);
	check(device_await(&both->dev->disconnects, 1));
	check(device_await(&both->dev->unmaps, 2));
	close(fd);
	device_free(both->dev);
	free(both);
}

TEST(dma_read_times_out_if_the_client_does_not_answer)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.dma_timeout_ms = 50,
	};
	struct both *both = setup(&config, NULL);
	char buf[8];

	check_eq(vuser_client_dma_map(both->client, MEM_IOVA, MEM_SIZE,
				      READ | WRITE, -1, 0),
		 0);
	check_eq(vuser_dma_read(both->dev->server, MEM_IOVA, buf, 8),
		 -ETIMEDOUT);
	/* The late reply is dropped; the next command gets its own reply. */
	check_eq(vuser_client_process(both->client, 1000), 1);
	strcpy(both->memory, "here");
	check_eq(vuser_client_reset(both->client), 0);
	check_eq(both->reads, 1);
	teardown(both);
}

TEST(dma_without_a_client_fails_with_enotconn)
{
	struct device *dev = device_new(NULL, NULL);
	struct vuser_dma_ref ref;
	char buf[8] = "";

	require(dev);
	check_eq(vuser_dma_read(dev->server, 0, buf, 8), -ENOTCONN);
	check_eq(vuser_dma_write(dev->server, 0, buf, 8), -ENOTCONN);
	check_eq(vuser_dma_get(dev->server, 0, 8, PROT_READ, &ref), -ENOTCONN);
	check_eq(vuser_irq_trigger(dev->server, 0, 0), -ENOENT);
	check(!vuser_server_connected(dev->server));
	device_free(dev);
}
