// SPDX-License-Identifier: GPL-2.0
/*
 * vuserctl cdi: print a specification of the Container Device Interface (CDI), with which
 * container engines give devices to containers by name.
 *
 * A container gets the device node of the device's group, the node of the VFIO containers,
 * and a directory with the files of the PCI device. A container's /sys cannot get further
 * directories, so the directories of the devices are mounted elsewhere, and
 * SYSFS_PCI_DEVICES, which DPDK reads, names the place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "output.h"
#include "target.h"
#include "tree.h"
#include "view.h"

/* The first version in which the name of a device may begin with a digit. */
#define CDI_VERSION "0.5.0"
#define CDI_KIND    "vuser/pci"

/* Where the host has the directories, unless the user names another place. */
#define HOST_DIR "/run/vuser/pci"
/* Where a container has them. */
#define CONTAINER_DIR "/run/vuser/pci"

#define PATH_SIZE 4096

enum {
	OPT_DIRECTORY = 512,
};

static const struct opt options[] = {
	{ "directory", OPT_DIRECTORY, "PATH", false,
	  "write the PCI directories of the devices below PATH, " HOST_DIR
	  " by default" },
	{},
};

static struct json_object *add_object(struct json_object *to, const char *key)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(to, key, object);
	return object;
}

static struct json_object *add_array(struct json_object *to, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(to, key, array);
	return array;
}

static void add_node(struct json_object *edits, const char *path)
{
	struct json_object *node = json_object_new_object();

	output_add_string(node, "path", path);
	json_object_array_add(add_array(edits, "deviceNodes"), node);
}

static void add_mount(struct json_object *edits, const char *host,
		      const char *container)
{
	static const char *const flags[] = { "bind", "ro", "nosuid", "nodev",
					     "noexec" };
	struct json_object *mount = json_object_new_object(), *array;
	size_t i;

	output_add_string(mount, "hostPath", host);
	output_add_string(mount, "containerPath", container);
	array = add_array(mount, "options");
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		json_object_array_add(array, json_object_new_string(flags[i]));
	json_object_array_add(add_array(edits, "mounts"), mount);
}

/* The edits for all containers with a device. */
static void add_common(struct json_object *spec)
{
	struct json_object *edits = add_object(spec, "containerEdits");

	json_object_array_add(
		add_array(edits, "env"),
		json_object_new_string("SYSFS_PCI_DEVICES=" CONTAINER_DIR));
	add_node(edits, "/dev/vfio/vfio");
}

static void add_device(struct json_object *devices, const struct vnl_dev *dev,
		       const char *host)
{
	struct json_object *device = json_object_new_object(), *edits;
	char group[32], container[sizeof(CONTAINER_DIR) + 32];

	snprintf(group, sizeof(group), "/dev/vfio/%u", dev->group);
	snprintf(container, sizeof(container), CONTAINER_DIR "/%s",
		 dev->pci_address);
	output_add_string(device, "name", dev->pci_address);
	edits = add_object(device, "containerEdits");
	add_node(edits, group);
	add_mount(edits, host, container);
	json_object_array_add(devices, device);
}

/* Make @path and all directories above it; 0 or -errno. */
static int make_dirs(char *path)
{
	char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

/* Write the PCI directory of a device; 0 or -errno. */
static int write_dir(char *path, const struct vnl_dev *dev)
{
	int ret = make_dirs(path), dir;

	if (ret)
		return ret;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	ret = tree_fill(dir, dev);
	close(dir);
	return ret;
}

/* Add the devices of which a server is known. @named: the user named them. */
static int add_devices(struct json_object *devices,
		       const struct targets *targets, const char *directory,
		       bool named)
{
	const struct vnl_dev *dev;
	char path[PATH_SIZE];
	size_t i;
	int ret;

	for (i = 0; i < targets->nr; i++) {
		dev = &targets->devs[i];
		if (!view_possible(dev)) {
			ctl_say("%s is left out, because its state is %s: see vuserctl show %s",
				dev->uuid, vnl_name_state(dev->state),
				dev->uuid);
			if (named)
				return EX_UNAVAILABLE;
			continue;
		}
		ret = snprintf(path, sizeof(path), "%s/%s", directory,
			       dev->pci_address);
		if ((size_t)ret >= sizeof(path))
			return ctl_fail(EX_USAGE, "the path is too long");
		ret = write_dir(path, dev);
		if (ret)
			return ctl_fail(exit_status(ret), "cannot write %s: %s",
					path, strerror(-ret));
		add_device(devices, dev, path);
	}
	return 0;
}

static int print(const struct targets *targets, const char *directory,
		 bool named)
{
	struct json_object *spec = json_object_new_object(), *devices;
	mode_t mask = umask(022);
	int status;

	output_add_string(spec, "cdiVersion", CDI_VERSION);
	output_add_string(spec, "kind", CDI_KIND);
	devices = add_array(spec, "devices");
	status = add_devices(devices, targets, directory, named);
	umask(mask);
	if (!status && !json_object_array_length(devices))
		status =
			ctl_fail(EX_UNAVAILABLE,
				 "no device has a server: see vuserctl status");
	add_common(spec);
	if (status)
		json_object_put(spec);
	else
		output_json(spec, true);
	return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const char *directory = HOST_DIR;
	struct option_parser parser;
	struct targets targets;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key != OPT_DIRECTORY)
			return ctl_usage(&cmd_cdi);
		directory = optarg;
	}
	if (*directory != '/')
		return ctl_fail(EX_USAGE,
				"--directory needs an absolute path, not '%s'",
				directory);
	status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	if (!status)
		status = print(&targets, directory, optind < argc);
	target_free(&targets);
	return status;
}

const struct command cmd_cdi = {
	.name = "cdi",
	.operands = "[DEVICE]...",
	.operand = CTL_DEVICES,
	.options = options,
	.what = "print a Container Device Interface specification of the devices",
	.run = run,
};
