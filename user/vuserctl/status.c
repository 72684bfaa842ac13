// SPDX-License-Identifier: GPL-2.0
/* vuserctl status: whether all is well, and what to do if not. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "helper.h"
#include "output.h"
#include "sysfs.h"

/**
 * struct status - what this command finds out
 * @loaded: the kernel module is loaded
 * @version: version of the kernel module, "" if the module does not tell
 * @helper: process of vuserd, 0 if none was found
 * @owned: number of devices that a helper owns
 * @nr: number of devices
 * @states: number of devices in each state
 * @problems: array of objects, see add_problem()
 */
struct status {
	bool loaded;
	char version[64];
	pid_t helper;
	uint32_t owned;
	uint32_t nr;
	uint32_t states[VUSER_STATE_MAX + 1];
	struct json_object *problems;
};

/* Add a problem of the device @uuid, or of everything if it is NULL. */
static void add_problem(struct status *status, const char *uuid,
			const char *text)
{
	struct json_object *problem = json_object_new_object();

	if (uuid)
		json_object_object_add(problem, "uuid",
				       json_object_new_string(uuid));
	json_object_object_add(problem, "problem",
			       json_object_new_string(text));
	json_object_array_add(status->problems, problem);
}

static int count(void *data, const struct vnl_dev *dev)
{
	struct status *status = data;

	status->nr++;
	status->owned += !!dev->owner;
	if (dev->state <= VUSER_STATE_MAX)
		status->states[dev->state]++;
	if (output_reason(dev))
		add_problem(status, dev->uuid, output_reason(dev));
	return 0;
}

static void look_at_module(struct status *status)
{
	FILE *file = fopen(SYSFS_MODULE "/version", "re");

	status->loaded = !access(SYSFS_MODULE, F_OK);
	if (!file)
		return;
	if (fgets(status->version, sizeof(status->version), file))
		status->version[strcspn(status->version, "\n")] = '\0';
	fclose(file);
}

static void look_at_devices(struct ctl *ctl, struct status *status)
{
	int ret = vnl_sock_open(&ctl->nl);

	if (!ret) {
		ctl->connected = true;
		ret = vnl_dev_dump(&ctl->nl, count, status);
	}
	if (ret)
		add_problem(status, NULL, vnl_sock_error(&ctl->nl, ret));
}

static void look_at_helper(struct status *status)
{
	status->helper = helper_find();
	/* Devices that are attached do not need vuserd now, but when a server is lost. */
	if (!status->helper && !status->owned)
		add_problem(status, NULL,
			    "vuserd is not running: start vuserd");
}

static void print_json(const struct status *status)
{
	struct json_object *object = json_object_new_object();
	struct json_object *part = json_object_new_object();
	int i;

	json_object_object_add(
		object, "ok",
		json_object_new_boolean(
			!json_object_array_length(status->problems)));
	json_object_object_add(part, "loaded",
			       json_object_new_boolean(status->loaded));
	if (status->version[0])
		json_object_object_add(part, "version",
				       json_object_new_string(status->version));
	json_object_object_add(object, "module", part);
	part = json_object_new_object();
	json_object_object_add(part, "running",
			       json_object_new_boolean(status->helper ||
						       status->owned));
	if (status->helper)
		json_object_object_add(part, "pid",
				       json_object_new_int(status->helper));
	json_object_object_add(object, "helper", part);
	part = json_object_new_object();
	json_object_object_add(part, "total", json_object_new_int(status->nr));
	for (i = 0; i <= VUSER_STATE_MAX; i++)
		json_object_object_add(part, vnl_name_state(i),
				       json_object_new_int(status->states[i]));
	json_object_object_add(object, "devices", part);
	json_object_object_add(object, "problems",
			       json_object_get(status->problems));
	output_json(object, true);
}

static void print_devices(const struct status *status)
{
	const char *mark = ": ";
	int i;

	printf("devices: %u", status->nr);
	for (i = 0; i <= VUSER_STATE_MAX; i++) {
		if (!status->states[i])
			continue;
		printf("%s%u %s", mark, status->states[i], vnl_name_state(i));
		mark = ", ";
	}
	putchar('\n');
}

static void print_problems(const struct status *status)
{
	size_t i, nr = json_object_array_length(status->problems);
	struct json_object *problem, *uuid, *text;

	for (i = 0; i < nr; i++) {
		problem = json_object_array_get_idx(status->problems, i);
		json_object_object_get_ex(problem, "problem", &text);
		printf("problem: ");
		if (json_object_object_get_ex(problem, "uuid", &uuid))
			printf("device %s: ", json_object_get_string(uuid));
		puts(json_object_get_string(text));
	}
}

static void print_text(const struct status *status)
{
	printf("module: %s%s%s\n", status->loaded ? "loaded" : "not loaded",
	       status->version[0] ? ", version " : "", status->version);
	if (status->helper)
		printf("helper: running, process %d\n", status->helper);
	else if (status->owned)
		puts("helper: running, in another PID namespace");
	else
		puts("helper: not running");
	print_devices(status);
	print_problems(status);
	if (!json_object_array_length(status->problems))
		puts(status->nr ?
			     "all is well" :
			     "all is well: create a device with vuserctl create --endpoint PATH");
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct status status = {};
	int result;

	(void)argv;
	if (argc != 1)
		return ctl_usage(&cmd_status);
	status.problems = json_object_new_array();
	look_at_module(&status);
	look_at_devices(ctl, &status);
	look_at_helper(&status);
	if (ctl->json)
		print_json(&status);
	else
		print_text(&status);
	result = json_object_array_length(status.problems) ? EX_UNAVAILABLE :
							     EX_OK;
	json_object_put(status.problems);
	return result;
}

const struct command cmd_status = {
	.name = "status",
	.operands = "",
	.what = "show whether all is well, and what to do if not",
	.run = run,
};
