/* SPDX-License-Identifier: GPL-2.0 */
/* Output of devices, as text and as JSON. */
#ifndef VUSERCTL_OUTPUT_H
#define VUSERCTL_OUTPUT_H

#include <json-c/json.h>

#include "../netlink/dev.h"

/* As JSON. The keys are the names of the netlink specification. */
struct json_object *output_dev_json(const struct vnl_dev *dev);
struct json_object *output_counters_json(const struct vnl_dev *dev);

/* The endpoint as a word: also if there is none, or if the kernel does not show it. */
const char *output_endpoint(const struct vnl_dev *dev);

/* A table with one line for each device, and a line with the titles. */
void output_row_head(void);
void output_row(const struct vnl_dev *dev);

/* Everything about a device, as lines of "name: value". */
void output_dev(const struct vnl_dev *dev);

/* Print @object on a new line, and free it. */
void output_json(struct json_object *object, bool pretty);

#endif /* VUSERCTL_OUTPUT_H */
