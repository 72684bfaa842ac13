// SPDX-License-Identifier: GPL-2.0
/*
 * vuserctl save: print devices as definitions of mdevctl(8).
 *
 * The settings are those attributes of a device in sysfs that can be written, so settings
 * that a newer kernel module has are saved, too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "output.h"
#include "sysfs.h"
#include "target.h"

/* A setting is at most a path. */
#define VALUE_MAX (VUSER_ENDPOINT_MAX + 2)

static int is_setting(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Read an attribute without its newline; 0 or -errno. */
static int read_value(int dir, const char *name, char value[VALUE_MAX])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, value, VALUE_MAX - 1);
	if (len < 0)
		ret = -errno;
	close(fd);
	value[len > 0 ? len : 0] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return ret;
}

/* Add an attribute to @attrs if it is a setting that is not empty; 0 or -errno. */
static int add_setting(int dir, const char *name, struct json_object *attrs)
{
	struct json_object *object;
	char value[VALUE_MAX], key[300];
	struct stat st;
	int ret;

	if (fstatat(dir, name, &st, 0) || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & S_IWUSR))
		return 0;
	ret = read_value(dir, name, value);
	if (ret || !value[0])
		return ret;
	object = json_object_new_object();
	snprintf(key, sizeof(key), SYSFS_SETTINGS "/%s", name);
	json_object_object_add(object, key, json_object_new_string(value));
	return json_object_array_add(attrs, object);
}

/*
 * Add all settings; 0 or -errno. The endpoint is the last one, since the server is attached
 * when it is set.
 */
static int add_settings(const char *uuid, struct json_object *attrs)
{
	char path[sizeof(SYSFS_MDEV) + 64];
	struct dirent **entries;
	int dir, i, nr, ret = 0;

	snprintf(path, sizeof(path), SYSFS_MDEV "/%s/" SYSFS_SETTINGS, uuid);
	nr = scandir(path, &entries, is_setting, alphasort);
	if (nr < 0)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		ret = -errno;
	for (i = 0; i < nr; i++) {
		if (!ret && strcmp(entries[i]->d_name, "endpoint"))
			ret = add_setting(dir, entries[i]->d_name, attrs);
		free(entries[i]);
	}
	free(entries);
	if (!ret)
		ret = add_setting(dir, "endpoint", attrs);
	if (dir >= 0)
		close(dir);
	return ret;
}

static int add_device(const struct vnl_dev *dev, struct json_object *devices)
{
	struct json_object *definition = json_object_new_object();
	struct json_object *attrs = json_object_new_array();
	struct json_object *device = json_object_new_object();
	int ret;

	json_object_object_add(definition, "mdev_type",
			       json_object_new_string(SYSFS_TYPE));
	json_object_object_add(definition, "start",
			       json_object_new_string("manual"));
	json_object_object_add(definition, "attrs", attrs);
	json_object_object_add(device, dev->uuid, definition);
	json_object_array_add(devices, device);
	ret = add_settings(dev->uuid, attrs);
	if (ret)
		return ctl_fail(
			exit_status(ret), "cannot read the settings of %s: %s",
			dev->uuid,
			exit_status(ret) == EX_NOPERM ?
				"permission denied, run vuserctl as root" :
				strerror(-ret));
	return 0;
}

/* Print what `mdevctl list --dumpjson` prints. */
static int save(const struct targets *targets)
{
	struct json_object *all = json_object_new_array();
	struct json_object *parent = json_object_new_object();
	struct json_object *devices = json_object_new_array();
	int status = 0;
	size_t i;

	for (i = 0; i < targets->nr && !status; i++)
		status = add_device(&targets->devs[i], devices);
	json_object_object_add(parent, SYSFS_PARENT, devices);
	json_object_array_add(all, parent);
	if (status)
		json_object_put(all);
	else
		output_json(all, true);
	return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct targets targets;
	int status;

	if (argc > 1 && argv[1][0] == '-')
		return ctl_usage(&cmd_save);
	status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + 1, argc - 1, &targets);
	if (!status)
		status = save(&targets);
	target_free(&targets);
	return status;
}

const struct command cmd_save = {
	.name = "save",
	.operands = "[DEVICE]...",
	.operand = CTL_DEVICES,
	.what = "print devices as definitions of mdevctl, for restore",
	.run = run,
};
