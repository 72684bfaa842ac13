// SPDX-License-Identifier: GPL-2.0
/*
 * Path resolution up to a server's socket.  Needs root, since it depends on
 * owners.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "../../vuserd/endpoint.h"
#include "../harness.h"
#include "../wire.h"

#define ALICE 1001
#define BOB   1002

/* A directory for each user, with a server at "sock" in it. */
struct place {
	char top[32];
	int alice;
	int bob;
	int fds;
};

static char *in(const struct place *place, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", place->top, name);
	return path;
}

static int user(const struct place *place, const char *name, uid_t uid)
{
	char sock[32];
	int fd;

	snprintf(sock, sizeof(sock), "%s/sock", name);
	require(!mkdir(in(place, name), 0755));
	fd = vuser_sock_listen(in(place, sock));
	require(fd >= 0);
	require(!lchown(in(place, name), uid, uid));
	require(!lchown(in(place, sock), uid, uid));
	return fd;
}

static struct place setup(void)
{
	struct place place = { .top = "/tmp/vuser-test-XXXXXX" };

	place.fds = wire_count_fds();
	require(mkdtemp(place.top));
	place.alice = user(&place, "alice", ALICE);
	place.bob = user(&place, "bob", BOB);
	return place;
}

static void teardown(struct place *place)
{
	char command[64];

	close(place->alice);
	close(place->bob);
	check_eq(wire_count_fds(), place->fds);
	snprintf(command, sizeof(command), "rm -r %s", place->top);
	check_eq(system(command), 0);
}

static void make_link(const struct place *place, const char *name,
		      const char *target, uid_t owner)
{
	require(!symlink(target, in(place, name)));
	require(!lchown(in(place, name), owner, owner));
}

/* Return whose server accepts the connection, 'a' or 'b', or the errno. */
static int whose(const struct place *place, const char *name)
{
	int fd, peer, who = 0;

	fd = endpoint_connect(in(place, name));
	if (fd < 0)
		return fd;
	peer = accept(place->alice, NULL, NULL);
	if (peer >= 0)
		who = 'a';
	else
		peer = accept(place->bob, NULL, NULL);
	if (!who && peer >= 0)
		who = 'b';
	close(peer);
	close(fd);
	return who;
}

TEST(path_without_links_is_followed)
{
	struct place place = setup();

	check_eq(whose(&place, "alice/sock"), 'a');
	check_eq(whose(&place, "bob/sock"), 'b');
	check_eq(whose(&place, "bob//./../alice/./sock"), 'a');
	check_eq(whose(&place, "alice/none"), -ENOENT);
	check_eq(whose(&place, "alice/sock/more"), -ENOTDIR);
	check_eq(whose(&place, "alice"), -ECONNREFUSED);
	check_eq(whose(&place, "alice/"), -ECONNREFUSED);
	teardown(&place);
}

TEST(links_of_the_owner_or_root_are_followed)
{
	struct place place = setup();
	char *target = in(&place, "alice/sock");

	make_link(&place, "alice/near", "sock", ALICE);
	make_link(&place, "alice/far", target, ALICE);
	make_link(&place, "alice/up", "../alice/near", ALICE);
	make_link(&place, "roots", "bob/sock", 0);
	make_link(&place, "dir", "alice", 0);
	check_eq(whose(&place, "alice/near"), 'a');
	check_eq(whose(&place, "alice/far"), 'a');
	check_eq(whose(&place, "alice/up"), 'a');
	check_eq(whose(&place, "roots"), 'b');
	check_eq(whose(&place, "dir/up"), 'a');
	teardown(&place);
}

TEST(links_to_files_of_other_users_fail_with_exdev)
{
	struct place place = setup();

	make_link(&place, "alice/near", "../bob/sock", ALICE);
	make_link(&place, "alice/far", in(&place, "bob/sock"), ALICE);
	make_link(&place, "alice/dir", "../bob", ALICE);
	make_link(&place, "alice/back", "../bob/back", ALICE);
	make_link(&place, "bob/back", "../alice/sock", BOB);
	make_link(&place, "alice/root", "../roots", ALICE);
	make_link(&place, "roots", "bob/sock", 0);
	check_eq(whose(&place, "alice/near"), -EXDEV);
	check_eq(whose(&place, "alice/far"), -EXDEV);
	check_eq(whose(&place, "alice/dir/sock"), -EXDEV);
	check_eq(whose(&place, "alice/back"), -EXDEV);
	check_eq(whose(&place, "alice/root"), -EXDEV);
	teardown(&place);
}

TEST(link_loops_fail_with_eloop)
{
	struct place place = setup();
	char name[300];

	make_link(&place, "loop", "loop", 0);
	make_link(&place, "twice", "loop/../twice", 0);
	check_eq(whose(&place, "loop"), -ELOOP);
	check_eq(whose(&place, "twice"), -ELOOP);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	check(whose(&place, name) < 0);
	teardown(&place);
}

TEST(path_and_name_of_the_maximum_length_are_connected)
{
	struct place place = setup();
	char path[PATH_MAX], name[NAME_MAX + 2];
	size_t len;
	int sock;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	check_eq(endpoint_connect(in(&place, name)), -ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	check_eq(endpoint_connect(in(&place, name)), -ENOENT);
	require(!rename(in(&place, "alice/sock"), in(&place, name)));
	sock = endpoint_connect(in(&place, name));
	check(sock >= 0);
	close(sock);
	/* A path of PATH_MAX - 1 bytes. */
	len = PATH_MAX - 1 - strlen(in(&place, name)) + strlen(place.top);
	memset(path, '/', len);
	memcpy(path, place.top, strlen(place.top));
	snprintf(path + len, sizeof(path) - len, "/%s", name);
	require(strlen(path) == PATH_MAX - 1);
	sock = endpoint_connect(path);
	check(sock >= 0);
	close(sock);
	unlink(in(&place, name));
	teardown(&place);
}
