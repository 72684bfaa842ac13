// SPDX-License-Identifier: GPL-2.0
/* The client and the server together: the description, the commands, the
 * connection and its end. Accesses, interrupts and DMA have tests of their own. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "../../common/server-event.h"
#include "../harness.h"
#include "both.h"

TEST(client_gets_the_description_of_the_device)
{
	struct both both = both_setup(NULL, NULL);
	const struct vuser_description *desc;
	const struct vuser_region *region;

	desc = vuser_client_description(both.client);
	check_eq(desc->minor, VFIO_USER_MINOR);
	check_eq(desc->flags, VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET);
	check_eq(desc->nr_regions, 10);
	check_eq(desc->nr_irqs, VFIO_PCI_NUM_IRQS);
	check_eq(desc->caps.max_msg_fds, 16);
	check_eq(desc->caps.max_data_xfer_size, 1048576);
	check(desc->caps.has_max_dma_maps && desc->caps.write_multiple);
	check(desc->twin >= 0);

	check_eq(desc->regions[0].size, DEVICE_REGION_SIZE);
	check_eq(desc->regions[0].flags, 3);
	check_eq(desc->regions[0].nr_areas, 0);
	check_eq(desc->regions[0].fd, -1);
	check_eq(desc->regions[3].size, 0);
	check_eq(desc->regions[7].size, VUSER_PCI_CFG_SIZE);
	region = &desc->regions[9];
	check(region->has_type);
	check_eq(region->type, DEVICE_TYPE);
	check_eq(region->subtype, DEVICE_SUBTYPE);
	check_eq(region->flags, VFIO_REGION_INFO_FLAG_READ);

	check_eq(desc->irqs[VFIO_PCI_INTX_IRQ_INDEX].count, 1);
	check_eq(desc->irqs[VFIO_PCI_MSI_IRQ_INDEX].count, 0);
	check_eq(desc->irqs[VFIO_PCI_MSIX_IRQ_INDEX].count, DEVICE_MSIX);
	check_eq(desc->irqs[VFIO_PCI_MSIX_IRQ_INDEX].flags,
		 VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE);
	both_teardown(&both);
}

TEST(client_maps_shared_areas_of_a_region)
{
	struct both both = both_setup(NULL, NULL);
	const struct vuser_region *region;
	char *ours, *theirs;

	region = &vuser_client_description(both.client)->regions[1];
	check_eq(region->flags, 7);
	require(region->fd >= 0 && region->nr_areas == 2);
	check_eq(region->areas[0].offset, 0x1000);
	check_eq(region->areas[0].file_offset, 0x3000);
	check_eq(region->areas[1].offset, 0x4000);
	check_eq(region->areas[1].size, 0x4000);
	check_eq(region->areas[1].file_offset, 0x6000);
	/* Both mappings are of the device's memory. */
	ours = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd,
		    region->areas[0].file_offset);
	theirs = mmap(NULL, 4096, PROT_READ, MAP_SHARED, both.dev->memory_fd,
		      0x3000);
	require(ours != MAP_FAILED && theirs != MAP_FAILED);
	strcpy(ours, "shared");
	check(!strcmp(theirs, "shared"));
	munmap(ours, 4096);
	munmap(theirs, 4096);
	both_teardown(&both);
}

TEST(client_gets_the_ioeventfds_of_a_region)
{
	struct both both = both_setup(NULL, NULL);
	const struct vuser_region *region;

	region = &vuser_client_description(both.client)->regions[2];
	require(region->nr_io_fds == 3);
	/* Two entries share an fd; the server sends it once. */
	check_eq(region->nr_fds, 2);
	check_eq(region->io_fds[0].offset, 0x1000);
	check_eq(region->io_fds[0].size, 4);
	check_eq(region->io_fds[2].flags, VFIO_USER_IOEVENTFD_DATAMATCH);
	check_eq(region->io_fds[2].datamatch, 7);
	check_eq(region->io_fds[1].fd, region->io_fds[2].fd);
	eventfd_write(region->io_fds[0].fd, 5);
	check_eq(both_drain(both.dev->io_fds[0]), 5);
	check_eq(both_drain(both.dev->io_fds[1]), 0);
	check_eq(vuser_client_description(both.client)->regions[0].nr_io_fds,
		 0);
	both_teardown(&both);
}

