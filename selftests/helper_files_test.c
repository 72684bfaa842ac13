// SPDX-License-Identifier: GPL-2.0
/*
 * Files of a server that make whoever closes them wait, and a path that makes whoever
 * opens it wait: they concern only the device of this server.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/vuser.h>
#include <poll.h>
#include <sys/socket.h>
#include <kselftest_harness.h>

#include "../include/uapi/linux/vfio_user.h"
#include "lib/fuse.h"
#include "lib/helper.h"
#include "lib/testdev.h"
#include "lib/unix.h"

/* How long to wait to see that vuserd does not connect again, in ms. */
#define RETRY_MS 3000

/* A device whose server is the test, and a file system that can become silent. */
FIXTURE(files)
{
	struct fuse fuse;
	char uuid[UUID_LEN + 1];
	char path[64];
	int listener;
	int file;
	bool stopped;
	pid_t pid;
};

FIXTURE_SETUP(files)
{
	ASSERT_EQ(0, fuse_start(&self->fuse));
	self->file = fuse_open(&self->fuse);
	ASSERT_LE(0, self->file);
	self->pid = helper_start();
	ASSERT_LT(0, self->pid);
	snprintf(self->path, sizeof(self->path), "/run/files-%d.sock",
		 getpid());
	self->listener = unix_listen(self->path);
	ASSERT_LE(0, self->listener);
	uuid_new(self->uuid);
	ASSERT_EQ(0, mdev_create(self->uuid));
}

FIXTURE_TEARDOWN(files)
{
	if (!self->stopped)
		fuse_stop(&self->fuse);
	close(self->file);
	EXPECT_EQ(0, mdev_remove(self->uuid));
	helper_stop(self->pid);
	close(self->listener);
	unlink(self->path);
}

static bool connects_within(int listener, int ms)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	return poll(&pfd, 1, ms) > 0;
}

/* Accepts vuserd's connection and receives its first message; the socket or -1. */
static int accept_helper(int listener)
{
	struct vfio_user_header hdr;
	int sock;

	if (!connects_within(listener, SOON_MS))
		return -1;
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (recv(sock, &hdr, sizeof(hdr), MSG_WAITALL) != sizeof(hdr))
		return -1;
	return sock;
}

/* Sends a header that is not a reply to VERSION, with a file. */
static int send_file(int sock, int file)
{
	struct vfio_user_header hdr = {
		.msg_id = 1,
		.command = VFIO_USER_DEVICE_RESET,
		.msg_size = sizeof(hdr),
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};

	return unix_send_files(sock, &hdr, sizeof(hdr), file, 1);
}

/* The number of files of the process below @dir. */
static int files_below(pid_t pid, const char *dir)
{
	char path[64], name[320], link[256];
	struct dirent *entry;
	int nr = 0;
	ssize_t len;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	if (!fds)
		return -1;
	while ((entry = readdir(fds))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		len = readlink(name, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		nr += !strncmp(link, dir, strlen(dir));
	}
	closedir(fds);
	return nr;
}

TEST_F(files, server_whose_file_does_not_close_is_not_tried_again)
{
	struct testdev other = {};
	int sock;

	self->fuse.shared->silent = true;
	ASSERT_EQ(0, mdev_set(self->uuid, "endpoint", self->path));
	sock = accept_helper(self->listener);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, send_file(sock, self->file));
	EXPECT_FALSE(connects_within(self->listener, RETRY_MS));
	EXPECT_EQ(0, files_below(self->pid, self->fuse.dir));
	/* Another device attaches meanwhile. */
	EXPECT_EQ(0, testdev_start(&other, NULL));
	testdev_stop(&other);
	/* The end of the file system ends all closes. */
	fuse_stop(&self->fuse);
	self->stopped = true;
	EXPECT_TRUE(connects_within(self->listener, SOON_MS));
	close(sock);
}

TEST_F(files, path_that_does_not_respond_delays_only_its_own_device)
{
	struct testdev other = {};
	char path[64];

	snprintf(path, sizeof(path), "%s/sock", self->fuse.dir);
	self->fuse.shared->silent = true;
	ASSERT_EQ(0, mdev_set(self->uuid, "endpoint", path));
	EXPECT_EQ(0, testdev_start(&other, NULL));
	testdev_stop(&other);
	/* A path that responds is used at once. */
	ASSERT_EQ(0, mdev_set(self->uuid, "endpoint", self->path));
	EXPECT_TRUE(connects_within(self->listener, SOON_MS));
}

/* Returns a line of /proc/PID/status, after its name and blanks. */
static const char *status_of(pid_t pid, const char *name)
{
	static char line[256];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	if (!file)
		return "";
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, name, strlen(name)) &&
		    line[strlen(name)] == ':') {
			fclose(file);
			return line + strlen(name) + 1 +
			       strspn(line + strlen(name) + 1, " \t");
		}
	}
	fclose(file);
	return "";
}

TEST_F(files, process_that_parses_what_a_server_sends_has_no_capability)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;
	int sock;

	ASSERT_EQ(0, mdev_set(self->uuid, "endpoint", self->path));
	sock = accept_helper(self->listener);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	EXPECT_NE(self->pid, cred.pid);
	EXPECT_STREQ("0000000000000000", status_of(cred.pid, "CapPrm"));
	EXPECT_STREQ("0000000000000000", status_of(cred.pid, "CapEff"));
	close(sock);
}

TEST_HARNESS_MAIN
