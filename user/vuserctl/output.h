/* SPDX-License-Identifier: GPL-2.0 */
/* Devices for people and for programs. */
#ifndef VUSERCTL_OUTPUT_H
#define VUSERCTL_OUTPUT_H

#include <json-c/json.h>

#include "../netlink/dev.h"

/* Keys are the spec's names. */
struct json_object *output_dev_json(const struct vnl_dev *dev);
struct json_object *output_counters_json(const struct vnl_dev *dev);

/* One line each; the first is for the head. */
void output_row_head(void);
void output_row(const struct vnl_dev *dev);

/* Everything, "name: value". */
void output_dev(const struct vnl_dev *dev);

/* Prints it on a line of its own and drops it. */
void output_json(struct json_object *object, bool pretty);

#endif /* VUSERCTL_OUTPUT_H */