TEST(client_with_minor_0_gets_no_io_fds)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.minor_0 = true,
	};
	struct both both = both_setup(NULL, &opt);

	check_eq(vuser_client_description(both.client)->minor, 0);
	check_eq(vuser_client_description(both.client)->regions[2].nr_io_fds,
		 0);
	check_eq(vuser_client_feature(both.client,
				      VFIO_DEVICE_FEATURE_PROBE |
					      VFIO_DEVICE_FEATURE_GET | 2,
				      NULL, 0, 0),
		 -EOPNOTSUPP);
	both_teardown(&both);
}

TEST(client_accepts_a_server_with_minor_0)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.use_minor = true,
		.minor = 0,
		.no_twin = true,
		.hide_max_dma_maps = true,
		.no_write_multi = true,
	};
	struct both both = both_setup(&config, NULL);
	const struct vuser_description *desc;

	desc = vuser_client_description(both.client);
	check_eq(desc->minor, 0);
	check_eq(desc->twin, -1);
	check(!desc->caps.has_max_dma_maps && !desc->caps.write_multiple);
	check_eq(desc->regions[2].nr_io_fds, 0);
	both_teardown(&both);
}

TEST(client_without_twin_gets_none)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};
	struct both both = both_setup(NULL, &opt);

	check_eq(vuser_client_description(both.client)->twin, -1);
	both_teardown(&both);
}

TEST(client_with_few_fds_gets_the_ioeventfds_that_fit)
{
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_msg_fds = 1,
	};
	struct both both = both_setup(NULL, &opt);
	const struct vuser_region *region;

	/* The server sends only the sub-regions of the first fd. */
	region = &vuser_client_description(both.client)->regions[2];
	check_eq(region->nr_fds, 1);
	check_eq(region->nr_io_fds, 1);
	both_teardown(&both);
}

TEST(reset_command_resets_the_device)
{
	struct both both = both_setup(NULL, NULL);
	uint16_t command = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;

	check(!vuser_pci_bus_master(&both.dev->pci));
	check_eq(vuser_client_write(both.client, 7, PCI_COMMAND, &command, 2),
		 0);
	check(vuser_pci_bus_master(&both.dev->pci));
	check_eq(vuser_client_reset(both.client), 0);
	check_eq(both.dev->resets, 1);
	check(!vuser_pci_bus_master(&both.dev->pci));
	both_teardown(&both);
}

TEST(features_are_passed_to_the_device)
{
	const uint32_t state = VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
	struct vfio_device_feature_mig_state in = { .device_state = 4 }, out;
	struct both both = both_setup(NULL, NULL);

	check_eq(vuser_client_feature(both.client,
				      VFIO_DEVICE_FEATURE_PROBE |
					      VFIO_DEVICE_FEATURE_SET | state,
				      NULL, 0, 0),
		 0);
	check_eq(vuser_client_feature(both.client,
				      VFIO_DEVICE_FEATURE_SET | state, &in,
				      sizeof(in), sizeof(in)),
		 sizeof(in));
	check_eq(both.dev->mig_state, 4);
	check_eq(vuser_client_feature(both.client,
				      VFIO_DEVICE_FEATURE_GET | state, &out, 0,
				      sizeof(out)),
		 sizeof(out));
	check_eq(out.device_state, 4);
	check_eq(vuser_client_feature(both.client,
				      VFIO_DEVICE_FEATURE_GET | state, &out, 0,
				      4),
		 -ENOSPC);
	check_eq(vuser_client_feature(both.client, VFIO_DEVICE_FEATURE_GET | 1,
				      &out, 0, 8),
		 -ENOTTY);
	check_eq(vuser_client_feature(both.client, state, &out, 0, 8), -EINVAL);
	both_teardown(&both);
}

TEST(migration_data_commands_are_passed_to_the_device)
{
	struct both both = both_setup(NULL, NULL);
	struct {
		struct vfio_user_mig_data head;
		char data[200];
	} msg, reply;
	const void *data;
	uint32_t count;
	ssize_t len;

	vuser_encode_mig_read(&msg, sizeof(msg), 200);
	len = vuser_client_command(both.client, VFIO_USER_MIG_DATA_READ, &msg,
				   sizeof(msg.head), NULL, 0, &reply,
				   sizeof(reply));
	check_eq(len, 8 + 100);
	check_eq(vuser_decode_mig_data(&reply, len, 200, &count, &data), 0);
	check_eq(count, 100);
	vuser_encode_mig_data(&msg, sizeof(msg), 200);
	check_eq(vuser_client_command(both.client, VFIO_USER_MIG_DATA_WRITE,
				      &msg, sizeof(msg), NULL, 0, &reply,
				      sizeof(reply)),
		 0);
	check_eq(both.dev->last_count, 200);
	both_teardown(&both);
}

