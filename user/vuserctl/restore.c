// SPDX-License-Identifier: GPL-2.0
/* vuserctl restore: create devices from definitions of mdevctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "define.h"
#include "definition.h"
#include "output.h"
#include "sysfs.h"

/* Write a setting; 0, or an exit status after an error was printed. */
static int set(const struct definition *definition, const char *key,
	       const char *value)
{
	char path[sizeof(SYSFS_MDEV) + 364];
	int ret;

	snprintf(path, sizeof(path), SYSFS_MDEV "/%s/%s", definition->uuid,
		 key);
	ret = sysfs_write(path, value);
	if (ret == -ENOENT)
		return ctl_fail(
			EX_DATAERR,
			"device %s: the kernel module has no setting %s",
			definition->uuid, key);
	if (ret)
		return ctl_fail(exit_status(ret),
				"device %s: cannot set %s to '%s': %s",
				definition->uuid, key, value, strerror(-ret));
	return 0;
}

/* The endpoint is set last, since the server is attached when it is set. */
static int set_all(const struct definition *definition)
{
	const char *endpoint = NULL, *key, *value;
	int status = 0;
	size_t i;

	for (i = 0; definition_attr(definition, i, &key, &value) && !status;
	     i++) {
		if (!strcmp(key, SYSFS_SETTINGS "/endpoint"))
			endpoint = value;
		else
			status = set(definition, key, value);
	}
	if (!status && endpoint)
		status = set(definition, SYSFS_SETTINGS "/endpoint", endpoint);
	return status;
}

/**
 * struct restore - a run of this command
 * @status: exit status of the first device that was not restored
 * @array: results as JSON
 */
struct restore {
	int status;
	struct json_object *array;
};

static void restore_one(void *data, const struct definition *definition)
{
	struct restore *restore = data;
	struct json_object *object = json_object_new_object();
	int status = define_create(definition->uuid);

	if (!status) {
		status = set_all(definition);
		/* Do not leave a device with half of its settings. */
		if (status)
			sysfs_remove(definition->uuid);
	}
	restore->status = restore->status ?: status;
	json_object_object_add(object, "uuid",
			       json_object_new_string(definition->uuid));
	json_object_object_add(object, "restored",
			       json_object_new_boolean(!status));
	json_object_array_add(restore->array, object);
}

static void print_text(struct json_object *array)
{
	struct json_object *object, *value;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++) {
		object = json_object_array_get_idx(array, i);
		json_object_object_get_ex(object, "restored", &value);
		if (!json_object_get_boolean(value))
			continue;
		json_object_object_get_ex(object, "uuid", &value);
		puts(json_object_get_string(value));
	}
}

/* Read a file, or standard input for "-"; NULL after an error was printed. */
static struct json_object *read_file(const char *name, int *status)
{
	bool input = !strcmp(name, "-");
	int fd = input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	struct json_object *root;

	if (fd < 0) {
		*status = ctl_fail(EX_NOINPUT, "%s: %s", name, strerror(errno));
		return NULL;
	}
	root = json_object_from_fd(fd);
	if (!input)
		close(fd);
	if (!root)
		*status = ctl_fail(EX_DATAERR, "%s is not a JSON file", name);
	return root;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct restore restore = {};
	struct json_object *root;
	char why[256];
	int status = 0;

	if (argc != 2 || (argv[1][0] == '-' && argv[1][1]))
		return ctl_usage(&cmd_restore);
	root = read_file(argv[1], &status);
	if (!root)
		return status;
	if (definition_check(root, why, sizeof(why))) {
		status = ctl_fail(EX_DATAERR, "%s: %s", argv[1], why);
		goto out;
	}
	status = ctl_connect(ctl);
	if (status)
		goto out;
	restore.array = json_object_new_array();
	definition_each(root, restore_one, &restore);
	status = restore.status;
	if (ctl->json) {
		output_json(restore.array, true);
	} else {
		print_text(restore.array);
		json_object_put(restore.array);
	}
out:
	json_object_put(root);
	return status;
}

const struct command cmd_restore = {
	.name = "restore",
	.operands = "FILE",
	.operand = CTL_FILE,
	.what = "create devices from definitions of mdevctl, and print their UUIDs",
	.run = run,
};
