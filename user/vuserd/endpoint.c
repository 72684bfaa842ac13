// SPDX-License-Identifier: GPL-2.0
/* Connect to the socket of a server, whose path users may control. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "endpoint.h"

/* The maximum number of symbolic links, as in the kernel. */
#define LINKS_MAX 40

/**
 * struct walk - the resolution of a path
 * @dir: the current directory, opened with O_PATH
 * @rest: the rest of the path, from @dir
 * @links: number of symbolic links followed so far
 * @guided: one of these links belongs to a user other than root
 * @guide: the owner of this link
 */
struct walk {
	int dir;
	char rest[PATH_MAX];
	unsigned int links;
	bool guided;
	uid_t guide;
};

static int enter(struct walk *walk, int dir)
{
	if (dir < 0)
		return -errno;
	if (walk->dir >= 0)
		close(walk->dir);
	walk->dir = dir;
	return 0;
}

static int enter_root(struct walk *walk)
{
	return enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Take the first name from the rest. Return 1; 0 at the end; -ENAMETOOLONG. */
static int next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");

	if (!len)
		return 0;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(walk->rest, start + len, strlen(start + len) + 1);
	return 1;
}

/*
 * Remember the owner of a link, since the owner decides where the path leads.
 */
static int note_owner(struct walk *walk, uid_t owner)
{
	if (!owner || owner == geteuid())
		return 0;
	if (walk->guided && walk->guide != owner)
		return -EXDEV;
	walk->guided = true;
	walk->guide = owner;
	return 0;
}

static int follow(struct walk *walk, int link, const struct stat *st)
{
	char path[2 * PATH_MAX];
	ssize_t len;
	int ret;

	ret = note_owner(walk, st->st_uid);
	if (ret)
		return ret;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	len = readlinkat(link, "", path, PATH_MAX);
	if (len < 0)
		return -errno;
	snprintf(path + len, sizeof(path) - len, "%s", walk->rest);
	if (strlen(path) >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	strcpy(walk->rest, path);
	return path[0] == '/' ? enter_root(walk) : 0;
}

/*
 * The end of the path. Connect to the file that was checked, not to its name,
 * which may have been replaced meanwhile.
 */
static int arrive(const struct walk *walk, int fd, const struct stat *st)
{
	char path[32];

	if (!S_ISSOCK(st->st_mode))
		return -ECONNREFUSED;
	if (walk->guided && st->st_uid != walk->guide)
		return -EXDEV;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return vuser_sock_connect(path);
}

/*
 * Resolve one name. Return 0 to continue, the connected socket + 1, or an
 * errno.
 */
static int step(struct walk *walk, const char *name)
{
	struct stat st;
	int fd, ret;

	fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		ret = -errno;
	} else if (S_ISLNK(st.st_mode)) {
		ret = follow(walk, fd, &st);
	} else if (walk->rest[0]) {
		return enter(walk, fd);
	} else {
		ret = arrive(walk, fd, &st);
		if (ret >= 0)
			ret++;
	}
	close(fd);
	return ret;
}

int endpoint_connect(const char *path)
{
	struct walk walk = { .dir = -1 };
	char name[NAME_MAX + 1];
	int ret;

	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	strcpy(walk.rest, path);
	ret = enter_root(&walk);
	while (!ret) {
		ret = next_name(&walk, name);
		if (ret > 0)
			ret = step(&walk, name);
		else if (!ret)
			ret = -ECONNREFUSED;
	}
	if (walk.dir >= 0)
		close(walk.dir);
	return ret > 0 ? ret - 1 : ret;
}