TEST(unknown_or_malformed_commands_are_refused)
{
	struct both both = both_setup(NULL, NULL);
	char buf[64] = { 0 };
	uint16_t command;
	int fd = both_event();

	/* Unknown commands, and commands that only a server sends. */
	for (command = 0; command < 40; command++) {
		if (command > 0 && command <= VFIO_USER_COMMAND_MAX &&
		    command != 14 && command != VFIO_USER_DMA_READ &&
		    command != VFIO_USER_DMA_WRITE)
			continue;
		check_eq(vuser_client_command(both.client, command, buf, 0,
					      NULL, 0, buf, sizeof(buf)),
			 -ENOTSUP);
	}
	/* A second VERSION; unexpected fds and payloads. */
	check_eq(vuser_client_command(both.client, VFIO_USER_VERSION, buf, 4,
				      NULL, 0, buf, sizeof(buf)),
		 -EINVAL);
	check_eq(vuser_client_command(both.client, VFIO_USER_DEVICE_RESET, buf,
				      0, &fd, 1, buf, sizeof(buf)),
		 -EINVAL);
	check_eq(vuser_client_command(both.client, VFIO_USER_DEVICE_RESET, buf,
				      1, NULL, 0, buf, sizeof(buf)),
		 -EMSGSIZE);
	check_eq(both.dev->resets, 0);
	check_eq(vuser_client_reset(both.client), 0);
	close(fd);
	both_teardown(&both);
}

TEST(region_info_beyond_the_last_region_is_refused)
{
	struct both both = both_setup(NULL, NULL);
	struct vfio_user_region_info info, reply;
	uint32_t index;

	for (index = 0; index < 12; index++) {
		vuser_encode_region_info(&info, sizeof(info), index, 32);
		check_eq(vuser_client_command(both.client,
					      VFIO_USER_DEVICE_GET_REGION_INFO,
					      &info, sizeof(info), NULL, 0,
					      &reply, sizeof(reply)),
			 index < 10 ? 32 : -EINVAL);
	}
	both_teardown(&both);
}

TEST(second_client_is_served_after_the_first_disconnects)
{
	char path[] = "/tmp/vuser-test-XXXXXX", sock[64];
	struct vuser_client *first, *second;
	struct device *dev;
	struct stat st;
	uint32_t val = 0x55, out;
	int fd;

	require(mkdtemp(path));
	snprintf(sock, sizeof(sock), "%s/sock", path);
	dev = device_new(NULL, sock);
	require(dev);
	require(!vuser_client_new(sock, NULL, 20000, NULL, NULL, &first));
	check_eq(vuser_client_write(first, 0, 0x40, &val, 4), 0);
	/* The second client waits in the queue, neither refused nor served. */
	fd = vuser_sock_connect(sock);
	require(fd >= 0);
	check_eq(dev->connects, 1);
	vuser_client_free(first);
	require(!vuser_client_new_fd(fd, NULL, 20000, NULL, NULL, &second));
	check_eq(dev->connects, 2);
	check_eq(dev->disconnects, 1);
	/* The device kept its state. */
	check_eq(vuser_client_read(second, 0, 0x40, &out, 4), 0);
	check_eq(out, 0x55);
	/* No other process may listen at the path while it is in use. */
	check_eq(vuser_sock_listen(sock), -EADDRINUSE);
	device_free(dev);
	check(stat(sock, &st) && errno == ENOENT);
	check(vuser_client_read(second, 0, 0x40, &out, 4) < 0);
	vuser_client_free(second);
	rmdir(path);
}

