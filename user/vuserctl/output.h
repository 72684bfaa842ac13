/* SPDX-License-Identifier: GPL-2.0 */
/* Output of devices, as text and as JSON. */
#ifndef VUSERCTL_OUTPUT_H
#define VUSERCTL_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "../netlink/dev.h"

struct targets;

/* Add a member to a JSON object. */
void output_add_int(struct json_object *object, const char *key, int64_t value);
void output_add_string(struct json_object *object, const char *key,
		       const char *value);

/* As JSON. The keys are the names of the netlink specification. */
struct json_object *output_dev_json(const struct vnl_dev *dev);
struct json_object *output_counters_json(const struct vnl_dev *dev);
struct json_object *output_rates_json(const double rates[VNL_NR_COUNTERS]);

/* The endpoint as a word: also if there is none, or if the kernel does not show it. */
const char *output_endpoint(const struct vnl_dev *dev);

/*
 * Why no program can use the device, and what to do; NULL if a program can use the
 * device, or uses it.
 */
const char *output_reason(const struct vnl_dev *dev);

/* The colour of the device's state, as terminal-colors.d(5) names it. */
const char *output_state_colour(const struct vnl_dev *dev);

/* Everything about a device, as lines of "name: value". */
void output_dev(const struct vnl_dev *dev);

/* Print @object on a new line, and free it. */
void output_json(struct json_object *object, bool pretty);

/* Print an array on new lines, or only its first member if @single. Frees @array. */
void output_array(struct json_object *array, bool single);

/* Print the JSON of devices: an array, or an object if the user named one device. */
void output_targets_json(const struct targets *targets,
			 struct json_object *(*json)(const struct vnl_dev *dev));

#endif /* VUSERCTL_OUTPUT_H */
