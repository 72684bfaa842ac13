// SPDX-License-Identifier: GPL-2.0
/* The view of /sys/bus/pci/devices, mounted over the real directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysfs.h"
#include "tree.h"
#include "view.h"

#define MOUNT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* The name of a file while it is written. */
#define NEW_NAME ".new"

struct tree {
	int dir;
};

/*
 * A real device, with the absolute path of its directory: absolute links work
 * in the view, relative links do not.
 */
struct link {
	struct link *next;
	char name[NAME_MAX + 1];
	char target[PATH_MAX];
};

static void links_free(struct link *links)
{
	struct link *next;

	for (; links; links = next) {
		next = links->next;
		free(links);
	}
}

static int links_read(struct link **links)
{
	char path[sizeof(TREE_PCI_DEVICES) + NAME_MAX + 1];
	struct dirent *entry;
	struct link *link;
	DIR *dir;

	dir = opendir(TREE_PCI_DEVICES);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		link = malloc(sizeof(*link));
		if (!link)
			break;
		snprintf(path, sizeof(path), TREE_PCI_DEVICES "/%s",
			 entry->d_name);
		memcpy(link->name, entry->d_name, strlen(entry->d_name) + 1);
		if (!realpath(path, link->target)) {
			/* The device was unplugged meanwhile. */
			free(link);
			continue;
		}
		link->next = *links;
		*links = link;
	}
	closedir(dir);
	return entry ? -ENOMEM : 0;
}

static int links_make(const struct link *links, int dir)
{
	for (; links; links = links->next)
		if (symlinkat(links->target, dir, links->name))
			return -errno;
	return 0;
}

static int cover(struct tree *tree)
{
	if (mount("vuser", TREE_PCI_DEVICES, "tmpfs", MOUNT_FLAGS, "mode=0755"))
		return -errno;
	tree->dir = open(TREE_PCI_DEVICES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tree->dir < 0 ? -errno : 0;
}

int tree_open(struct tree **result)
{
	struct link *links = NULL;
	struct tree *tree;
	int ret;

	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	tree->dir = -1;
	ret = links_read(&links);
	if (!ret)
		ret = cover(tree);
	if (!ret)
		ret = links_make(links, tree->dir);
	links_free(links);
	if (ret) {
		if (tree->dir >= 0)
			close(tree->dir);
		free(tree);
		return ret;
	}
	*result = tree;
	return 0;
}

/* Give the new file the name @name, in place of a file that had the name before. */
static int publish(int dir, const char *name)
{
	return renameat(dir, NEW_NAME, dir, name) ? -errno : 0;
}

static int write_file(int dir, const char *name, const void *data, size_t len)
{
	int fd, ret = 0;

	fd = openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0444);
	if (fd < 0)
		return -errno;
	if (write(fd, data, len) != (ssize_t)len)
		ret = -EIO;
	close(fd);
	return ret ?: publish(dir, name);
}

static int write_link(int dir, const char *name, const char *target)
{
	if (symlinkat(target, dir, NEW_NAME))
		return -errno;
	return publish(dir, name);
}

/* Make a link to the target of the mdev's file @name, if it exists. */
static int link_mdev(int dir, const struct vnl_dev *dev, const char *name)
{
	char path[sizeof(SYSFS_MDEV) + 64], real[PATH_MAX];

	snprintf(path, sizeof(path), SYSFS_MDEV "/%s/%s", dev->uuid, name);
	if (!realpath(path, real))
		return -errno;
	return write_link(dir, name, real);
}

int tree_fill(int dir, const struct vnl_dev *dev)
{
	const struct view_file *file;
	char text[VIEW_MAX];
	int ret;

	/* A vuserctl that was killed may have left this file. */
	unlinkat(dir, NEW_NAME, 0);
	for (file = view_files; file->name; file++) {
		file->print(dev, text, sizeof(text));
		ret = write_file(dir, file->name, text, strlen(text));
		if (ret)
			return ret;
	}
	ret = write_file(dir, "config", dev->config, dev->config_size);
	if (!ret)
		ret = write_link(dir, "driver", TREE_VFIO_PCI);
	if (!ret)
		ret = write_link(dir, "subsystem", "/sys/bus/pci");
	if (!ret)
		ret = link_mdev(dir, dev, "iommu_group");
	if (ret)
		return ret;
	/* This exists only if the kernel has VFIO device files (cdev). */
	ret = link_mdev(dir, dev, "vfio-dev");
	return ret == -ENOENT ? 0 : ret;
}

int tree_add(struct tree *tree, const struct vnl_dev *dev)
{
	int dir, ret;

	if (mkdirat(tree->dir, dev->pci_address, 0755))
		return -errno;
	dir = openat(tree->dir, dev->pci_address,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	ret = tree_fill(dir, dev);
	close(dir);
	return ret;
}

int tree_seal(struct tree *tree)
{
	int ret = 0;

	close(tree->dir);
	free(tree);
	if (mount(NULL, TREE_PCI_DEVICES, NULL,
		  MS_REMOUNT | MS_RDONLY | MOUNT_FLAGS, NULL))
		ret = -errno;
	return ret;
}