/* The server has no fd left to accept a client. */
TEST(client_is_accepted_when_the_server_has_an_fd_again)
{
	char path[] = "/tmp/vuser-test-XXXXXX", sock[64];
	struct vuser_client *client;
	struct rlimit old, none;
	struct device *dev;
	int fd, next;

	require(mkdtemp(path));
	snprintf(sock, sizeof(sock), "%s/sock", path);
	dev = device_new(NULL, sock);
	require(dev);
	device_pause(dev);
	fd = vuser_sock_connect(sock);
	require(fd >= 0);
	/* All numbers below the lowest free one are in use. */
	next = dup(fd);
	close(next);
	require(!getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = next;
	require(!setrlimit(RLIMIT_NOFILE, &none));
	device_resume(dev);
	check(device_await(&dev->warnings, 1));
	require(!setrlimit(RLIMIT_NOFILE, &old));
	check_eq(vuser_client_new_fd(fd, NULL, 20000, NULL, NULL, &client), 0);
	check_eq(dev->connects, 1);
	vuser_client_free(client);
	device_free(dev);
	rmdir(path);
}

static void *client_of_a_loop(void *data)
{
	struct vuser_client *client;
	uint32_t val = 0;
	int *sock = data;

	if (vuser_client_new_fd(*sock, NULL, 20000, NULL, NULL, &client))
		return NULL;
	vuser_client_read(client, 0, 0, &val, 4);
	vuser_client_free(client);
	return (void *)(unsigned long)val;
}

static int read_seven(void *data, uint32_t index, uint64_t offset, void *buf,
		      uint32_t count)
{
	(void)data;
	(void)index;
	(void)offset;
	memset(buf, 7, count);
	return 0;
}

static void leave_loop(void *data, int error)
{
	(void)error;
	sd_event_exit(data, 42);
}

TEST(server_runs_in_a_systemd_event_loop)
{
	const struct vuser_server_ops ops = {
		.struct_size = sizeof(ops),
		.disconnected = leave_loop,
	};
	const struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = 4096,
		.flags = 3,
		.access_max = 4,
		.read = read_seven,
		.fd = -1,
	};
	struct vuser_server *server;
	sd_event_source *source;
	pthread_t thread;
	sd_event *event;
	void *result;
	int fds[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(sd_event_new(&event) >= 0);
	require(!vuser_server_new(&ops, NULL, event, &server));
	check_eq(vuser_server_set_region(server, 0, &region), 0);
	check_eq(server_event_add(event, &source, server), 0);
	check_eq(vuser_server_serve(server, fds[0]), 0);
	pthread_create(&thread, NULL, client_of_a_loop, &fds[1]);
	check_eq(sd_event_loop(event), 42);
	pthread_join(thread, &result);
	check_eq((unsigned long)result, 0x07070707);
	sd_event_source_disable_unref(source);
	vuser_server_free(server);
	sd_event_unref(event);
}

TEST(invalid_regions_ioeventfds_and_interrupts_are_rejected)
{
	const struct vuser_server_ops ops = { .struct_size = sizeof(ops) };
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = 4096,
		.fd = -1,
	};
	struct vfio_user_sparse_area area = { 4096, 1 };
	struct vuser_server *server;
	int i;

	require(!vuser_server_new(&ops, NULL, NULL, &server));
	check_eq(vuser_server_set_region(server, VUSER_MAX_REGIONS, &region),
		 -EINVAL);
	region.access_max = 3;
	check_eq(vuser_server_set_region(server, 0, &region), -EINVAL);
	region.access_max = 16;
	check_eq(vuser_server_set_region(server, 0, &region), -EINVAL);
	region.access_max = 0;
	region.nr_areas = 1;
	region.areas = &area;
	check_eq(vuser_server_set_region(server, 0, &region), -EINVAL);
	area.offset = 0;
	area.size = 0;
	check_eq(vuser_server_set_region(server, 0, &region), -EINVAL);
	area.size = 4097;
	check_eq(vuser_server_set_region(server, 0, &region), -EINVAL);
	area.size = 4096;
	check_eq(vuser_server_set_region(server, 0, &region), 0);
	/* Set the region again, replacing the first. */
	check_eq(vuser_server_set_region(server, 0, &region), 0);

	check_eq(vuser_server_add_ioeventfd(server, 1, 0, 4, 0, 0, 0), -EINVAL);
	check_eq(vuser_server_add_ioeventfd(server, 0, 4096, 0, 0, 0, 0),
		 -EINVAL);
	check_eq(vuser_server_add_ioeventfd(server, 0, 4093, 4, 0, 0, 0),
		 -EINVAL);
	check_eq(vuser_server_add_ioeventfd(server, 0, 0, 3, 0, 0, 0), -EINVAL);
	check_eq(vuser_server_add_ioeventfd(server, 0, 0, 4, 0, 0, -1),
		 -EINVAL);
	for (i = 0; i < VUSER_MAX_IOEVENTFDS; i++)
		if (vuser_server_add_ioeventfd(server, 0, i, 1, 0, 0, 0))
			break;
	check_eq(i, VUSER_MAX_IOEVENTFDS);
	check_eq(vuser_server_add_ioeventfd(server, 0, 0, 1, 0, 0, 0), -ENOSPC);
	check_eq(vuser_server_set_irqs(server, VUSER_MAX_IRQ_INDEXES, 0, 1),
		 -EINVAL);
	check_eq(vuser_server_set_irqs(server, 0, 0, VUSER_MAX_IRQS + 1),
		 -EINVAL);
	check_eq(vuser_server_set_irqs(server, 0, 0, VUSER_MAX_IRQS), 0);
	check_eq(vuser_server_serve(server, -1), -EBADF);
	vuser_server_free(server);
	vuser_server_free(NULL);
}

/* Accept at @path until a client is connected. */
static void process_until(struct vuser_server *server, int connected)
{
	struct pollfd pfd = { .fd = vuser_server_fd(server), .events = POLLIN };
	pid_t pid;
	uid_t uid;
	gid_t gid;

	while ((vuser_server_peer(server, &pid, &uid, &gid) == 0) !=
	       connected) {
		require(poll(&pfd, 1, 20000) == 1);
		require(!vuser_server_process(server));
	}
}

TEST(socket_file_has_its_mode_and_the_peer_is_known)
{
	static const struct vuser_server_ops no_ops = {
		.struct_size = sizeof(no_ops),
	};
	char dir[] = "/tmp/test-server-XXXXXX", path[64];
	struct vuser_server *server;
	mode_t old = umask(077);
	struct stat st;
	pid_t pid = 0;
	uid_t uid = -1;
	gid_t gid = -1;
	int fd;

	require(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	require(!vuser_server_new(&no_ops, NULL, NULL, &server));
	check_eq(vuser_server_listen_mode(server, path, 010000), -EINVAL);
	/* The umask neither removes bits nor adds some. */
	check_eq(vuser_server_listen_mode(server, path, 0660), 0);
	require(!stat(path, &st));
	check_eq(st.st_mode & 07777, 0660);
	umask(old);
	check_eq(vuser_server_peer(server, &pid, &uid, &gid), -ENOTCONN);
	fd = vuser_sock_connect(path);
	require(fd >= 0);
	process_until(server, true);
	check_eq(vuser_server_peer(server, &pid, &uid, &gid), 0);
	check_eq(pid, getpid());
	check_eq(uid, geteuid());
	check_eq(gid, getegid());
	close(fd);
	process_until(server, false);
	vuser_server_free(server);
	check(stat(path, &st) && errno == ENOENT);
	rmdir(dir);
}

TEST(client_that_does_not_negotiate_is_disconnected)
{
	static const struct vuser_server_ops no_ops = {
		.struct_size = sizeof(no_ops),
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.version_timeout_ms = 20,
	};
	struct vuser_server *server;
	char byte;
	int fds[2];

	require(!vuser_server_new(&no_ops, &config, NULL, &server));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_server_serve(server, fds[0]));
	process_until(server, false);
	check_eq(read(fds[1], &byte, 1), 0);
	close(fds[1]);
	vuser_server_free(server);
}

TEST(time_limit_ends_with_the_negotiation)
{
	static const struct vuser_server_ops no_ops = {
		.struct_size = sizeof(no_ops),
	};
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.version_timeout_ms = 1000,
	};
	struct vuser_handshake *hs;
	struct vuser_server *server;
	struct pollfd pfd = { .events = POLLIN };
	int fds[2];

	require(!vuser_server_new(&no_ops, &config, NULL, &server));
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_server_serve(server, fds[0]));
	require(!vuser_handshake_new(fds[1], NULL, &hs));
	require(!vuser_server_process(server));
	require(vuser_server_connected(server));
	/* Only the timer makes the file descriptor readable. */
	pfd.fd = vuser_server_fd(server);
	check_eq(poll(&pfd, 1, 20000), 1);
	check_eq(vuser_server_process(server), 0);
	check(vuser_server_connected(server));
	vuser_handshake_free(hs);
	vuser_server_free(server);
}
